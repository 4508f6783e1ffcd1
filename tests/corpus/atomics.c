// Atomics: exclusives at armv8-a, LSE instructions in the second build; fences, acquire and release, compare and swap.
//@ variant lse: -march=armv8.1-a
#include <stdint.h>

static uint32_t word;
static int64_t doubleword;
static _Atomic uint32_t c11_word;
static _Atomic int64_t c11_doubleword;
static uint8_t byte;
static uint16_t half;
static uint32_t lock;

//@ cases: ()
void atomics_reset(void) {
    word = 5;
    doubleword = -7;
    byte = 250;
    half = 65530;
    lock = 0;
    c11_word = 9;
    c11_doubleword = -1;
}

//@ cases: ()
uint64_t atomics_checksum(void) {
    return word + (uint64_t)doubleword * 3 + byte * 5u + half * 7u + lock * 11u + c11_word * 13u +
           (uint64_t)c11_doubleword * 17;
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (1) (0xffffffff) random:4
uint32_t fetch_add_word(uint32_t by) {
    return __atomic_fetch_add(&word, by, __ATOMIC_SEQ_CST);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (1) (-1) random:4
int64_t sub_fetch_doubleword(int64_t by) {
    uint64_t old = (uint64_t)__atomic_fetch_sub(&doubleword, by, __ATOMIC_ACQ_REL);
    return (int64_t)(old - (uint64_t)by);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (3) (10) (255) random:3
uint8_t fetch_add_byte(uint8_t by) {
    return __atomic_fetch_add(&byte, by, __ATOMIC_RELAXED);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (3) (10) (65535) random:3
uint16_t add_fetch_half(uint16_t by) {
    return __atomic_add_fetch(&half, by, __ATOMIC_RELEASE);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (0xff, 0x0f, 0x100) random:4
uint32_t fetch_logic(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t x = __atomic_fetch_or(&word, a, __ATOMIC_SEQ_CST);
    uint32_t y = __atomic_fetch_and(&word, ~b, __ATOMIC_ACQUIRE);
    uint32_t z = __atomic_fetch_xor(&word, c, __ATOMIC_RELAXED);
    return x + y * 3 + z * 5;
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (0x0f) random:3
uint32_t fetch_nand_loop(uint32_t mask) {
    return __atomic_fetch_nand(&word, mask, __ATOMIC_SEQ_CST);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (1) (2) random:3
int64_t exchange_doubleword(int64_t value) {
    return __atomic_exchange_n(&doubleword, value, __ATOMIC_SEQ_CST);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (5, 6) (5, 7) (6, 1) random:3
uint32_t compare_exchange_word(uint32_t expected, uint32_t desired) {
    _Bool done = __atomic_compare_exchange_n(&word, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    return expected * 2 + done;
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (250, 6) (250, 7) (6, 1) random:3
unsigned compare_exchange_byte(uint8_t expected, uint8_t desired) {
    _Bool done = __atomic_compare_exchange_n(&byte, &expected, desired, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return expected * 2u + done;
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (-7, 6) (0, 7) (6, 1) random:3
_Bool compare_exchange_doubleword(int64_t expected, int64_t desired) {
    return __atomic_compare_exchange_n(&doubleword, &expected, desired, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (1) (77) (3) random:3
uint32_t store_and_load(uint32_t value) {
    __atomic_store_n(&word, value, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t x = __atomic_load_n(&word, __ATOMIC_ACQUIRE);
    __atomic_store_n(&half, (uint16_t)x, __ATOMIC_SEQ_CST);
    return x + __atomic_load_n(&half, __ATOMIC_SEQ_CST) + __atomic_load_n(&byte, __ATOMIC_RELAXED);
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (1) (7) (2)
uint32_t spin_lock(uint32_t add) {
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        ;
    byte = (uint8_t)(byte + add);
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return byte;
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (100) (3) (-5) random:3
int64_t atomic_maximum(int64_t candidate) {
    int64_t seen = __atomic_load_n(&doubleword, __ATOMIC_RELAXED);
    while (seen < candidate &&
           !__atomic_compare_exchange_n(&doubleword, &seen, candidate, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        ;
    return seen;
}

//@ before: atomics_reset
//@ after: atomics_checksum
//@ cases: (1) (2) (3)
uint32_t c11_operators(uint32_t x) {
    c11_word += x;
    c11_word ^= 0xf0;
    c11_word++;
    c11_doubleword -= x;
    return c11_word--;
}
