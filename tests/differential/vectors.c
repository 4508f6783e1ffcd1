/* Runs vectors (a few instructions in a state each) on the processor or under qemu-aarch64, many in one process.
 *
 * Freestanding: no C library. Everything happens in the handler of the signal that ends each vector: it notes the
 * registers of the interrupted context, replaces them by those of the next vector, and returns into that.
 * Standard input: struct header, the noises, then struct vector each; standard output: struct result each, followed by
 * the bytes of data memory that changed.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum { WORDS = 64, PATCHES = 4, NOISES = 8 };

struct header { u64 count, code, code_size, data, data_size; };
struct patch { u64 offset, size; u8 bytes[16]; };
/* loops: never ends by itself, so an alarm is set. */
struct floating { u32 fpsr, fpcr; u64 v[64]; };
struct vector { u64 pc, words, noise, patches, loops, x[31], sp, pstate; struct floating f; u32 code[WORDS]; struct patch patch[PATCHES]; };
struct result { u64 signal, signal_code, syndrome, x[31], sp, pc, pstate; struct floating f; u64 changed_at, changed_size; };

struct sigaction { void (*handler)(int, u64 *, u8 *); u64 flags; void *restorer; u64 mask; };
struct stack { void *base; u32 flags; u64 size; };
struct timer { u64 interval_s, interval_us, value_s, value_us; };
/* The kernel's struct sigcontext, 176 bytes into struct ucontext (arch/arm64/include/uapi/asm/sigcontext.h). */
struct context { u64 fault_address, x[31], sp, pc, pstate; };

/* Of the records that follow, one holds ESR_EL1, which tells a write from a read, and one the vector registers. */
enum { RECORDS = 288, ESR_MAGIC = 0x45535201, FPSIMD_MAGIC = 0x46508001 };

static long call(long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    register u64 x8 __asm__("x8") = (u64)number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register u64 x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8) : "memory");
    return (long)x0;
}

enum { READ = 63, WRITE = 64, EXIT = 93, SETITIMER = 103, SIGALTSTACK = 132, SIGACTION = 134, MMAP = 222, MPROTECT = 226 };
enum { VIRTUAL = 1, VTALRM = 26 }; /* Time of this process: on a busy machine all other may pass before a vector has begun. */
enum { PROT_RW = 3, PROT_RX = 5, MAP_FIXED_ANON = 0x32, MAP_ANON = 0x22 };

static struct header header;
static u8 *noises, *data, *initial;
static u32 *code;
static struct vector vector;
static long next = -1;

static void leave(int status) { call(EXIT, (u64)status, 0, 0, 0, 0, 0); __builtin_unreachable(); }

void *memcpy(void *to, const void *from, u64 size)
{
    u8 *t = to;
    const u8 *f = from;
    for (; size >= 8; size -= 8, t += 8, f += 8)
        *(volatile u64 *)t = *(const u64 *)f;
    while (size--)
        *(volatile u8 *)t++ = *f++;
    return to;
}

static void take(void *to, u64 size)
{
    for (u64 done = 0; done < size;) {
        long n = call(READ, 0, (u64)to + done, size - done, 0, 0, 0);
        if (n <= 0)
            leave(3);
        done += (u64)n;
    }
}

static void give(const void *from, u64 size)
{
    for (u64 done = 0; done < size;) {
        long n = call(WRITE, 1, (u64)from + done, size - done, 0, 0, 0);
        if (n <= 0)
            leave(4);
        done += (u64)n;
    }
}

/* Around the program, and where no program is, words are zero: UDF. */
static void place(const u32 *words, u64 count)
{
    u64 page = vector.pc & ~0xFFFFul, first = (vector.pc - header.code) / 4;
    call(MPROTECT, page, header.code_size, PROT_RW, 0, 0, 0);
    for (u64 i = 0; i < count; i++)
        code[first + i] = words ? words[i] : 0;
    call(MPROTECT, page, header.code_size, PROT_RX, 0, 0, 0);
    for (u64 i = 0; i < count; i += 16)
        __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code + first + i) : "memory");
}

static void *record(struct context *at, u32 magic)
{
    for (u8 *found = (u8 *)at + RECORDS;; found += ((u32 *)found)[1]) {
        if (((u32 *)found)[0] == magic)
            return found + 8;
        if (((u32 *)found)[1] == 0)
            return 0;
    }
}

static void report(int signal, u64 *info, struct context *at)
{
    struct result result;
    u64 low = 0, high = header.data_size;
    result.signal = (u64)signal;
    result.signal_code = (u32)info[1];
    u64 *syndrome = record(at, ESR_MAGIC);
    result.syndrome = syndrome ? *syndrome : 0;
    memcpy(result.x, at->x, sizeof result.x);
    result.sp = at->sp, result.pc = at->pc, result.pstate = at->pstate;
    memcpy(&result.f, record(at, FPSIMD_MAGIC), sizeof result.f);
    while (low < high && *(u64 *)(data + low) == *(u64 *)(initial + low))
        low += 8;
    while (high > low && *(u64 *)(data + high - 8) == *(u64 *)(initial + high - 8))
        high -= 8;
    result.changed_at = low, result.changed_size = high - low;
    give(&result, sizeof result);
    give(data + low, high - low);
    place(0, vector.words);
}

static u64 timed;

static void handle(int signal, u64 *info, u8 *ucontext)
{
    struct context *at = (struct context *)(ucontext + 176);
    if (signal == VTALRM && !vector.loops)
        return; /* It was meant for the vector before. */
    if (next >= 0)
        report(signal, info, at);
    if (++next == (long)header.count)
        leave(0);
    take(&vector, sizeof vector);
    memcpy(initial, noises + vector.noise * header.data_size, header.data_size);
    for (u64 i = 0; i < vector.patches; i++)
        memcpy(initial + vector.patch[i].offset, vector.patch[i].bytes, vector.patch[i].size);
    memcpy(data, initial, header.data_size);
    place(vector.code, vector.words);
    memcpy(at->x, vector.x, sizeof at->x);
    at->sp = vector.sp, at->pc = vector.pc, at->pstate = vector.pstate;
    memcpy(record(at, FPSIMD_MAGIC), &vector.f, sizeof vector.f);
    /* Of a vector that didn't loop after all, the timer still runs. */
    struct timer timer = { 0, 0, 0, vector.loops ? 50000 : 0 };
    if (timed || vector.loops)
        call(SETITIMER, VIRTUAL, (u64)&timer, 0, 0, 0, 0);
    timed = vector.loops;
}

static void *map(u64 address, u64 size, u64 protection, u64 flags)
{
    return (void *)call(MMAP, address, size, protection, flags, (u64)-1, 0);
}

void _start(void)
{
    static const int signals[] = { 4, 5, 7, 8, 11, VTALRM }; /* ILL, TRAP, BUS, FPE, SEGV */
    take(&header, sizeof header);
    code = map(header.code, header.code_size, PROT_RW, MAP_FIXED_ANON);
    data = map(header.data, header.data_size, PROT_RW, MAP_FIXED_ANON);
    initial = map(0, header.data_size, PROT_RW, MAP_ANON);
    noises = map(0, NOISES * header.data_size, PROT_RW, MAP_ANON);
    take(noises, NOISES * header.data_size);
    struct stack stack = { map(0, 1 << 16, PROT_RW, MAP_ANON), 0, 1 << 16 };
    call(SIGALTSTACK, (u64)&stack, 0, 0, 0, 0, 0);
    struct sigaction action = { handle, 4 | 0x08000000, 0, ~0ul }; /* SA_SIGINFO | SA_ONSTACK */
    for (u64 i = 0; i < sizeof signals / sizeof *signals; i++)
        call(SIGACTION, (u64)signals[i], (u64)&action, 0, 8, 0, 0);
    __asm__ volatile("brk #0");
}
