// factorial of a number, recursive
        .text
        .global main
        .global factorial

main:   stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        mov     x0, #5
        bl      factorial
        ldp     x29, x30, [sp], #16
        ret

factorial:
        cmp     x0, #1
        b.le    base            // 0! = 1! = 1
        sub     sp, sp, #16
        str     lr, [sp, #8]
        str     x0, [sp]
        sub     x0, x0, #1
        bl      factorial
        ldr     x1, [sp]
        mul     x0, x0, x1
        ldr     lr, [sp, #8]
        add     sp, sp, #16
        ret
base:
        mov     x0, #1
        ret
