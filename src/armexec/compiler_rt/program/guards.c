// Static variables of functions, which the first call makes. Itanium C++ ABI, 3.3.3: the first byte of a guard says
// that it is done; the rest is ours.

#include "../stop.h"

typedef unsigned long u64;

#define DONE 1UL
#define MAKING 2UL
// Where threads have the same thread pointer, their stacks aren't nearer to each other than this.
#define STACK (512L << 10)
#define PATIENCE (1L << 34)
// A guard has the stack pointer in the bits below these, whose highest are 0, and some of the thread pointer in these.
#define FRAME ((1UL << 48) - 4)

int __cxa_guard_acquire(u64 *guard)
{
    // The caller's stack pointer tells how deep in its calls the thread is.
    u64 thread = (u64)__builtin_thread_pointer() >> 12 << 48;
    u64 frame = (u64)__builtin_frame_address(0) & FRAME;
    for (long waited = 0;; waited++) {
        u64 state = __atomic_load_n(guard, __ATOMIC_ACQUIRE);
        if (state & DONE)
            return 0;
        long above = (long)(frame - (state & FRAME));
        if (state & MAKING && (state >> 48 != thread >> 48 || above <= -STACK || above >= STACK)) {
            // Another thread makes it. If a fault has ended that, this doesn't wait for ever.
            if (waited == PATIENCE)
                stop();
            __asm__ volatile("yield");
            continue;
        }
        // It is being made by what has called this: there is no end to that.
        if (state & MAKING && above < 0)
            stop();
        // Else nobody makes it, or a call of this thread did, which isn't there any more: a fault has ended it.
        if (__atomic_compare_exchange_n(guard, &state, thread | frame | MAKING, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return 1;
    }
}

void __cxa_guard_release(u64 *guard) { __atomic_store_n(guard, DONE, __ATOMIC_RELEASE); }
void __cxa_guard_abort(u64 *guard) { __atomic_store_n(guard, 0, __ATOMIC_RELEASE); }
