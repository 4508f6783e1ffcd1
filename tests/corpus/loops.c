// Loops: counted, nested, early exits, conversions between widths inside loops.
#include <stdint.h>

//@ cases: (0) (1) (10) (-3) random:5
//@ heavy: (100000)
//@ where: n=-3..100
int64_t sum_below(int n) {
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += (int64_t)i * i;
    return sum;
}

//@ cases: (27) (1) (97) (871) random:5
//@ where: n=1..5000
//@ heavy: (837799)
unsigned collatz_steps(unsigned long n) {
    unsigned steps = 0;
    while (n != 1) {
        n = n & 1 ? 3 * n + 1 : n >> 1;
        steps++;
    }
    return steps;
}

//@ cases: (0) (1) (10) (93) random:5
//@ where: n=0..93
uint64_t fibonacci(uint8_t n) {
    uint64_t a = 0, b = 1;
    while (n--) {
        uint64_t t = a + b;
        a = b;
        b = t;
    }
    return a;
}

//@ cases: (2, 10) (3, 40) (0, 0) random:15
uint32_t power_mod_2_32(uint32_t base, uint16_t exponent) {
    uint32_t result = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result *= base;
        base *= base;
    }
    return result;
}

//@ cases: (3, 200, 1000007) (2, 0xffffffff, 97) random:8
//@ where: modulus=1..4294967295
uint32_t power_mod(uint32_t base, uint32_t exponent, uint32_t modulus) {
    uint64_t result = 1 % modulus, square = base % modulus;
    while (exponent) {
        if (exponent & 1)
            result = result * square % modulus;
        square = square * square % modulus;
        exponent >>= 1;
    }
    return (uint32_t)result;
}

//@ cases: (0) (9) (12345) (18446744073709551615) random:10
int digit_sum(uint64_t n) {
    int sum = 0;
    do {
        sum += (int)(n % 10);
        n /= 10;
    } while (n);
    return sum;
}

//@ cases: (12321) (0) (1000) random:10
uint64_t reverse_digits(uint32_t n) {
    uint64_t reversed = 0;
    while (n) {
        reversed = reversed * 10 + n % 10;
        n /= 10;
    }
    return reversed;
}

//@ cases: (5, 7) (0, 3) (12, 12) random:4
//@ where: rows=0..12, columns=0..12
//@ heavy: (200, 200)
long nested(uint8_t rows, uint8_t columns) {
    long total = 0;
    for (int i = 0; i < rows; i++)
        for (int j = i; j < columns; j++) {
            if ((i ^ j) & 4)
                continue;
            total += (long)i * j - (i << 2);
        }
    return total;
}

//@ cases: (17) (25) (2) (1) (0) (9409) random:6
//@ where: n=0..20000
//@ heavy: (2147483647)
_Bool is_prime(unsigned n) {
    if (n < 2)
        return 0;
    for (unsigned d = 2; d <= n / d; d++)
        if (n % d == 0)
            return 0;
    return 1;
}

//@ cases: (0) (1) (15) (16) (17) (4294967295) random:15
uint32_t integer_square_root(uint32_t n) {
    uint32_t root = 0;
    for (uint32_t bit = 1u << 15; bit; bit >>= 1) {
        uint32_t trial = root | bit;
        if (trial * trial <= n)
            root = trial;
    }
    return root;
}

//@ cases: (0) (26) (27) (18446744073709551615) random:10
uint32_t integer_cube_root(uint64_t n) {
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root *= 2;
        uint64_t step = 3 * root * (root + 1) + 1;
        if (n >> shift >= step) {
            n -= step << shift;
            root++;
        }
    }
    return (uint32_t)root;
}

//@ cases: (10, 3) (3, 10) (-5, 5) random:5
//@ where: from=-40..40, to=-40..40
int countdown_both_ways(signed char from, signed char to) {
    int steps = 0;
    for (;;) {
        if (from == to)
            break;
        from = (signed char)(from + (from < to ? 1 : -1));
        if (++steps > 100)
            goto out;
    }
out:
    return steps * 256 + from;
}

//@ cases: (1) (100) random:4
//@ heavy: (65535)
//@ where: limit=0..100
uint32_t wrapping_byte_counter(uint16_t limit) {
    uint8_t i = 0;
    uint32_t sum = 0;
    for (uint16_t n = 0; n != limit; n++, i += 3)
        sum += i;
    return sum;
}

//@ cases: (0, 5) (3, 17) random:4
//@ where: n=0..99
unsigned unrolled_by_hand(unsigned seed, unsigned n) {
    unsigned rounds = (n + 7) / 8;
    if (n == 0)
        return seed;
    switch (n % 8) {
        do {
        case 0: seed = seed * 3 + 1; // fall through
        case 7: seed ^= seed >> 3;   // fall through
        case 6: seed += 0x1234;      // fall through
        case 5: seed = seed * 5;     // fall through
        case 4: seed ^= seed << 5;   // fall through
        case 3: seed -= 77;          // fall through
        case 2: seed = ~seed;        // fall through
        case 1: seed += n;
        } while (--rounds);
    }
    return seed;
}

//@ cases: (10, 0) (10, 1) (10, 10) random:5
//@ where: n=0..30, k=0..30
uint64_t binomial(unsigned n, unsigned k) {
    uint64_t row[32] = {1};
    for (unsigned i = 1; i <= n; i++)
        for (unsigned j = i < k ? i : k; j > 0; j--)
            row[j] += row[j - 1];
    return row[k];
}

//@ cases: (1, 4) (0, 8) random:4
//@ where: n=0..60
uint64_t linear_congruential(uint64_t seed, uint8_t n) {
    while (n-- > 0)
        seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 16;
}

//@ cases: (0) (5) (100)
//@ heavy: (3000000)
uint32_t xorshift_run(uint32_t n) {
    uint32_t x = 2463534242u;
    for (uint32_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
    }
    return x;
}
