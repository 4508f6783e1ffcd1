// operator new and delete in all their forms. Where there is no memory, those that would throw end the program.

#include "../stop.h"

typedef unsigned long u64;
typedef void (*Handler)(void);

void *malloc(u64 size);
void *aligned_alloc(u64 align, u64 size);
void free(void *at);

#define NAMED(result, name, symbol, parameters) \
    __attribute__((weak)) result name parameters __asm__(symbol); \
    result name parameters

static Handler handler;

NAMED(Handler, set_new_handler, "_ZSt15set_new_handlerPFvvE", (Handler next))
{
    return __atomic_exchange_n(&handler, next, __ATOMIC_ACQ_REL);
}

NAMED(Handler, get_new_handler, "_ZSt15get_new_handlerv", (void)) { return __atomic_load_n(&handler, __ATOMIC_ACQUIRE); }

// Whether there is a handler, which then may have made room.
static int make_room(void)
{
    Handler now = get_new_handler();
    if (now)
        now();
    return now != 0;
}

// A form that is defined as what another gives calls that by its name, since the program may have one of its own.

const char nothrow __asm__("_ZSt7nothrow") = 0;

NAMED(void *, new, "_Znwm", (u64 size))
{
    void *at;
    while (!(at = malloc(size)))
        if (!make_room())
            stop();
    return at;
}

NAMED(void *, new_aligned, "_ZnwmSt11align_val_t", (u64 size, u64 align))
{
    void *at;
    while (!(at = aligned_alloc(align, size)))
        if (!make_room())
            stop();
    return at;
}

// Without exceptions a form that may not throw can't be made of one that would.
NAMED(void *, new_nothrow, "_ZnwmRKSt9nothrow_t", (u64 size, const void *tag))
{
    (void)tag;
    void *at;
    while (!(at = malloc(size)))
        if (!make_room())
            return 0;
    return at;
}

NAMED(void *, new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t", (u64 size, u64 align, const void *tag))
{
    (void)tag;
    void *at;
    while (!(at = aligned_alloc(align, size)))
        if (!make_room())
            return 0;
    return at;
}

NAMED(void *, new_array, "_Znam", (u64 size)) { return new (size); }
NAMED(void *, new_array_aligned, "_ZnamSt11align_val_t", (u64 size, u64 align)) { return new_aligned(size, align); }
NAMED(void *, new_array_nothrow, "_ZnamRKSt9nothrow_t", (u64 size, const void *tag)) { return new_nothrow(size, tag); }
NAMED(void *, new_array_all, "_ZnamSt11align_val_tRKSt9nothrow_t", (u64 size, u64 align, const void *tag))
{
    return new_aligned_nothrow(size, align, tag);
}

NAMED(void, delete, "_ZdlPv", (void *at)) { free(at); }
NAMED(void, delete_aligned, "_ZdlPvSt11align_val_t", (void *at, u64 align))
{
    (void)align;
    free(at);
}

#define UNUSED(a) (void)(a)

NAMED(void, delete_sized, "_ZdlPvm", (void *at, u64 size))
{
    UNUSED(size);
    delete (at);
}
NAMED(void, delete_nothrow, "_ZdlPvRKSt9nothrow_t", (void *at, const void *tag))
{
    UNUSED(tag);
    delete (at);
}
NAMED(void, delete_sized_aligned, "_ZdlPvmSt11align_val_t", (void *at, u64 size, u64 align))
{
    UNUSED(size);
    delete_aligned(at, align);
}
NAMED(void, delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", (void *at, u64 align, const void *tag))
{
    UNUSED(tag);
    delete_aligned(at, align);
}

NAMED(void, delete_array, "_ZdaPv", (void *at)) { delete (at); }
NAMED(void, delete_array_aligned, "_ZdaPvSt11align_val_t", (void *at, u64 align)) { delete_aligned(at, align); }
NAMED(void, delete_array_sized, "_ZdaPvm", (void *at, u64 size))
{
    UNUSED(size);
    delete_array(at);
}
NAMED(void, delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", (void *at, const void *tag))
{
    UNUSED(tag);
    delete_array(at);
}
NAMED(void, delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", (void *at, u64 size, u64 align))
{
    UNUSED(size);
    delete_array_aligned(at, align);
}
NAMED(void, delete_array_all, "_ZdaPvSt11align_val_tRKSt9nothrow_t", (void *at, u64 align, const void *tag))
{
    UNUSED(tag);
    delete_array_aligned(at, align);
}
