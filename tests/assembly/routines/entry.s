// Entry macros of assembly itself, with unwinding.
        .macro  ENTRY name, alignment=4
        .section .text.\name, "ax", %progbits
        .global \name
        .hidden \name\()_local
        .type   \name, %function
        .p2align \alignment
\name:
\name\()_local:
        .cfi_startproc
        .endm
        .macro  END name
        .cfi_endproc
        .size   \name, .-\name
        .ltorg
        .endm
        .macro  frame size
        stp     x29, x30, [sp, #-\size]!
        .cfi_def_cfa_offset \size
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        mov     x29, sp
        .endm
        .macro  unframe size
        ldp     x29, x30, [sp], #\size
        .cfi_restore x29
        .cfi_restore x30
        .cfi_def_cfa_offset 0
        .endm

ENTRY absolute_sum
        frame   32
        ldr     x9, =0x7fffffffffff
        mov     x8, xzr
1:      cbz     x1, 2f
        ldr     x2, [x0], #8
        cmp     x2, #0
        cneg    x2, x2, mi
        and     x2, x2, x9
        add     x8, x8, x2
        sub     x1, x1, #1
        b       1b
2:      mov     x0, x8
        unframe 32
        ret
END absolute_sum

ENTRY call_twice, alignment=6
        frame   32
        str     x19, [sp, #16]
        .cfi_rel_offset x19, 16
        mov     x19, x0
        blr     x19
        blr     x19
        ldr     x19, [sp, #16]
        .cfi_restore x19
        unframe 32
        b       absolute_sum
END call_twice
