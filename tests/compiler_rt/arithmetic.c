// What compilers call functions for, as programs write it: `check(i)` gives a digest of the i-th computation's bits.

typedef unsigned long u64;
typedef __int128 s128;
typedef unsigned __int128 u128;

static u64 digest(const void *at, u64 size) {
    u64 h = 14695981039346656037UL;
    for (u64 i = 0; i < size; i++) h = (h ^ ((const unsigned char *)at)[i]) * 1099511628211UL;
    return h;
}
#define DIGEST(x) digest(&(x), sizeof(x))

static u64 newton(void) {
    long double x = 2, y = 1;
    for (int i = 0; i < 12; i++) y = (y + x / y) / 2;
    return DIGEST(y) + (y * y > x) + 2 * (y * y < x) + 4 * (y == 1.5L);
}
static u64 harmonic(void) {
    long double sum = 0;
    for (int i = 1; i < 200; i++) sum += 1.0L / i - (long double)i / (1L << (i & 31));
    return DIGEST(sum);
}
static u64 conversions(void) {
    u64 h = 0;
    long double x = 123456789.987654321L;
    for (int i = 0; i < 60; i++) {
        double d = (double)x;
        float f = (float)x;
        long l = (long)x;
        unsigned u = (unsigned)(x / 8);
        s128 t = (s128)x;
        h = h * 31 + DIGEST(d) + DIGEST(f) + l + u + DIGEST(t);
        long double back = (long double)d + f + l + u + t + (int)(i * 77777);
        x = x * 1.25L - back / 3e6L;
        if (x > 1e9L) x /= 1024;
    }
    return h;
}
static u64 wide(void) {
    u64 h = 0;
    s128 a = (s128)0x123456789abcdefL << 60, b = -987654321987654321L;
    for (int i = 1; i < 80; i++) {
        double d = (double)a;
        float f = (float)b;
        u128 u = (u128)(d < 0 ? -d : d);
        h = h * 31 + DIGEST(d) + DIGEST(f) + DIGEST(u);
        s128 q = a / (b | 1), r = a % (i * 1000003L);
        a = a * 3 + q - r * i;
        b = b * 5 + (s128)(f * 0.5f);
        h ^= (u64)(a >> (i & 127)) + (u64)b;
    }
    return h;
}
static u64 complexes(void) {
    double _Complex z = 1.5, w;
    __imag__ z = -0.25;
    w = z;
    u64 h = 0;
    for (int i = 1; i < 20; i++) {
        w = w * z;
        __real__ w += 1.0 / 1024;
        h += (u64)(long)(__real__ w * 1e6) + (u64)(long)(__imag__ w * 1e6);
    }
    return h;
}
static u64 halves(void) {
    u64 h = 0;
    _Float16 x = 1;
    for (int i = 0; i < 30; i++) {
        long double l = x;
        s128 t = (s128)(x * 8);
        x = (_Float16)(l * 1.3L);
        if (x > 500) x = (_Float16)t;
        h = h * 31 + DIGEST(x) + DIGEST(l);
        if (x > 1000) x /= 512;
    }
    return h;
}
static u64 atomics(void) {
    static struct { char bytes[24]; } shared, one = {"twenty-four bytes long"}, two;
    static int counter;
    static u128 wide __attribute__((aligned(16)));
    __atomic_store(&shared, &one, 5);
    __atomic_load(&shared, &two, 5);
    int same = __atomic_compare_exchange(&shared, &one, &two, 0, 5, 5);
    u128 old = __atomic_fetch_add(&wide, (u128)1 << 100, 5);
    for (int i = 0; i < 10; i++) __atomic_fetch_add(&counter, i, 5);
    u64 h = DIGEST(two) + same + counter + (u64)old + (u64)(__atomic_load_n(&wide, 5) >> 90);
    __atomic_store_n(&wide, 0, 5);
    __atomic_store_n(&counter, 0, 5);
    return h;
}
static u64 bits(void) {
    u64 h = 0;
    for (u64 i = 1; i < 50; i++) {
        u64 x = i * 0x9e3779b97f4a7c15UL;
        h = h * 31 + __builtin_popcountl(x) + __builtin_parityl(x) + __builtin_ffsl(x << (i & 31)) + __builtin_clrsbl(x)
            + __builtin_bswap64(x);
    }
    return h;
}

u64 check(int i) {
    switch (i) {
    case 0: return newton();
    case 1: return harmonic();
    case 2: return conversions();
    case 3: return wide();
    case 4: return complexes();
    case 5: return halves();
    case 6: return atomics();
    case 7: return bits();
    }
    return 0;
}
