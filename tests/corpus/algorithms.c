// Classic algorithms on small static data.
#include <stdint.h>

//@ cases: (48, 18) (17, 5) (0, 9) (0, 0) random:10
uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

//@ cases: (48, 18) (0, 7) (7, 0) random:6
uint32_t binary_gcd(uint32_t a, uint32_t b) {
    if (a == 0 || b == 0)
        return a | b;
    int shift = __builtin_ctz(a | b);
    a >>= __builtin_ctz(a);
    do {
        b >>= __builtin_ctz(b);
        if (a > b) {
            uint32_t t = a;
            a = b;
            b = t;
        }
        b -= a;
    } while (b);
    return a << shift;
}

//@ cases: (240, 46) (3, 7) random:8
//@ where: a=1..2147483647, b=1..2147483647
int64_t extended_euclid(int32_t a, int32_t b) {
    int64_t x0 = 1, x1 = 0, y0 = 0, y1 = 1;
    while (b) {
        int32_t q = a / b, r = a % b;
        int64_t x = x0 - q * x1, y = y0 - q * y1;
        a = b, b = r, x0 = x1, x1 = x, y0 = y1, y1 = y;
    }
    return x0 * 3 + y0 * 5 + a;
}

//@ cases: (10) (30)
//@ where: limit=0..1000
//@ heavy: (1000)
uint32_t sieve(uint16_t limit) {
    static uint8_t composite[1001];
    uint32_t count = 0;
    for (volatile unsigned i = 0; i <= limit; i++)
        composite[i] = 0;
    for (unsigned i = 2; i <= limit; i++) {
        if (composite[i])
            continue;
        count++;
        for (unsigned j = i * i; j <= limit; j += i)
            composite[j] = 1;
    }
    return count;
}

//@ cases: (1, 2) (3, 3)
//@ heavy: (0, 5) (7, 12)
int64_t matrix_product(uint16_t seed, uint8_t n) {
    static int32_t a[12][12], b[12][12], c[12][12];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (seed + i * 3 - j * 5) % 17;
            b[i][j] = (seed * 7 - i + j * 11) % 23;
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            int32_t sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    int64_t digest = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            digest = digest % 1000003 * 31 + c[i][j];
    return digest;
}

//@ cases: (1, 2) (3, 3) (12345, 3)
//@ where: n=1..8
//@ heavy: (77, 8)
int64_t determinant_modulo(uint32_t seed, uint8_t n) {
    enum { P = 10007 };
    static int32_t m[8][8];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            seed = seed * 1103515245 + 12345;
            m[i][j] = (int32_t)(seed >> 16) % P;
        }
    int64_t result = 1;
    for (int i = 0; i < n; i++) {
        int pivot = i;
        while (pivot < n && m[pivot][i] == 0)
            pivot++;
        if (pivot == n)
            return 0;
        if (pivot != i) {
            for (int j = 0; j < n; j++) {
                int32_t t = m[i][j];
                m[i][j] = m[pivot][j];
                m[pivot][j] = t;
            }
            result = P - result;
        }
        int64_t inverse = 1;
        for (int64_t base = m[i][i], e = P - 2; e; e >>= 1, base = base * base % P)
            if (e & 1)
                inverse = inverse * base % P;
        result = result * m[i][i] % P;
        for (int r = i + 1; r < n; r++) {
            int64_t factor = m[r][i] * inverse % P;
            for (int j = i; j < n; j++)
                m[r][j] = (int32_t)((m[r][j] + (P - factor) * m[i][j]) % P);
        }
    }
    return result;
}

static const uint8_t weights[] = {1, 3, 4, 5, 9, 14}, values[] = {1, 4, 5, 7, 12, 17};

//@ cases: (0) (7) (15)
//@ where: capacity=0..63
//@ heavy: (63)
int knapsack(uint8_t capacity) {
    int best[64];
    for (volatile int i = 0; i < 64; i++)
        best[i] = 0;
    for (int i = 0; i < 6; i++)
        for (int c = capacity; c >= weights[i]; c--) {
            int with = best[c - weights[i]] + values[i];
            best[c] = with > best[c] ? with : best[c];
        }
    return best[capacity];
}

static unsigned place_queens(unsigned all, unsigned columns, unsigned left, unsigned right) {
    if (columns == all)
        return 1;
    unsigned count = 0;
    for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
        unsigned bit = free & -free;
        count += place_queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

//@ cases: (1) (2) (4)
//@ heavy: (6) (8)
unsigned queens(uint8_t n) {
    return place_queens((1u << n) - 1, 0, 0, 0);
}

static const char *const texts[] = {"", "kitten", "sitting", "saturday", "sunday", "abc"};

//@ cases: (0, 5) (5, 5) (0, 0)
//@ where: a=0..5, b=0..5
//@ heavy: (1, 2) (3, 4)
unsigned edit_distance(uint8_t a, uint8_t b) {
    uint8_t row[10];
    const char *s = texts[a], *t = texts[b];
    unsigned n = 0;
    do
        row[n] = (uint8_t)n;
    while (t[n++]);
    for (unsigned i = 0; s[i]; i++) {
        uint8_t diagonal = row[0];
        row[0]++;
        for (unsigned j = 0; t[j]; j++) {
            uint8_t best = (uint8_t)(diagonal + (s[i] != t[j]));
            diagonal = row[j + 1];
            best = row[j] + 1 < best ? (uint8_t)(row[j] + 1) : best;
            row[j + 1] = diagonal + 1 < best ? (uint8_t)(diagonal + 1) : best;
        }
    }
    return row[n - 1];
}

//@ cases: (5, 0) (3, 4)
//@ where: a=0..5, b=0..5
//@ heavy: (1, 2) (3, 4)
unsigned common_subsequence(uint8_t a, uint8_t b) {
    uint8_t table[10][10];
    unsigned n = 0, m = 0;
    while (texts[a][n])
        n++;
    while (texts[b][m])
        m++;
    for (unsigned i = 0; i <= n; i++)
        for (unsigned j = 0; j <= m; j++) {
            if (i == 0 || j == 0)
                table[i][j] = 0;
            else if (texts[a][i - 1] == texts[b][j - 1])
                table[i][j] = (uint8_t)(table[i - 1][j - 1] + 1);
            else
                table[i][j] = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
        }
    return table[n][m];
}

static const struct {
    uint8_t from, to;
    uint16_t cost;
} edges[] = {{0, 1, 7}, {0, 2, 9}, {0, 5, 14}, {1, 2, 10}, {1, 3, 15}, {2, 3, 11}, {2, 5, 2}, {3, 4, 6}, {5, 4, 9}};

//@ cases: (0, 4) (0, 5) (4, 0) (3, 1)
//@ where: from=0..5, to=0..5
int shortest_path(uint8_t from, uint8_t to) {
    int distance[6];
    for (volatile int i = 0; i < 6; i++)
        distance[i] = 1 << 20;
    distance[from] = 0;
    for (_Bool changed = 1; changed;) {
        changed = 0;
        for (unsigned e = 0; e < sizeof edges / sizeof edges[0]; e++) {
            int through = distance[edges[e].from] + edges[e].cost;
            if (through < distance[edges[e].to]) {
                distance[edges[e].to] = through;
                changed = 1;
            }
        }
    }
    return distance[to];
}

static uint8_t parent[32];

static uint8_t find_root(uint8_t x) {
    return parent[x] == x ? x : (parent[x] = find_root(parent[x]));
}

//@ cases: (1, 0) (1, 5) (2, 12) random:1
//@ where: unions=0..20
unsigned union_find(uint32_t seed, uint8_t unions) {
    unsigned sets = 32;
    for (int i = 0; i < 32; i++)
        parent[i] = (uint8_t)i;
    while (unions--) {
        seed = seed * 69069 + 5;
        uint8_t a = find_root(seed >> 11 & 31), b = find_root(seed >> 21 & 31);
        if (a != b) {
            parent[a] = b;
            sets--;
        }
    }
    return sets;
}

static const uint8_t maze[8] = {0x00, 0x7e, 0x42, 0x5a, 0x10, 0x7e, 0x00, 0x3c};

static void flood(int x, int y, uint8_t *seen) {
    if ((unsigned)x > 7 || (unsigned)y > 7 || (maze[y] | seen[y]) >> x & 1)
        return;
    seen[y] |= (uint8_t)(1 << x);
    flood(x + 1, y, seen);
    flood(x - 1, y, seen);
    flood(x, y + 1, seen);
    flood(x, y - 1, seen);
}

//@ cases: (1, 1)
//@ where: x=0..7, y=0..7
//@ heavy: (0, 0) (3, 3) (2, 2)
uint64_t flood_fill(uint8_t x, uint8_t y) {
    union {
        uint8_t rows[8];
        uint64_t all;
    } seen = {.all = 0};
    flood(x, y, seen.rows);
    return seen.all;
}

//@ cases: (0) (5) (16) (17)
//@ where: amount=0..60
//@ heavy: (60)
uint64_t coin_change(uint8_t amount) {
    static const uint8_t coins[] = {1, 2, 5, 10};
    uint64_t ways[64];
    ways[0] = 1;
    for (volatile int i = 1; i <= amount; i++)
        ways[i] = 0;
    for (int c = 0; c < 4; c++)
        for (int i = coins[c]; i <= amount; i++)
            ways[i] += ways[i - coins[c]];
    return ways[amount];
}

//@ cases: (0) (3) (7) random:2
int32_t maximum_subarray(uint32_t seed) {
    int32_t best = -1000, ending = 0;
    for (int i = 0; i < 20; i++) {
        seed = seed * 1664525 + 1013904223;
        int32_t item = (int32_t)(seed >> 24) - 128;
        ending = ending > 0 ? ending + item : item;
        best = ending > best ? ending : best;
    }
    return best;
}

//@ cases: (3, 1) (40, 41) random:3
//@ where: numbers=1..40
uint32_t josephus(uint32_t numbers, uint32_t step) {
    uint32_t survivor = 0;
    for (uint32_t n = 2; n <= numbers; n++)
        survivor = (uint32_t)(((uint64_t)survivor + step) % n);
    return survivor + 1;
}

//@ cases: (0) (30)
//@ heavy: (100) (3000)
//@ where: target=0..5000
uint32_t ugly_number(uint16_t target) {
    uint32_t found = 0, n = 0;
    for (uint32_t i = 1; i <= target; i++) {
        uint32_t x = i;
        while (x % 2 == 0)
            x /= 2;
        while (x % 3 == 0)
            x /= 3;
        while (x % 5 == 0)
            x /= 5;
        if (x == 1)
            found = i, n++;
    }
    return found * 1000 + n;
}

//@ cases: (0, 0) (-65536, 0) (16000, 50000) random:2
//@ where: x=-131072..65536, y=-75000..75000
int mandelbrot_iterations(int32_t x, int32_t y) {
    int64_t a = 0, b = 0;
    for (int i = 0; i < 64; i++) {
        int64_t aa = a * a / 65536, bb = b * b / 65536;
        if (aa + bb > 4 * 65536)
            return i;
        b = 2 * a * b / 65536 + y;
        a = aa - bb + x;
    }
    return 64;
}
