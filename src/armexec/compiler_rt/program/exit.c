// What is to be done when the module is closed, the latest first: destructors of static objects, and atexit.

typedef unsigned long u64;
typedef void (*Destructor)(void *);

#define MOST 8192

static struct {
    Destructor destroy;
    void *object;
} entries[MOST];
static u64 count;

// In one section, so that where one is, all are.
#define TOGETHER __attribute__((section(".text.__cxa_atexit")))

TOGETHER int __cxa_atexit(Destructor destroy, void *object, void *module)
{
    (void)module;
    u64 own = __atomic_load_n(&count, __ATOMIC_RELAXED);
    do
        if (own >= MOST)
            return -1;
    while (!__atomic_compare_exchange_n(&count, &own, own + 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    entries[own].object = object;
    __atomic_store_n(&entries[own].destroy, destroy, __ATOMIC_RELEASE);
    return 0;
}

// An argument too many is ignored.
TOGETHER int atexit(void (*function)(void)) { return __cxa_atexit((Destructor)function, 0, 0); }

// Each is taken out before it is called: it may register others, and if it doesn't come back, the next call goes on.
TOGETHER void __cxa_finalize(void *module)
{
    (void)module;
    for (;;) {
        u64 own = __atomic_load_n(&count, __ATOMIC_RELAXED);
        if (!own)
            return;
        Destructor destroy = __atomic_exchange_n(&entries[own - 1].destroy, 0, __ATOMIC_ACQUIRE);
        void *object = entries[own - 1].object;
        __atomic_store_n(&count, own - 1, __ATOMIC_RELAXED);
        if (destroy)
            destroy(object);
    }
}
