// What every Armv8 processor has instructions for, but some front ends call: float __addsf3(float, float), int
// __eqdf2(double, double), ... Comparisons give what compares with 0 as the first with the second; for NaNs, so that it
// is false.

typedef _Float16 f16;
typedef long s64;
typedef unsigned long u64;
typedef unsigned u32;

#define ARITHMETIC(s, type) \
    type __add##s##f3(type a, type b) { return a + b; } \
    type __sub##s##f3(type a, type b) { return a - b; } \
    type __mul##s##f3(type a, type b) { return a * b; } \
    type __div##s##f3(type a, type b) { return a / b; } \
    type __neg##s##f2(type a) { return -a; } \
    int __eq##s##f2(type a, type b) { return a != b; } \
    int __ne##s##f2(type a, type b) { return a != b; } \
    int __lt##s##f2(type a, type b) { return a < b ? -1 : a == b ? 0 : 1; } \
    int __le##s##f2(type a, type b) { return a < b ? -1 : a == b ? 0 : 1; } \
    int __cmp##s##f2(type a, type b) { return a < b ? -1 : a == b ? 0 : 1; } \
    int __gt##s##f2(type a, type b) { return a > b ? 1 : a == b ? 0 : -1; } \
    int __ge##s##f2(type a, type b) { return a > b ? 1 : a == b ? 0 : -1; } \
    int __unord##s##f2(type a, type b) { return __builtin_isunordered(a, b); } \
    int __fix##s##fsi(type a) { return (int)a; } \
    s64 __fix##s##fdi(type a) { return (s64)a; } \
    u32 __fixuns##s##fsi(type a) { return (u32)a; } \
    u64 __fixuns##s##fdi(type a) { return (u64)a; } \
    type __floatsi##s##f(int a) { return (type)a; } \
    type __floatdi##s##f(s64 a) { return (type)a; } \
    type __floatunsi##s##f(u32 a) { return (type)a; } \
    type __floatundi##s##f(u64 a) { return (type)a; }

ARITHMETIC(h, f16)
ARITHMETIC(s, float)
ARITHMETIC(d, double)

float __extendhfsf2(f16 a) { return a; }
double __extendhfdf2(f16 a) { return a; }
double __extendsfdf2(float a) { return a; }
f16 __truncsfhf2(float a) { return (f16)a; }
f16 __truncdfhf2(double a) { return (f16)a; }
float __truncdfsf2(double a) { return (float)a; }

float __gnu_h2f_ieee(unsigned short a) { return __builtin_bit_cast(f16, a); }
unsigned short __gnu_f2h_ieee(float a) { return __builtin_bit_cast(unsigned short, (f16)a); }
