// Recursion: single, double, deep, with many live registers, tail calls, mutual recursion.
#include <stdint.h>

//@ cases: (0) (1) (7) (10)
//@ heavy: (24)
unsigned long fib(unsigned n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

//@ cases: (0) (1) (5) (20)
uint64_t factorial(uint64_t n) {
    return n == 0 ? 1 : n * factorial(n - 1);
}

//@ cases: (0, 3) (1, 3) (2, 2)
//@ heavy: (2, 30) (3, 5)
uint32_t ackermann(uint32_t m, uint32_t n) {
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

__attribute__((noinline)) static uint64_t descend(uint32_t depth, uint64_t a, uint64_t b) {
    volatile uint64_t frame[4] = {a, b, depth, a ^ b};
    if (depth == 0)
        return frame[3];
    uint64_t below = descend(depth - 1, b + frame[2], a * 3);
    return below * 31 + frame[0] - frame[1];
}

//@ cases: (0) (1) (50)
//@ heavy: (1000)
uint64_t deep(uint32_t depth) {
    return descend(depth, 1, 2);
}

//@ cases: (48, 18) (17, 5) (0, 5) random:10
uint32_t gcd_recursive(uint32_t a, uint32_t b) {
    return b == 0 ? a : gcd_recursive(b, a % b);
}

//@ cases: (1) (2) (3) (4)
//@ heavy: (12)
unsigned hanoi_moves(int disks) {
    if (disks == 0)
        return 0;
    return hanoi_moves(disks - 1) + 1 + hanoi_moves(disks - 1);
}

static uint8_t pegs[3][16];
static uint8_t heights[3];

static void hanoi(int disks, int from, int to, int over) {
    if (disks == 0)
        return;
    hanoi(disks - 1, from, over, to);
    pegs[to][heights[to]++] = pegs[from][--heights[from]];
    hanoi(disks - 1, over, to, from);
}

//@ cases: (1) (3)
//@ heavy: (10)
uint32_t hanoi_state(int disks) {
    for (int i = 0; i < disks; i++)
        pegs[0][i] = (uint8_t)(disks - i);
    heights[0] = (uint8_t)disks;
    heights[1] = heights[2] = 0;
    hanoi(disks, 0, 2, 1);
    uint32_t sum = heights[2];
    for (int i = 0; i < disks; i++)
        sum = sum * 16 + pegs[2][i];
    return sum;
}

//@ cases: (4, 2) (5, 0) (6, 3)
//@ heavy: (16, 8)
uint32_t binomial_recursive(uint32_t n, uint32_t k) {
    if (k == 0 || k == n)
        return 1;
    return binomial_recursive(n - 1, k - 1) + binomial_recursive(n - 1, k);
}

//@ cases: (4, 4) (5, 2)
//@ heavy: (30, 30)
uint32_t partitions(uint32_t n, uint32_t largest) {
    if (n == 0)
        return 1;
    uint32_t count = 0;
    for (uint32_t part = largest < n ? largest : n; part > 0; part--)
        count += partitions(n - part, part);
    return count;
}

//@ cases: (1, 2, 3, 4, 5, 6, 7, 20) random:3
//@ where: h=0..20
uint64_t eight_rotating(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint8_t h) {
    if (h == 0)
        return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
    return eight_rotating(b, c, d, e, f, g, a + h, (uint8_t)(h - 1)) ^ a;
}

//@ cases: (85) (95) (101) random:3
//@ where: n=80..120
int mccarthy_91(int n) {
    return n > 100 ? n - 10 : mccarthy_91(mccarthy_91(n + 11));
}

//@ cases: (0) (5) (255) (4294967295) random:8
uint32_t popcount_recursive(uint32_t x) {
    return x ? 1 + popcount_recursive(x & (x - 1)) : 0;
}

static int permutation_count, permutation_sum;

static void permute(uint8_t *items, int n, int k) {
    if (k == n) {
        permutation_count++;
        for (int i = 0; i < n; i++)
            permutation_sum = (permutation_sum * 5 + items[i]) & 0xffff;
        return;
    }
    for (int i = k; i < n; i++) {
        uint8_t t = items[i];
        items[i] = items[k];
        items[k] = t;
        permute(items, n, k + 1);
        items[k] = items[i];
        items[i] = t;
    }
}

//@ cases: (0) (1) (3)
//@ heavy: (6)
int permutations(int n) {
    uint8_t items[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    permutation_count = permutation_sum = 0;
    permute(items, n, 0);
    return permutation_count * 0x10000 + permutation_sum;
}
