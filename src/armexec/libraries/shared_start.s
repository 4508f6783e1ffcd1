// Making the C library ready for shared libraries, whose constructors aren't in its arrays.

// void *__armexec_start_shared(long *stack): make the C library ready; return the thread pointer. `stack` is the stack
// that a program finds at its entry: argc, the arguments, a null, the environment, a null, the auxiliary vector.
    .globl __armexec_start_shared
    .type __armexec_start_shared, %function
__armexec_start_shared:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    ldr x8, [x0]
    add x8, x0, x8, lsl #3
    ldr x1, [x0, #8]
    add x0, x8, #16
    bl __init_libc
    mrs x0, tpidr_el0
    ldp x29, x30, [sp], #16
    ret
    .size __armexec_start_shared, . - __armexec_start_shared
