// C++ exceptions that no function of the guest catches, where Python calls functions: the call acts like a catch (...)
// around them. Linked with the C++ library.
//
// The function that Python calls returns to EXIT (machines/traps.py), where there is no code. An unwind table for that
// address makes the unwinder find a handler there (Itanium C++ ABI, "Exception Handling", 1.6), so frames are
// unwound and objects destroyed as by any other. It tells Python by two system calls of our own (libraries/calls.py).

    .set RETURN, 0xfffffffffffffff0 // EXIT - 1, which the unwinder looks up
    .set CAUGHT, 0x8000
    .set LEAVE, 0x8001
    .set MOST, 64

// void __armexec_catch(void): register the unwind table, and note where the thread's state of exceptions is.
    .text
    .globl __armexec_catch
    .type __armexec_catch, %function
__armexec_catch:
    .cfi_startproc
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    .cfi_offset x29, -16
    .cfi_offset x30, -8
    adrp x0, table
    add x0, x0, :lo12:table
    bl __register_frame
    bl __cxa_get_globals
    adrp x8, __armexec_exceptions
    str x0, [x8, :lo12:__armexec_exceptions]
    ldp x29, x30, [sp], #16
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size __armexec_catch, . - __armexec_catch

// The personality routine. When it is asked for a handler, nothing is unwound yet: it notes the return addresses.
    .type personality, %function
personality:
    .cfi_startproc
    tbz w1, #0, 1f // _UA_SEARCH_PHASE
    stp x29, x30, [sp, #-64]!
    .cfi_def_cfa_offset 64
    .cfi_offset x29, -64
    .cfi_offset x30, -56
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    str x4, [sp, #48]
    adrp x1, frames
    add x1, x1, :lo12:frames
    str xzr, [x1]
    adrp x0, note
    add x0, x0, :lo12:note
    bl _Unwind_Backtrace
    ldr x4, [sp, #48]
    ldp x2, x3, [sp, #32]
    ldp x0, x1, [sp, #16]
    ldp x29, x30, [sp], #64
    .cfi_def_cfa_offset 0
    .cfi_restore x29
    .cfi_restore x30
1:  b __gxx_personality_v0
    .cfi_endproc
    .size personality, . - personality

// int note(struct _Unwind_Context *, long *frames): a callback of _Unwind_Backtrace.
    .type note, %function
note:
    .cfi_startproc
    stp x29, x30, [sp, #-32]!
    .cfi_def_cfa_offset 32
    .cfi_offset x29, -32
    .cfi_offset x30, -24
    str x1, [sp, #16]
    bl _Unwind_GetIP
    ldr x1, [sp, #16]
    ldr x2, [x1], #8
    str x0, [x1, x2, lsl #3]
    add x2, x2, #1
    str x2, [x1, #-8]
    cmp x2, #MOST
    cset w0, hs // anything but 0 ends the walk
    ldp x29, x30, [sp], #32
    .cfi_def_cfa_offset 0
    .cfi_restore x29
    .cfi_restore x30
    ret
    .cfi_endproc
    .size note, . - note

// The handler. SP is that of the call from Python; X0 the exception, X1 which of the types below it has.
    .p2align 2
    .type handler, %function
    nop // an offset of 0 would mean that there is no handler
handler:
    .cfi_startproc
    .cfi_undefined x30
    mov x20, x1
    bl __cxa_begin_catch
    mov x21, x0
    mov x22, #0
    cmp w20, #1
    b.ne 1f
    ldr x8, [x0]
    ldr x8, [x8, #16] // virtual const char *what() const, after the two destructors
    blr x8
    mov x22, x0
1:  bl __cxa_current_exception_type
    cbz x0, 2f
    ldr x0, [x0, #8] // const char *std::type_info::__type_name
2:  mov x1, x22
    mov x2, x21
    adrp x3, frames
    add x3, x3, :lo12:frames
    mov x8, #CAUGHT
    svc #0
    bl __cxa_end_catch
    mov x8, #LEAVE
    svc #0
    brk #1
    .cfi_endproc
    .size handler, . - handler

    .section .data.rel.ro, "aw"
    .p2align 3
// A CIE and an FDE (LSB 5.0, "Exception Frames"), which can't be in .eh_frame since no section has that code.
cie:
    .word cie_end - . - 4
    .word 0
    .byte 1
    .asciz "zPLR"
    .byte 1, 0x78, 30 // alignment of code, of data (-8), return address
    .byte 11
    .byte 0 // absolute
    .xword personality
    .byte 0, 0
    .byte 0x0c, 31, 0 // DW_CFA_def_cfa SP, 0
    .byte 0x07, 30 // DW_CFA_undefined X30: nothing is outside
    .p2align 3
cie_end:
table:
    .word table_end - . - 4
    .word . - cie
    .xword RETURN
    .xword 8
    .byte 8
    .xword actions
    .p2align 3
table_end:
// The language-specific data: all of the code has one handler, for std::exception and for everything else.
actions:
    .byte 0 // what handlers are relative to: absolute
    .xword handler - 4
    .byte 0 // types are absolute
    .uleb128 types - first
first:
    .byte 1 // call sites in ULEB128
    .uleb128 sites_end - sites
sites:
    .uleb128 0, 8, 4, 1 // from, length, handler, action
sites_end:
    .sleb128 1, 1 // std::exception, else the next
    .sleb128 2, 0 // everything
    .p2align 3
    .xword 0
    .xword _ZTISt9exception
types:

    .bss
    .p2align 3
// The state of exceptions: what is caught, and how many are thrown and not yet caught.
    .globl __armexec_exceptions
    .type __armexec_exceptions, %object
__armexec_exceptions:
    .zero 8
    .size __armexec_exceptions, 8
// Their number, and the return addresses where the latest exception was thrown.
frames:
    .zero 8 + 8 * MOST
