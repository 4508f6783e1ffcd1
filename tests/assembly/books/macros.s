// Macros, repetitions and conditions, as books use them.
        .macro  push reg
        str     \reg, [sp, #-16]!
        .endm
        .macro  pop reg
        ldr     \reg, [sp], #16
        .endm
        .macro  load_address to, symbol
        adrp    \to, \symbol
        add     \to, \to, :lo12:\symbol
        .endm
        .macro  function name
        .global \name
        .type   \name, %function
        .p2align 2
\name:
        .endm
        .macro  end_function name
        .size   \name, . - \name
        .endm
        .equ    DEBUG, 1
        .equ    COUNT, 4

        .text
function sum_table
        push    x30
        push    x19
        load_address x1, table
        mov     x19, #COUNT
        mov     x0, xzr
1:      ldr     x2, [x1], #8
        add     x0, x0, x2
        subs    x19, x19, #1
        b.ne    1b
        .if     DEBUG
        load_address x3, calls
        ldr     w4, [x3]
        add     w4, w4, #1
        str     w4, [x3]
        .else
        nop
        .endif
        pop     x19
        pop     x30
        ret
end_function sum_table

function clear_registers
        .irp    register, 9, 10, 11
        mov     x\register, xzr
        .endr
        .rept   2
        nop
        .endr
        .ifdef  UNKNOWN
        b       nowhere
        .endif
        ret
end_function clear_registers

        .data
        .balign 8
table:
        .set    value, 1
        .rept   COUNT
        .quad   value
        .set    value, value * 3
        .endr
        .bss
calls:  .space  4
