// The end of a program that can't go on. stops.py says why, by the function's name; the error is shown at its caller.

#pragma once

#define STOP 0xa640

extern void *__stop_caller;

__attribute__((always_inline)) _Noreturn static inline void stop(void)
{
    *(void *volatile *)&__stop_caller = __builtin_extract_return_addr(__builtin_return_address(0));
    __asm__ volatile("brk %0" : : "i"(STOP));
    __builtin_unreachable();
}
