// double __powidf2(double x, int n), and the same of the other formats: x to the power of n, by squaring; for a
// negative n the reciprocal of that to -n.

typedef long double f128;

#define POWER(name, type) \
    type name(type x, int n) \
    { \
        unsigned left = n < 0 ? 0u - (unsigned)n : (unsigned)n; \
        type result = left & 1 ? x : 1; \
        while (left >>= 1) { \
            x *= x; \
            if (left & 1) \
                result *= x; \
        } \
        return n < 0 ? 1 / result : result; \
    }

POWER(__powihf2, _Float16)
POWER(__powisf2, float)
POWER(__powidf2, double)
POWER(__powitf2, f128)
