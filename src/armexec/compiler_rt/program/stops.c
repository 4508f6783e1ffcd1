// Functions that end the program. Compilers call them where it has gone wrong, or the program does.

#include "../stop.h"

void *__stop_caller;

// The first byte is 0, so that a copied text can't hold it.
const unsigned long __stack_chk_guard = 0xbb0fa3c1d8596e00;

#define STOPS(name) _Noreturn void name(void) { stop(); }

STOPS(abort)
STOPS(__stack_chk_fail)
STOPS(__chk_fail)

// What calls of nested functions by gcc need: memory that is writable and executable.
STOPS(__enable_execute_stack)

// C++
STOPS(__cxa_pure_virtual)
STOPS(__cxa_deleted_virtual)
STOPS(__cxa_bad_cast)
STOPS(__cxa_bad_typeid)
STOPS(__cxa_throw_bad_array_new_length)
STOPS(__cxa_call_terminate)
_Noreturn void terminate(void) __asm__("_ZSt9terminatev");
STOPS(terminate)

// Exceptions, which there aren't.
STOPS(__cxa_throw)
STOPS(__cxa_rethrow)
STOPS(__cxa_begin_catch)
STOPS(__cxa_end_catch)
STOPS(__cxa_get_exception_ptr)
STOPS(__cxa_current_exception_type)
STOPS(__cxa_call_unexpected)
STOPS(__gxx_personality_v0)
STOPS(__gcc_personality_v0)
STOPS(_Unwind_Resume)

// An exception's object is made before it is thrown.
void *malloc(unsigned long size);
void free(void *at);

void *__cxa_allocate_exception(unsigned long size)
{
    void *at = malloc(size);
    if (!at)
        stop();
    return at;
}

void __cxa_free_exception(void *object) { free(object); }
