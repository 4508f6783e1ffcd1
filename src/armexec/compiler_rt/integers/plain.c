// What every Armv8 processor has instructions for, but some front ends call, of 32 (si), 64 (di) and 128 bits (ti).

typedef int s32;
typedef unsigned u32;
typedef long s64;
typedef unsigned long u64;
typedef __int128 s128;
typedef unsigned __int128 u128;

#define PLAIN(si, s, u) \
    s __ashl##si##3(s a, int by) { return (s)((u)a << by); } \
    s __ashr##si##3(s a, int by) { return a >> by; } \
    s __lshr##si##3(s a, int by) { return (s)((u)a >> by); } \
    s __neg##si##2(s a) { return (s)(0 - (u)a); } \
    s __mul##si##3(s a, s b) { return (s)((u)a * (u)b); } \
    s __div##si##3(s a, s b) { return divide_##s(a, b); } \
    u __udiv##si##3(u a, u b) { return divide_##u(a, b); } \
    s __mod##si##3(s a, s b) { return (s)((u)a - (u)divide_##s(a, b) * (u)b); } \
    u __umod##si##3(u a, u b) { return a - divide_##u(a, b) * b; } \
    s __divmod##si##4(s a, s b, s *rest) \
    { \
        s quotient = divide_##s(a, b); \
        *rest = (s)((u)a - (u)quotient * (u)b); \
        return quotient; \
    } \
    u __udivmod##si##4(u a, u b, u *rest) \
    { \
        u quotient = divide_##u(a, b); \
        *rest = a - quotient * b; \
        return quotient; \
    } \
    int __cmp##si##2(s a, s b) { return (a > b) - (a < b) + 1; } \
    int __ucmp##si##2(u a, u b) { return (a > b) - (a < b) + 1; }

// As the instructions have it, also by 0: C leaves that open, and the compiler would use it.
#define DIVIDE(type, instruction, w) \
    static inline type divide_##type(type a, type b) \
    { \
        type quotient; \
        __asm__(instruction " %" w "0, %" w "1, %" w "2" : "=r"(quotient) : "r"(a), "r"(b)); \
        return quotient; \
    }

DIVIDE(s32, "sdiv", "w")
DIVIDE(u32, "udiv", "w")
DIVIDE(s64, "sdiv", "x")
DIVIDE(u64, "udiv", "x")

PLAIN(si, s32, u32)
PLAIN(di, s64, u64)

s128 __negti2(s128 a) { return (s128)(0 - (u128)a); }

// A count of zeros of 0 is the width; __clrsb counts the bits below the sign that are as the sign is.
int __clzsi2(u32 a) { return a ? __builtin_clz(a) : 32; }
int __clzdi2(u64 a) { return a ? __builtin_clzl(a) : 64; }
int __ctzsi2(u32 a) { return a ? __builtin_ctz(a) : 32; }
int __ctzdi2(u64 a) { return a ? __builtin_ctzl(a) : 64; }
int __clrsbsi2(s32 a) { return __builtin_clrsb(a); }
int __clrsbdi2(s64 a) { return __builtin_clrsbl(a); }
int __clrsbti2(s128 a)
{
    s64 high = (s64)(a >> 64), low = (s64)a;
    if (high != (high >> 63))
        return __builtin_clrsbl(high);
    u64 differ = (u64)(low ^ high);
    return 63 + (differ ? __builtin_clzl(differ) : 64);
}

u32 __bswapsi2(u32 a) { return __builtin_bswap32(a); }
u64 __bswapdi2(u64 a) { return __builtin_bswap64(a); }
u128 __bswapti2(u128 a) { return (u128)__builtin_bswap64((u64)a) << 64 | __builtin_bswap64((u64)(a >> 64)); }
u32 __bitreversesi2(u32 a) { return __builtin_bitreverse32(a); }
u64 __bitreversedi2(u64 a) { return __builtin_bitreverse64(a); }
u128 __bitreverseti2(u128 a)
{
    return (u128)__builtin_bitreverse64((u64)a) << 64 | __builtin_bitreverse64((u64)(a >> 64));
}
