// Entering and leaving a program whose functions are called one by one, instead of its main.

// void *__armexec_start(long *stack): make the C library ready, and call the constructors; return the thread pointer.
// `stack` is the stack that a program finds at its entry: argc, the arguments, a null, the environment, a null, the
// auxiliary vector.
    .globl __armexec_start
    .type __armexec_start, %function
__armexec_start:
    .cfi_startproc
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    .cfi_offset x29, -16
    .cfi_offset x30, -8
    mov x29, sp
    ldr x8, [x0]
    add x8, x0, x8, lsl #3
    ldr x1, [x0, #8]
    add x0, x8, #16
    bl __init_libc
    bl __armexec_catch
    bl __libc_start_init
    mrs x0, tpidr_el0
    ldp x29, x30, [sp], #16
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size __armexec_start, . - __armexec_start

// void __armexec_finish(void): what exit() does before it ends the process.
    .globl __armexec_finish
    .type __armexec_finish, %function
__armexec_finish:
    .cfi_startproc
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    .cfi_offset x29, -16
    .cfi_offset x30, -8
    mov x29, sp
    bl __funcs_on_exit
    bl __libc_exit_fini
    bl __stdio_exit
    ldp x29, x30, [sp], #16
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size __armexec_finish, . - __armexec_finish

// void __armexec_catch(void): have exceptions caught that leave the guest. exceptions.s does it for C++.
    .weak __armexec_catch
    .type __armexec_catch, %function
__armexec_catch:
    ret
    .size __armexec_catch, . - __armexec_catch
