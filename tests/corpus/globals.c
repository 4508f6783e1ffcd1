// Global, static and volatile data: state that lasts between calls, initialised, zeroed, constant, pointers to data.
#include <stdint.h>

int32_t counter = 5;
static int64_t zeroed;
static uint8_t bytes[64];
const int16_t constants[] = {100, -200, 300, -400};
static int32_t *pointer = &counter;
static const int16_t *const constant_pointer = &constants[2];
uint8_t byte_global = 200;
int16_t half_global = -3;
volatile uint32_t port = 0x1000;
static _Bool toggle;

//@ cases: ()
void reset(void) {
    counter = 5;
    zeroed = 0;
    for (int i = 0; i < 64; i++) {
        bytes[i] = 0;
        __asm__ volatile("" ::: "memory"); // keeps the loop from becoming a call of memset
    }
    pointer = &counter;
    byte_global = 200;
    half_global = -3;
    port = 0x1000;
    toggle = 0;
}

//@ cases: ()
uint64_t checksum(void) {
    uint64_t sum = (uint64_t)counter + (uint64_t)zeroed * 3 + byte_global * 5u + (uint64_t)half_global * 7 + port + toggle;
    for (int i = 0; i < 64; i++)
        sum = sum * 33 ^ bytes[i];
    return sum;
}

//@ before: reset
//@ after: checksum
//@ cases: () () ()
int32_t increment(void) {
    return ++counter;
}

//@ before: reset
//@ after: checksum
//@ cases: (1) (2) (-5) random:5
int64_t accumulate(int32_t by) {
    return zeroed += by;
}

//@ before: reset
//@ after: checksum
//@ cases: (0, 1) (63, 255) (1, 7) random:6
void store_byte(uint8_t at, uint8_t value) {
    bytes[at & 63] = value;
}

//@ before: reset
//@ after: checksum
//@ cases: (1) (40) (255) random:4
void fill_pattern(uint32_t seed) {
    for (int i = 0; i < 64; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (uint8_t)(seed >> 16);
    }
}

//@ before: reset
//@ after: checksum
//@ cases: (100) (100) (-1) random:4
int32_t through_pointer(int32_t value) {
    int32_t old = *pointer;
    *pointer = value;
    return old;
}

//@ cases: (0) (1) (2) (3) (7)
int32_t constant_data(uint8_t i) {
    return constants[i & 3] + *constant_pointer + constant_pointer[-1];
}

//@ before: reset
//@ after: checksum
//@ cases: (100) (100) (255) (1)
uint8_t narrow_globals(uint8_t x) {
    byte_global += x;
    half_global = (int16_t)(half_global * 77 - x);
    toggle = !toggle;
    return byte_global;
}

//@ before: reset
//@ after: checksum
//@ cases: (1) (0xffffffff) random:3
uint32_t volatile_port(uint32_t mask) {
    port = mask;
    port |= 0x10;
    port ^= port >> 3;
    uint32_t first = port, second = port;
    return first + second;
}

//@ cases: (0) (3) (1000000) random:4
uint32_t volatile_locals(uint32_t n) {
    volatile uint32_t a = n, b = 7;
    volatile uint8_t c = (uint8_t)n;
    for (volatile int i = 0; i < 5; i++) {
        a += b;
        c ^= (uint8_t)a;
    }
    return a + c;
}

//@ cases: () () () ()
unsigned static_local(void) {
    static unsigned calls = 0x7ffffffe;
    return calls++;
}

//@ cases: (1) (2) (3) (4) (5) (6)
int32_t running_maximum(int32_t x) {
    static int32_t history[4];
    static unsigned next;
    history[next++ & 3] = x * 37 % 11;
    int32_t best = history[0];
    for (int i = 1; i < 4; i++)
        best = history[i] > best ? history[i] : best;
    return best;
}

static int32_t grid[4][5] = {{1, 2, 3}, {4}, {[4] = 9}, {0}};
static int32_t *const rows[] = {grid[3], grid[1], grid[0], grid[2]};

//@ cases: (0, 0) (2, 4) (3, 4) (1, 0) random:4
//@ where: row=0..3, column=0..4
int32_t pointers_to_rows(unsigned row, unsigned column) {
    return rows[row][column] * 10 + grid[row][column];
}

int64_t far[2000] = {[0] = 1, [1000] = -77, [1999] = 5};

//@ cases: (0) (1000) (1999) (1)
//@ where: i=0..1999
int64_t far_elements(uint16_t i) {
    return far[i] + far[1999] * 2 + far[1000];
}

__attribute__((aligned(64))) static uint8_t aligned_bytes[64] = {1, 2, 3};

//@ cases: (0) (2) (63)
//@ where: i=0..63
uintptr_t alignment(uint8_t i) {
    return ((uintptr_t)aligned_bytes & 63) * 1000 + aligned_bytes[i];
}
