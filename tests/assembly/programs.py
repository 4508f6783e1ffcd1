"""Small C and C++ programs, each for something that compilers express in assembly in their own way."""

from __future__ import annotations

__all__ = ["CPP", "C"]

C: dict[str, str] = {
    "sum": "long sum(const int *p, int n) { long s = 0; for (int i = 0; i < n; i++) s += p[i]; return s; }",
    "thread_local": """
        _Thread_local int counter = 3; static _Thread_local long hidden; extern _Thread_local int elsewhere;
        int next(void) { return counter++ + (int)hidden + elsewhere; } _Thread_local char buffer[100];
        char *where(int i) { hidden++; return buffer + i; }""",
    "constructors": """
        int order[4]; int at;
        __attribute__((constructor)) static void one(void) { order[at++] = 1; }
        __attribute__((constructor(200))) static void two(void) { order[at++] = 2; }
        __attribute__((destructor)) static void three(void) { order[at++] = 3; }
        int first(void) { return order[0] * 10 + order[1]; }""",
    "switch_table": """
        int f(int x) { switch (x) { case 0: return 7; case 1: return 9; case 2: return 1; case 3: return 4;
        case 4: return 8; case 5: return 2; case 6: return 77; default: return -1; } }
        void g(int x, int *p) { switch (x) { case 0: *p += 1; break; case 1: p[1] *= 3; break;
        case 2: *p = p[2]; break;
        case 3: *p ^= 5; break; case 4: p[3] = *p / 3; break; case 5: *p <<= 2; break; } }""",
    "computed_goto": """
        int run(const unsigned char *code) { static const void *const table[] = {&&stop, &&add, &&twice};
        int a = 1; goto *table[*code++]; add: a += 5; goto *table[*code++]; twice: a *= 2; goto *table[*code++];
        stop: return a; }""",
    "strings": """
        static const char *const names[] = {"one", "two\\n", "thr\\"ee", "\\001\\377", ""};
        const char *name(int i) { return names[i]; } const char text[] = "a;b//c";
        const unsigned short wide[] = {1, 2};""",
    "weak_and_alias": """
        __attribute__((weak)) int maybe(void); __attribute__((weak)) int twice(int x) { return 2 * x; }
        int other(int x) __attribute__((alias("twice"))); static int inner(int x) { return x + 1; }
        extern int visible(int) __attribute__((alias("inner")));
        int use(int x) { return maybe ? maybe() : other(x) + visible(x); }""",
    "visibility": """
        __attribute__((visibility("hidden"))) int h = 5; __attribute__((visibility("protected"))) int p = 6;
        extern __attribute__((visibility("hidden"))) int far; int get(void) { return h + p + far; }""",
    "sections": """
        __attribute__((section(".text.special"))) int f(int x) { return x * 3; }
        __attribute__((section(".mydata"))) int d[3] = {1, 2, 3}; __attribute__((section(".myro"))) const int r = 9;
        int g(int x) { return f(x) + d[1] + r; }""",
    "commons": "int a; long b[100]; char c; double d[3]; static int s; int *f(void) { s++; return &a + s + c; }",
    "aligned": """
        _Alignas(64) int table[5] = {1}; _Alignas(4096) char page[10];
        struct __attribute__((packed)) S { char c; long l; };
        long get(struct S *s) { return s->l + table[1] + page[2]; }""",
    "bitfields": """
        struct B { unsigned a : 3; int b : 7; unsigned long c : 40; }; int f(struct B *p) { p->a = 5; return p->b; }
        unsigned long g(struct B b) { return b.c; }""",
    "floats": """
        double poly(double x) { return ((1.5 * x + 0.1) * x - 1e300) * x; } float half(float x) { return x / 3.0f; }
        long double wide(long double x) { return x * 3; } _Complex double c(_Complex double x) { return x * x; }""",
    "atomics": """
        #include <stdatomic.h>
        long add(_Atomic long *p, long x) { return atomic_fetch_add(p, x); }
        _Bool swap(_Atomic int *p, int *e, int n) { return atomic_compare_exchange_strong(p, e, n); }""",
    "variadic": """
        #include <stdarg.h>
        int sum(int n, ...) { va_list l; va_start(l, n); int s = 0; while (n--) s += va_arg(l, int); va_end(l);
        return s; }
        int call(void) { return sum(3, 1, 2, 3); }""",
    "large_frame": "void use(char *); int f(int n) { char big[70000]; use(big);"
    " char vla[n]; use(vla); return big[n]; }",
    "inline_assembly": """
        long cycles(void) { long x;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(x)); return x; }
        int add(int a, int b) { int r; __asm__("add %w0, %w1, %w2" : "=r"(r) : "r"(a), "r"(b)); return r; }""",
    "pointers_to_code": """
        static int a(int x) { return x + 1; } static int b(int x) { return x - 1; }
        int (*const table[])(int) = {a, b};
        int call(int i, int x) { return table[i](x); } void *difference = (char *)table + 8;""",
    "wide_integers": """
        typedef unsigned __int128 u; u mul(u a, u b) { return a * b; } u div(u a, u b) { return a / b; }
        int bits(unsigned long x) { return __builtin_popcountl(x) + __builtin_clzl(x); }""",
    "vectors": """
        typedef int v __attribute__((vector_size(16))); v add(v a, v b) { return a + b; }
        v constant(void) { return (v){1, 2, 3, 4}; }
        v mixed(v a) { return __builtin_shufflevector(a, a, 3, 1, 2, 0); }
        """,
    "loops": """
        void scale(float *restrict p, const float *restrict q, int n) { for (int i = 0; i < n; i++) p[i] = q[i] * 3; }
        int count(const char *s) { int n = 0; while (*s) n += *s++ == 'a'; return n; }""",
    "recursion": "int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } int even(int n), odd(int n);"
    " int even(int n) { return n ? odd(n - 1) : 1; } int odd(int n) { return n ? even(n - 1) : 0; }",
    "structs": """
        struct P { int x, y; }; struct L { long a[5]; }; struct P swap(struct P p) { return (struct P){p.y, p.x}; }
        struct L make(long v) { struct L l = {{v}}; return l; } struct P point = {1, 2}, *pointer = &point;""",
    "memory": """
        #include <string.h>
        void copy(char *p, const char *q) { memcpy(p, q, 100); memset(q + p, 0, 8); } char *find(char *s) {
        return strchr(s, 'x'); }""".replace("memset(q + p, 0, 8);", "memset(p, 0, 300);"),
    "cleanup": """
        void release(int *); int risky(int); int f(int n) { __attribute__((cleanup(release))) int held = n;
        return risky(n) + risky(held); }""",
    "setjmp": "#include <setjmp.h>\njmp_buf place; int f(int x) { if (setjmp(place)) return 1; longjmp(place, x); }",
    "global_tables": "int *p[3]; int x; int **q = p + 1; const int *const r[] = {&x, &x}; long d = (long)&x;"
    " int f(void) { return **q + *r[1]; }",
    "unreachable": "void stop(void) __attribute__((noreturn)); int f(int x) { if (x < 0) stop(); return x; }"
    " int g(int x) { if (x) return 3; __builtin_unreachable(); }",
    "unions": "union U { double d; long l; unsigned char b[8]; }; long bits(double d) { union U u = {d}; return u.l; }"
    " union U constant = {.l = 5}; int low(union U *u) { return u->b[0]; }",
    "enumerations": "enum E { A = 3, B, C = -1 }; const char *name(enum E e) {"
    ' return e == A ? "a" : e == B ? "b" : 0; }'
    " enum E next(enum E e) { return e + 1; }",
    "static_arrays": "static int grid[8][16]; static const short table[3][2] = {{1, 2}, {3}, {5, 6}};"
    " int sum(int i) { grid[i][3] += table[i][1]; return grid[i][3]; } long total(void) { return sizeof grid; }",
    "many_arguments": "long f(long a, long b, long c, long d, long e, long g, long h, long i, long j, char k, short l)"
    "{ return a + b - c * d + e + g + h + i + j + k + l; } "
    "long c(void) { return f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11); }",
}

CPP: dict[str, str] = {
    "exceptions": """
        struct E { int code; }; int risky(int); struct Held { ~Held(); int x; };
        int safe(int x) { Held held; try { return risky(x); } catch (const E &e) { return e.code; }
        catch (...) { return -1; } } void throws(int x) { throw E{x}; }
        int quiet(int x) noexcept { return risky(x); }""",
    "virtual": """
        struct A { virtual int f(int) const; virtual ~A(); int m = 3; };
        struct B : A { int f(int x) const override; };
        struct C : virtual A { int f(int) const override { return 5; } }; int A::f(int x) const { return x; }
        A::~A() {} int B::f(int x) const { return x * m; } int call(const A &a) { return a.f(3); }
        A *make(int i) { if (i) return new B; return new C; }""",
    "templates": """
        template <class T> T twice(T x) { return x + x; } template <class T> struct Box { static T held; T get(); };
        template <class T> T Box<T>::held = 7; template <class T> T Box<T>::get() { return held; }
        template struct Box<long>; int f(int x) { return twice(x) + (int)twice(1.5) + Box<int>::held; }
        inline int counter = 3; int g() { return counter++ + Box<int>().get(); }""",
    "statics": """
        struct S { S(int); ~S(); int x; }; S global(3); static S hidden(4); thread_local S each(5);
        int f() { static S local(6); return local.x + hidden.x + each.x; } inline S shared(7);
        int g() { return shared.x; }
        """,
    "rtti": """
        struct A { virtual ~A() {} }; struct B : A { int x; }; struct C { virtual ~C(); }; struct D : A, C {};
        int f(A *a) { if (auto *b = dynamic_cast<B *>(a)) return b->x; return dynamic_cast<D *>(a) != nullptr; }
        D d;""",
    "lambdas": """
        template <class F> int apply(F f, int x) { return f(x); } int f(int y) {
        auto g = [y](int x) { return x * y; }; auto h = [](auto a) { return a + 1; };
        return apply(g, 3) + apply(h, 4); }
        """,
    "operators": """
        struct V { double x, y; V operator+(V o) const { return {x + o.x, y + o.y}; }
        friend V operator*(double k, V v) {
        return {k * v.x, k * v.y}; } }; V f(V a, V b) { return 2.0 * (a + b); } namespace n { namespace m { int z; } }
        void *operator new(unsigned long, void *p) noexcept; int *g(void *p) { n::m::z++; return new (p) int(3); }""",
    "members": """
        struct A { int f(int); int g(int); virtual int h(int); int x; }; int A::f(int v) { return v; }
        int A::h(int v) { return v + 1; } int call(A *a, int (A::*p)(int), int A::*d) { return (a->*p)(3) + a->*d; }
        int (A::*table[])(int) = {&A::f, &A::g, &A::h}; int A::*datum = &A::x;""",
    "new_and_delete": """
        struct N { N *next; int v; ~N() { delete next; } }; N *make(int n) { N *l = nullptr;
        while (n--) l = new N{l, n}; return l; } int *many(int n) { return new int[n]; }
        void drop(N *n) { delete n; }""",
    "function_try": """
        void a(); void b(); struct G { ~G(); }; struct M { M(); G g; }; M::M() try : g() { a(); } catch (int) { b(); }
        int nested(int x) { try { try { a(); } catch (int) { b(); throw; } } catch (long l) { return (int)l; }
        return x; }
        """,
}
