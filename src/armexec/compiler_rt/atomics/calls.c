// What compilers call for atomic operations that they don't make instructions for: __atomic_fetch_add_4(at, value,
// order) and the like of 1 to 16 bytes, and __atomic_load(size, at, to, order) and the like of any size. All are
// sequentially consistent, whatever order is asked for.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef unsigned __int128 u128;

#define ORDER __ATOMIC_SEQ_CST
// Names that the compiler has functions of its own of.
#define NAMED(type, name, parameters) \
    type own_##name parameters __asm__("__atomic_" #name); \
    type own_##name parameters

#define FETCH(name, expression, T, n) \
    NAMED(T, fetch_##name##_##n, (T * at, T value, int order)) \
    { \
        (void)order; \
        T old = __atomic_load_n(at, __ATOMIC_RELAXED); \
        while (!__atomic_compare_exchange_n(at, &old, (T)(expression), 0, ORDER, __ATOMIC_RELAXED)) \
            ; \
        return old; \
    }

#define FETCH_BOTH(name, expression, T, n) \
    FETCH(name, expression, T, n) \
    NAMED(T, name##_fetch_##n, (T * at, T value, int order)) \
    { \
        T old = own_fetch_##name##_##n(at, value, order); \
        return (T)(expression); \
    }

#define SIZED(T, n) \
    NAMED(T, load_##n, (T * at, int order)) \
    { \
        (void)order; \
        return __atomic_load_n(at, ORDER); \
    } \
    NAMED(void, store_##n, (T * at, T value, int order)) \
    { \
        (void)order; \
        __atomic_store_n(at, value, ORDER); \
    } \
    NAMED(T, exchange_##n, (T * at, T value, int order)) \
    { \
        (void)order; \
        return __atomic_exchange_n(at, value, ORDER); \
    } \
    NAMED(int, compare_exchange_##n, (T * at, T * expected, T value, int success, int failure)) \
    { \
        (void)success; \
        (void)failure; \
        return __atomic_compare_exchange_n(at, expected, value, 0, ORDER, ORDER); \
    } \
    NAMED(int, test_and_set_##n, (T * at, int order)) \
    { \
        (void)order; \
        return __atomic_exchange_n(at, (T)1, ORDER) != 0; \
    } \
    FETCH_BOTH(add, old + value, T, n) \
    FETCH_BOTH(sub, old - value, T, n) \
    FETCH_BOTH(and, old & value, T, n) \
    FETCH_BOTH(or, old | value, T, n) \
    FETCH_BOTH(xor, old ^ value, T, n) \
    FETCH_BOTH(nand, ~(old & value), T, n) \
    FETCH(umax, old > value ? old : value, T, n) \
    FETCH(umin, old < value ? old : value, T, n)

SIZED(u8, 1)
SIZED(u16, 2)
SIZED(u32, 4)
SIZED(u64, 8)
SIZED(u128, 16)

// Objects of other sizes, or at other addresses, have locks: one of these by the address.
#define LOCKS 64
static u32 locks[LOCKS];

// Memory that isn't there faults before the lock is taken, else nobody would give it back. What is loaded is stored, since
// a load that nothing uses needn't be made.
static u8 sink;

static void touch(const u8 *at, u64 size)
{
    u8 any = 0;
    for (u64 i = 0; i < size; i += 4096)
        any ^= *(const volatile u8 *)(at + i);
    if (size)
        any ^= *(const volatile u8 *)(at + size - 1);
    *(volatile u8 *)&sink = any;
}

static void touch_writable(u8 *at, u64 size)
{
    for (u64 i = 0; i < size; i += 4096)
        __atomic_fetch_or(at + i, 0, __ATOMIC_RELAXED);
    if (size)
        __atomic_fetch_or(at + size - 1, 0, __ATOMIC_RELAXED);
}

static u32 *lock(const void *at)
{
    u32 *own = &locks[(u64)at >> 4 & (LOCKS - 1)];
    while (__atomic_exchange_n(own, 1, __ATOMIC_ACQUIRE))
        __asm__ volatile("yield");
    return own;
}

static void unlock(u32 *own) { __atomic_store_n(own, 0, __ATOMIC_RELEASE); }

static void copy(u8 *to, const u8 *from, u64 size)
{
    for (u64 i = 0; i < size; i++)
        to[i] = from[i];
}

static int is_sized(u64 size, const void *at)
{
    return (size == 1 || size == 2 || size == 4 || size == 8 || size == 16) && !((u64)at & (size - 1));
}

NAMED(int, is_lock_free, (u64 size, const void *at))
{
    return is_sized(size, at);
}

// What is done for the sizes that have instructions; the other object may be anywhere.
#define OF_SIZES(DO) \
    if (is_sized(size, at)) \
        switch (size) { \
            DO(u8, 1) \
            DO(u16, 2) \
            DO(u32, 4) \
            DO(u64, 8) \
            DO(u128, 16) \
        }

NAMED(void, load, (u64 size, const u8 *at, u8 *to, int order))
{
    (void)order;
#define LOAD(T, n) case n: { T value = __atomic_load_n((T *)at, ORDER); copy(to, (u8 *)&value, n); return; }
    OF_SIZES(LOAD)
    touch(at, size);
    touch_writable(to, size);
    u32 *own = lock(at);
    copy(to, at, size);
    unlock(own);
}

NAMED(void, store, (u64 size, u8 *at, const u8 *from, int order))
{
    (void)order;
#define STORE(T, n) case n: { T value; copy((u8 *)&value, from, n); __atomic_store_n((T *)at, value, ORDER); return; }
    OF_SIZES(STORE)
    touch(from, size);
    touch_writable(at, size);
    u32 *own = lock(at);
    copy(at, from, size);
    unlock(own);
}

NAMED(void, exchange, (u64 size, u8 *at, const u8 *from, u8 *to, int order))
{
    (void)order;
#define EXCHANGE(T, n) \
    case n: { \
        T value; \
        copy((u8 *)&value, from, n); \
        value = __atomic_exchange_n((T *)at, value, ORDER); \
        copy(to, (u8 *)&value, n); \
        return; \
    }
    OF_SIZES(EXCHANGE)
    touch(from, size);
    touch_writable(at, size);
    touch_writable(to, size);
    u32 *own = lock(at);
    for (u64 i = 0; i < size; i++) {
        u8 value = from[i];  // which `to` may be
        to[i] = at[i];
        at[i] = value;
    }
    unlock(own);
}

NAMED(int, compare_exchange, (u64 size, u8 *at, u8 *expected, const u8 *from, int success, int failure))
{
    (void)success;
    (void)failure;
#define COMPARE(T, n) \
    case n: { \
        T value, old; \
        copy((u8 *)&value, from, n); \
        copy((u8 *)&old, expected, n); \
        if (__atomic_compare_exchange_n((T *)at, &old, value, 0, ORDER, ORDER)) \
            return 1; \
        copy(expected, (u8 *)&old, n); \
        return 0; \
    }
    OF_SIZES(COMPARE)
    touch(from, size);
    touch_writable(at, size);
    touch_writable(expected, size);
    u32 *own = lock(at);
    u64 same = 0;
    while (same < size && at[same] == expected[same])
        same++;
    if (same == size)
        copy(at, from, size);
    else
        copy(expected, at, size);
    unlock(own);
    return same == size;
}

// The exceptions of fenv.h.
NAMED(void, feraiseexcept, (int exceptions))
{
    u64 fpsr;
    __asm__ volatile("mrs %0, fpsr" : "=r"(fpsr));
    __asm__ volatile("msr fpsr, %0" : : "r"(fpsr | (u64)(exceptions & 0x1f)));
}

// Whether atomics of Armv8.1 may be used instead of those that are called here: what is called is right anyway.
const u8 __aarch64_have_lse_atomics = 0;
