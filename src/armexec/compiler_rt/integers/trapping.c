// int __addvsi3(int a, int b) and the like: what -ftrapv calls. They end the program where the result doesn't fit.

#include "../stop.h"

typedef int s32;
typedef long s64;
typedef __int128 s128;

#define CHECKED(si, s) \
    s __addv##si##3(s a, s b) { s r; if (__builtin_add_overflow(a, b, &r)) stop(); return r; } \
    s __subv##si##3(s a, s b) { s r; if (__builtin_sub_overflow(a, b, &r)) stop(); return r; } \
    s __mulv##si##3(s a, s b) { s r; if (__builtin_mul_overflow(a, b, &r)) stop(); return r; } \
    s __negv##si##2(s a) { s r; if (__builtin_sub_overflow((s)0, a, &r)) stop(); return r; } \
    s __absv##si##2(s a) { s r = a; if (a < 0 && __builtin_sub_overflow((s)0, a, &r)) stop(); return r; }

CHECKED(si, s32)
CHECKED(di, s64)
CHECKED(ti, s128)
