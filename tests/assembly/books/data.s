// Data of every size, and how it is reached.
        .data
bytes:  .byte   1, 0x7f, -128, 'A', '\\', 0b1010
halves: .hword  1000, -1
        .align  2
words:  .word   1, 2, 3, words_end - words
words_end:
        .balign 8
quads:  .quad   words, quads + 8, 0123
        .dword  5
        .fill   3, 2, 0xabcd
        .skip   5, 0xee
        .space  3
        .p2align 4
floats: .single 1.0, -0.25, 1e10
doubles: .double 3.141592653589793
text:   .ascii  "no end", "two"
        .asciz  "with\tend\0"
        .equ    size, . - bytes
        .bss
        .align  4
buffer: .space  1024
        .comm   shared, 16, 8
        .text
        .global load_all
load_all:
        ldr     x0, =bytes
        ldrb    w1, [x0, #1]
        ldrsb   x2, [x0, 2]
        ldr     x3, =halves
        ldrsh   w4, [x3, #2]
        ldr     x5, quad_pool
        ldr     x6, =0xfedcba98
        ldr     x7, =0x123456789abcdef0
        ldr     x8, =size
        ldr     x9, =buffer + 16
        adr     x10, quad_pool
        movz    x11, #0x1234, lsl #48
        movk    x11, #:abs_g1_nc:0xdeadbeef
        ret
        .ltorg
        .balign 8
quad_pool: .quad 0x1122334455667788
