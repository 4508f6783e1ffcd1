// Loops over integers of all widths that a compiler turns into vectors.
#include <stdint.h>
//@ default cases: (64) (33) (7)
//@ default buffers: 64 random

int32_t sum_s8(const int8_t *x, int n) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

uint64_t sum_u32(const uint32_t *x, int n) {
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

int32_t dot_s8(const int8_t *a, const int8_t *b, int n) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

int64_t dot_s16(const int16_t *a, const int16_t *b, int n) {
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

uint32_t dot_mixed(const uint8_t *a, const int8_t *b, int n) {
    uint32_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

uint32_t sum_of_absolute_differences(const uint8_t *a, const uint8_t *b, int n) {
    uint32_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
    return sum;
}

int16_t maximum_s16(const int16_t *x, int n) {
    int16_t most = x[0];
    for (int i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

uint64_t minimum_u64(const uint64_t *x, int n) {
    uint64_t least = ~0ull;
    for (int i = 0; i < n; i++)
        least = x[i] < least ? x[i] : least;
    return least;
}

void saturating_add_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    for (int i = 0; i < n; i++) {
        unsigned sum = a[i] + b[i];
        out[i] = sum > 255 ? 255 : sum;
    }
}

void saturating_narrow(const int32_t *in, int16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i] > 32767 ? 32767 : in[i] < -32768 ? -32768 : in[i];
}

void average_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (a[i] + b[i] + 1) >> 1;
}

void blend(const uint8_t *a, const uint8_t *b, const uint8_t *alpha, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (a[i] * alpha[i] + b[i] * (255 - alpha[i]) + 127) / 255;
}

//@ buffer pixels: uint8_t[256] = random
void swap_colours(uint8_t *pixels, int n) {
    for (int i = 0; i < n; i++) {
        uint8_t red = pixels[4 * i];
        pixels[4 * i] = pixels[4 * i + 2];
        pixels[4 * i + 2] = red;
    }
}

//@ buffer rgb: uint8_t[192] = random
void luminance(const uint8_t *rgb, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2]) >> 8;
}

//@ buffer bins: uint32_t[16] = 0
void histogram(const uint8_t *in, uint32_t *bins, int n) {
    for (int i = 0; i < n; i++)
        bins[in[i] >> 4]++;
}

void prefix_sum_u32(const uint32_t *in, uint32_t *out, int n) {
    uint32_t sum = 0;
    for (int i = 0; i < n; i++)
        out[i] = sum += in[i];
}

//@ cases: (97, 64) (0, 33) (255, 7)
//@ buffer text: uint8_t[64] = "a banana and a mandarin are all that Anna has had, alas"
int count_byte(uint8_t byte, const uint8_t *text, int n) {
    int count = 0;
    for (int i = 0; i < n; i++)
        count += text[i] == byte;
    return count;
}

//@ buffer text: uint8_t[64] = "The Quick BROWN fox [jumps] over {the} LAZY dog @`"
void upper_case(uint8_t *text, int n) {
    for (int i = 0; i < n; i++)
        text[i] -= text[i] >= 'a' && text[i] <= 'z' ? 32 : 0;
}

//@ cases: (46) (47)
//@ buffer text: uint8_t[64] = "where does this sentence end? here, I believe.  "
int find_byte(uint8_t byte, const uint8_t *text) {
    for (int i = 0; i < 64; i++)
        if (text[i] == byte)
            return i;
    return -1;
}

int mismatch(const uint32_t *a, const uint32_t *b, int n) {
    int count = 0;
    for (int i = 0; i < n; i++)
        count += a[i] != b[i];
    return count;
}

uint32_t popcount(const uint64_t *x, int n) {
    uint32_t count = 0;
    for (int i = 0; i < n; i++)
        count += __builtin_popcountll(x[i]);
    return count;
}

void popcount_bytes(const uint8_t *in, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_popcount(in[i]);
}

void leading_zeros(const uint32_t *in, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i] ? __builtin_clz(in[i]) : 32;
}

void byte_swap(const uint32_t *in, uint32_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_bswap32(in[i]);
}

void hash_all(const uint32_t *in, uint32_t *out, int n) {
    for (int i = 0; i < n; i++) {
        uint32_t x = in[i] * 0xcc9e2d51u;
        x = (x << 15 | x >> 17) * 0x1b873593u;
        x ^= x >> 16;
        out[i] = x * 0x85ebca6bu ^ x >> 13;
    }
}

uint64_t fletcher(const uint8_t *in, int n) {
    uint64_t a = 1, b = 0;
    for (int i = 0; i < n; i++) {
        a += in[i];
        b += a;
    }
    return b << 32 | a;
}

//@ buffer x: int32_t[8] = random
//@ cases: (3) (3) (3) (3)
void sort_8(int32_t *x, int rounds) {
    static const uint8_t network[19][2] = {{0, 2}, {1, 3}, {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}, {0, 1}, {2, 3},
                                           {4, 5}, {6, 7}, {2, 4}, {3, 5}, {1, 4}, {3, 6}, {1, 2}, {3, 4}, {5, 6}};
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < 19; i++) {
            int32_t *a = x + network[i][0], *b = x + network[i][1], low = *a < *b ? *a : *b;
            *b = *a < *b ? *b : *a;
            *a = low;
        }
}

void shifts_by_elements(const uint32_t *in, const uint8_t *count, uint32_t *left, int32_t *right, int n) {
    for (int i = 0; i < n; i++) {
        left[i] = in[i] << (count[i] & 31);
        right[i] = (int32_t)in[i] >> (count[i] & 31);
    }
}

void multiply_u64(const uint64_t *a, const uint64_t *b, uint64_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = a[i] * b[i];
}

void divide_by_constant(const uint16_t *in, uint16_t *quotient, uint16_t *rest, int n) {
    for (int i = 0; i < n; i++) {
        quotient[i] = in[i] / 10;
        rest[i] = in[i] % 10;
    }
}

void high_products(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (a[i] * b[i] + (1 << 14)) >> 15;
}

void conditional_store(const int32_t *condition, const int32_t *in, int32_t *out, int n) {
    for (int i = 0; i < n; i++)
        if (condition[i] > 100)
            out[i] = in[i] / 2;
}

//@ cases: (64) (33) (2)
void gather(const uint8_t *index, const int16_t *table, int16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = table[index[i] & 63];
}

int first_differences(const int32_t *in, int64_t *out, int n) {
    int rising = 0;
    for (int i = 1; i < n; i++) {
        out[i] = (int64_t)in[i] - in[i - 1];
        rising += in[i] > in[i - 1];
    }
    return rising;
}

//@ buffer x: uint64_t[8] = random
//@ cases: (10) (1)
uint64_t xorshift(uint64_t *x, int rounds) {
    uint64_t all = 0;
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < 8; i++) {
            x[i] ^= x[i] << 13;
            x[i] ^= x[i] >> 7;
            x[i] ^= x[i] << 17;
            all += x[i];
        }
    return all;
}
