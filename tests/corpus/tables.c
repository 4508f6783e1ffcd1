// Constant tables of every element width, indexed forwards, backwards and by computed offsets.
#include <stdint.h>

static const int8_t signed_bytes[] = {0, -1, 2, -3, 4, -128, 127};
static const uint8_t unsigned_bytes[] = {0, 255, 128, 127, 1};
static const int16_t signed_halves[] = {0, -1, 32767, -32768, 1000};
static const uint16_t unsigned_halves[] = {0, 65535, 32768, 1};
static const int32_t signed_words[] = {0, -1, 2147483647, -2147483647 - 1, 77};
static const uint32_t unsigned_words[] = {0, 0xffffffff, 0x80000000, 1};
static const int64_t doublewords[] = {0, -1, 0x7fffffffffffffff, -0x7fffffffffffffff, 12345678901};

//@ cases: (0) (1) (2) (3) (4) (5) (6)
//@ where: i=0..6
int64_t load_signed_byte(int i) {
    return signed_bytes[i] + (int64_t)signed_bytes[6 - i] * 1000;
}

//@ cases: (0) (1) (2) (3) (4)
//@ where: i=0..4
uint32_t load_unsigned_byte(uint32_t i) {
    return unsigned_bytes[i] + unsigned_bytes[4 - i] * 1000u;
}

//@ cases: (0) (1) (2) (3) (4)
//@ where: i=0..4
int32_t load_signed_half(int64_t i) {
    return signed_halves[i] ^ signed_halves[4 - i] * 3;
}

//@ cases: (0) (1) (2) (3)
//@ where: i=0..3
uint64_t load_unsigned_half(uint64_t i) {
    return unsigned_halves[i] + (uint64_t)unsigned_halves[3 - i] * 65537;
}

//@ cases: (0) (1) (2) (3) (4)
//@ where: i=0..4
int64_t load_signed_word(int16_t i) {
    return signed_words[i] + (int64_t)signed_words[4 - i] * 3;
}

//@ cases: (0) (1) (2) (3)
//@ where: i=0..3
uint64_t load_unsigned_word(uint16_t i) {
    return unsigned_words[i] + (uint64_t)unsigned_words[3 - i] * 3;
}

//@ cases: (0) (1) (2) (3) (4)
//@ where: i=0..4
int64_t load_doubleword(signed char i) {
    return doublewords[i] ^ doublewords[4 - i];
}

static const uint8_t cube[3][4][5] = {
    {{1, 2, 3}, {4, 5}, {6}, {7, 8, 9, 10, 11}},
    {{12}, {13, 14}, {15, 16, 17}, {18}},
    {{19, 20, 21, 22}, {23}, {24, 25}, {26, 27, 28}},
};

//@ cases: (0, 0, 0) (2, 3, 4) (1, 2, 2) random:8
//@ where: i=0..2, j=0..3, k=0..4
int three_dimensions(uint8_t i, uint8_t j, uint8_t k) {
    return cube[i][j][k] + 100 * cube[2 - i][3 - j][4 - k];
}

static const struct {
    uint32_t code;
    int8_t delta;
    const char *name;
    uint16_t weight;
} records[] = {{7, -1, "seven", 700}, {19, 5, "nineteen", 65535}, {200, -128, "two hundred", 3}, {4096, 127, "page", 12}};

//@ cases: (7) (19) (200) (4096) (8) (0)
int64_t search_records(uint32_t code) {
    for (unsigned i = 0; i < 4; i++)
        if (records[i].code == code)
            return records[i].delta * (int64_t)records[i].weight + records[i].name[0];
    return -1;
}

static const int32_t sorted[] = {-500, -77, -3, 0, 1, 2, 40, 41, 1000, 65536, 2147483647};

//@ cases: (-501) (-500) (0) (40) (42) (2147483647) random:6
int binary_search(int32_t key) {
    int low = 0, high = (int)(sizeof sorted / sizeof sorted[0]);
    while (low < high) {
        int middle = (low + high) >> 1;
        if (sorted[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < 11 && sorted[low] == key ? low : ~low;
}

static const uint8_t sine[65] = {
    0,   6,   13,  19,  25,  31,  37,  44,  50,  56,  62,  68,  74,  80,  86,  92,  98,  103, 109, 115, 120, 126,
    131, 136, 142, 147, 152, 157, 162, 167, 171, 176, 180, 185, 189, 193, 197, 201, 205, 208, 212, 215, 219, 222,
    225, 228, 231, 233, 236, 238, 240, 242, 244, 246, 247, 249, 250, 251, 252, 253, 254, 254, 255, 255, 255,
};

//@ cases: (0) (64) (128) (192) (255) (70) random:4
int16_t sine_of(uint8_t angle) {
    uint8_t in_quadrant = angle & 63;
    int16_t value = angle & 64 ? sine[64 - in_quadrant] : sine[in_quadrant];
    return angle & 128 ? -value : value;
}

static const uint8_t nibble_bits[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

//@ cases: (0) (0xffffffffffffffff) random:4
uint8_t population_by_table(uint64_t x) {
    uint8_t count = 0;
    for (; x; x >>= 4)
        count += nibble_bits[x & 15];
    return count;
}

static const uint8_t sbox[16] = {12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2};

//@ cases: (0, 0, 1) (0x0123456789abcdef, 0xfedcba9876543210, 2) random:2
//@ where: rounds=0..2
uint64_t substitution_network(uint64_t block, uint64_t key, uint8_t rounds) {
    while (rounds--) {
        block ^= key;
        uint64_t substituted = 0, permuted = 0;
        for (int i = 0; i < 64; i += 4)
            substituted |= (uint64_t)sbox[block >> i & 15] << i;
        for (int i = 0; i < 63; i++)
            permuted |= (substituted >> i & 1) << (i * 16 % 63);
        block = permuted | (substituted & 1ull << 63);
        key = key << 61 | key >> 3;
    }
    return block;
}
