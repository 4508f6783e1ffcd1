"""C and C++ sources whose objects hold what an object can hold."""

from __future__ import annotations

DATA = r"""
typedef unsigned long size_t;
extern int puts(const char *);
extern int far_data[];
extern int maybe_function(int) __attribute__((weak));
extern int maybe_data __attribute__((weak));
int fn(int num) { return num; }
static int counter = 5;
int initialized[4] = {1, 2, 3, 4};
int zeroed[1000];
__attribute__((aligned(256))) char aligned[300] = "aligned";
const char *const names[] = {"zero", "one", "two", "three"};
int *pointer = &initialized[2];
static const double numbers[3] = {0.5, 1.5, 2.5};
__attribute__((noinline)) static int helper(int x) { counter += x; return counter * 3; }
int (*const operations[])(int) = {fn, helper};
int call_static(int x) { return helper(x) + helper(x + 1); }
int call_pointer(int i, int x) { return operations[i & 1](x); }
int through(void) { return *pointer; }
int from_zeroed(int i) { zeroed[i] += 7; return zeroed[i]; }
size_t length(int i) { const char *s = names[i & 3]; size_t n = 0; while (s[n]) n++; return n; }
char byte_of(int i) { return aligned[i]; }
long scaled(int i) { return (long)(numbers[i % 3] * 10); }
int select(int k, int x) {
    switch (k) {
    case 0: return x + 17; case 1: return x * 3; case 2: return x ^ 0x55; case 3: return x - 9;
    case 4: return x << 3; case 5: return helper(x); case 6: return -x; case 7: return x | 6;
    default: return 99;
    }
}
const char *label(int k) {
    switch (k) {
    case 0: return "north"; case 1: return "east"; case 2: return "south"; case 3: return "west"; case 4: return "up";
    default: return "?";
    }
}
int weak_call(int x) { return maybe_function ? maybe_function(x) : -x; }
int *weak_data(void) { return &maybe_data; }
int external(int i) { puts(names[i]); return far_data[i]; }
short halves[8]; long doubles[8]; char bytes[8]; __int128 wide[2];
void widths(int v) { halves[3] = v; doubles[3] = v; bytes[3] = v; wide[1] = v; }
long sum_widths(void) { return halves[3] + doubles[3] + bytes[3] + (long)wide[1]; }
"""

CPLUSPLUS = r"""
namespace geometry {
struct Point { int x; double y; char tag[5]; };
unsigned long long area(Point p, const Point &q, bool b, signed char s, unsigned char u, void *v, int (*cb)(int)) {
    return p.x + q.x + b + s + u + (v ? 1 : 0) + cb(3);
}
}
int fn(int num) { return num; }
int fn(double num) { return (int)num + 1; }
static int hidden(int x) { return x * 2; }
template <class T> T twice(T a) { return a + a; }
int use(int k) { return twice(k) + (int)twice(long(k)) + hidden(k); }
class Counter {
  public:
    explicit Counter(int start);
    virtual ~Counter();
    int next(int step) const;
    int value;
};
Counter::Counter(int start) : value(start) {}
Counter::~Counter() {}
int Counter::next(int step) const { return value + step; }
Counter global_counter(41);
int read_global() { return global_counter.next(1); }
"""

ASSEMBLY = r"""
    .text
    .globl entry
    .type entry, %function
entry:
    cbz x0, near
    tbnz x1, #5, near
    b.ne near
    bl near
    b near
    adr x2, near
    adr x2, words + 4
    ldr x3, near
    adrp x4, words
    adrp x4, :pg_hi21_nc:words + 8
    add x4, x4, :lo12:words + 8
    ldrb w5, [x4, :lo12:words + 1]
    ldrh w5, [x4, :lo12:words + 2]
    ldr w5, [x4, :lo12:words + 4]
    ldr x5, [x4, :lo12:words + 8]
    ldr q5, [x4, :lo12:words + 16]
    movz x6, #:abs_g3:words
    movk x6, #:abs_g2_nc:words
    movk x6, #:abs_g1_nc:words
    movk x6, #:abs_g0_nc:words
    movz x6, #:abs_g0:small
    movz x6, #:abs_g1:words
    movz x6, #:abs_g2:words
    movz x6, #:abs_g0_s:negative
    movz x6, #:abs_g1_s:words
    movn x6, #:abs_g2_s:words
    movn x6, #:abs_g1_s:negative
    movz x7, #:prel_g3:near
    movk x7, #:prel_g2_nc:near
    movk x7, #:prel_g1_nc:near
    movk x7, #:prel_g0_nc:near
    movz x7, #:prel_g2:words
    movz x7, #:prel_g1:words
    movz x7, #:prel_g1:entry
    movz x7, #:prel_g0:near
    adrp x8, :got:words
    ldr x8, [x8, :got_lo12:words]
    ldr x8, :got:words
    ldr x9, [x8, :gotpage_lo15:words]
    ret
    .section .text.other, "ax", %progbits
    .skip 64
near:
    ret
    .section .rodata.table, "a", %progbits
    .word near - .
    .xword near - .
    .hword near - .
    .hword small
    .word small
    .word negative
    .xword words + 0x123456789
    .word near@PLT - .
    .word words@GOTPCREL
near_data:
    .word near - . + 4
    .section .data.rel.ro.x, "aw", %progbits
    .align 3
    .xword words
    .data
    .align 4
words:
    .xword 1, 2, 3, 4, entry
"""

THREAD_LOCAL_ASSEMBLY = """
.globl f
f:
add x0, x1, :tprel_hi12:near
add x0, x0, :tprel_lo12_nc:near
add x0, x1, :tprel_hi12:far
add x0, x0, :tprel_lo12_nc:far+24
movz x0, #:tprel_g2:far
movz x0, #:tprel_g1:far
movk x0, #:tprel_g1_nc:far
movz x0, #:tprel_g0:near
movk x0, #:tprel_g0_nc:far+8
ldrb w0, [x1, :tprel_lo12_nc:far+3]
strh w0, [x1, :tprel_lo12_nc:far+2]
ldr s0, [x1, :tprel_lo12_nc:far+4]
str d0, [x1, :tprel_lo12_nc:far+8]
str q0, [x1, :tprel_lo12_nc:far+16]
adrp x0, :tlsdesc:far
ldr x1, [x0, :tlsdesc_lo12:far]
add x0, x0, :tlsdesc_lo12:far
.tlsdesccall far
blr x1
ret
.section .tdata,"awT",@progbits
.balign 64
.word 1, 2, 3, 4
near: .quad 5, f
.section .tbss,"awT",@nobits
.balign 16
.space 0x54320
far: .space 64
"""
"""References to thread-local variables in all forms that ld.lld doesn't turn into others."""
