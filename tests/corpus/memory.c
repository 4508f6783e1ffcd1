// Memory loops on a static arena: copies, overlapping moves, fills, compares, unaligned and mixed-width access.
#include <stddef.h>
#include <stdint.h>

static uint8_t arena[96];

//@ cases: ()
void prepare(void) {
    for (volatile int i = 0; i < 96; i++)
        arena[i] = (uint8_t)(i * 37 + 11);
}

//@ cases: ()
uint64_t arena_checksum(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 96; i++)
        sum = sum * 0x100000001b3 ^ arena[i];
    return sum;
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (0, 64, 0) (0, 64, 1) (3, 65, 16) random:4
//@ where: to=0..30, from=64..79, count=0..16
void copy_forwards(uint8_t to, uint8_t from, uint8_t count) {
    uint8_t *t = arena + to;
    const uint8_t *f = arena + from;
    while (count--)
        *t++ = *f++;
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (10, 12, 20) (12, 10, 20) (5, 5, 5) random:6
//@ where: to=0..60, from=0..60, count=0..24
void move_overlapping(size_t to, size_t from, size_t count) {
    if (to < from)
        for (size_t i = 0; i < count; i++)
            arena[to + i] = arena[from + i];
    else
        while (count--)
            arena[to + count] = arena[from + count];
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (0, 0, 5) (7, 30, 255) random:4
//@ where: at=0..60, count=0..30
void fill(uint8_t at, uint8_t count, uint8_t value) {
    for (uint8_t *p = arena + at, *end = p + count; p != end; p++)
        *p = value;
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (0, 4) (1, 5) random:4
//@ where: at=0..60, count=0..16
void smear(uint8_t at, uint8_t count) {
    // Overlapping on purpose: each byte is made from the one stored just before.
    for (int i = 0; i < count; i++)
        arena[at + i + 1] = (uint8_t)(arena[at + i] + 3);
}

//@ before: prepare
//@ cases: (0, 0, 10) (0, 1, 10) (0, 7, 0) random:6
//@ where: a=0..50, b=0..50, count=0..40
int compare(uint8_t a, uint8_t b, uint8_t count) {
    for (int i = 0; i < count; i++)
        if (arena[a + i] != arena[b + i])
            return arena[a + i] - arena[b + i];
    return 0;
}

//@ before: prepare
//@ cases: (0) (1) (2) (3) (7) (87) random:3
//@ where: at=0..87
uint64_t unaligned_loads(uint8_t at) {
    uint16_t h;
    uint32_t w;
    uint64_t d;
    __builtin_memcpy(&h, arena + at, 2);
    __builtin_memcpy(&w, arena + at + 1, 4);
    __builtin_memcpy(&d, arena + at + 1, 8);
    return h + (uint64_t)w * 3 + d * 5;
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (0, 1) (1, 0x1122334455667788) (3, 7) random:6
//@ where: at=0..80
void unaligned_stores(uint8_t at, uint64_t value) {
    uint32_t w = (uint32_t)(value >> 7);
    uint16_t h = (uint16_t)(value >> 40);
    __builtin_memcpy(arena + at, &value, 8);
    __builtin_memcpy(arena + at + 5, &w, 4);
    __builtin_memcpy(arena + at + 11, &h, 2);
}

//@ before: prepare
//@ cases: (0) (60) (5) random:4
//@ where: at=0..80
uint64_t big_and_little_endian(uint8_t at) {
    const uint8_t *p = arena + at;
    uint32_t big = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    uint32_t little = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    uint64_t wide = 0;
    for (int i = 7; i >= 0; i--)
        wide = wide << 8 | p[i + 4];
    return (uint64_t)big << 32 ^ little ^ wide;
}

struct __attribute__((packed)) unaligned_word {
    uint32_t value;
};

//@ before: prepare
//@ after: arena_checksum
//@ cases: (1, 5) (2, 0xffffffff) random:4
//@ where: at=0..90
uint32_t packed_access(uint8_t at, uint32_t value) {
    struct unaligned_word *p = (struct unaligned_word *)(arena + at);
    uint32_t old = p->value;
    p->value = value + old;
    return old;
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (0, 16) (3, 15) (9, 1) random:3
//@ where: at=0..50, count=0..40
void reverse_bytes(uint8_t at, uint8_t count) {
    for (int i = 0, j = count - 1; i < j; i++, j--) {
        uint8_t t = arena[at + i];
        arena[at + i] = arena[at + j];
        arena[at + j] = t;
    }
}

//@ before: prepare
//@ after: arena_checksum
//@ cases: (0, 16, 3) (3, 20, 19) random:3
//@ where: at=0..60, count=1..24, by=0..24
void rotate_bytes(uint8_t at, uint8_t count, uint8_t by) {
    for (by %= count; by; by--) {
        uint8_t first = arena[at];
        for (int i = 1; i < count; i++) {
            arena[at + i - 1] = arena[at + i];
            __asm__ volatile("" ::: "memory"); // keeps the loop from becoming a call of memmove
        }
        arena[at + count - 1] = first;
    }
}

// A small allocator: first fit with headers, in an arena of its own.
struct block {
    uint16_t size, used;
};
static struct block heap[64];

static int allocate(unsigned units) {
    for (unsigned at = 0; at < 64; at += heap[at].size)
        if (!heap[at].used && heap[at].size >= units + 1) {
            unsigned rest = heap[at].size - (units + 1);
            if (rest) {
                heap[at + units + 1].size = (uint16_t)rest;
                heap[at + units + 1].used = 0;
                heap[at].size = (uint16_t)(units + 1);
            }
            heap[at].used = 1;
            return (int)at;
        }
    return -1;
}

static void release(int at) {
    heap[at].used = 0;
    for (unsigned i = 0; i < 64; i += heap[i].size)
        while (!heap[i].used && i + heap[i].size < 64 && !heap[i + heap[i].size].used)
            heap[i].size += heap[i + heap[i].size].size;
}

//@ cases: (1, 4) (2, 6) (3, 0) random:2
//@ where: steps=0..8
//@ heavy: (99, 200)
uint64_t allocator(uint32_t seed, uint8_t steps) {
    int live[8];
    for (volatile int i = 0; i < 8; i++)
        live[i] = -1;
    heap[0].size = 64;
    heap[0].used = 0;
    uint64_t sum = 0;
    while (steps--) {
        seed = seed * 1664525 + 1013904223;
        unsigned slot = seed >> 28 & 7;
        if (live[slot] >= 0) {
            release(live[slot]);
            live[slot] = -1;
        } else
            live[slot] = allocate(seed >> 20 & 15);
        sum = sum * 67 + (uint64_t)(live[slot] + 1);
    }
    return sum;
}

//@ cases: (1, 9) (0, 0) random:3
//@ where: count=0..20
uint64_t ring_buffer(uint32_t seed, uint8_t count) {
    static uint16_t ring[8];
    unsigned head = 0, tail = 0;
    uint64_t sum = 0;
    while (count--) {
        seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
        if (seed & 3 && head - tail < 8)
            ring[head++ & 7] = (uint16_t)seed;
        else if (head != tail)
            sum = sum * 5 + ring[tail++ & 7];
    }
    return sum * 8 + (head - tail);
}

//@ cases: (10) (0) (50)
//@ where: n=0..200
//@ heavy: (200)
int32_t variable_length_array(uint8_t n) {
    volatile int32_t values[n + 1];
    for (int i = 0; i <= n; i++)
        values[i] = i * i - 7;
    int32_t sum = 0;
    for (int i = n; i >= 0; i -= 3)
        sum += values[i];
    return sum;
}

//@ cases: (0, 1) (4095, 2) (4096, 3) (8191, -4)
//@ where: at=0..8191
int64_t large_frame(uint16_t at, int32_t value) {
    volatile int64_t frame[8192];
    frame[at] = value;
    frame[0] = value * 3ll;
    return frame[0] + (at ? frame[at] : 0);
}
