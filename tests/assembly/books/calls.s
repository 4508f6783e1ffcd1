// Stack frames, arguments and local variables.
    .equ    LOCAL_A, 0
    .equ    LOCAL_B, 8
    .equ    FRAME, 32
    .set    SAVED, 16

    .section .rodata
format: .string "sum = %d\n"
        .p2align 3
limits: .xword  0x7fffffffffffffff, -1, 1 << 40

    .text
    .p2align 2
    .global sum_to
    .type   sum_to, %function
sum_to:
    .cfi_startproc
    stp     x29, x30, [sp, #-FRAME]!
    .cfi_def_cfa_offset FRAME
    .cfi_offset 29, -FRAME
    .cfi_offset 30, -(FRAME - 8)
    mov     x29, sp
    str     x0, [sp, #SAVED + LOCAL_A]
    str     xzr, [sp, #SAVED + LOCAL_B]
.Lloop:
    ldr     x1, [sp, #SAVED + LOCAL_A]
    cbz     x1, .Ldone
    ldr     x2, [sp, SAVED + LOCAL_B]
    add     x2, x2, x1
    str     x2, [sp, SAVED + LOCAL_B]
    sub     x1, x1, #1
    str     x1, [sp, SAVED + LOCAL_A]
    b       .Lloop
.Ldone:
    adrp    x0, format
    add     x0, x0, #:lo12:format
    ldr     x1, [sp, #SAVED + LOCAL_B]
    bl      printf
    ldr     x0, [sp, #SAVED + LOCAL_B]
    ldp     x29, x30, [sp], #FRAME
    .cfi_restore 30
    .cfi_restore 29
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size   sum_to, . - sum_to

    .global choose
    .type   choose, %function
choose:                                 // a jump table
    cmp     w0, #(table_end - table) / 4
    b.hs    9f
    adr     x1, table
    ldrsw   x2, [x1, w0, uxtw #2]
    add     x1, x1, x2
    br      x1
table:
    .word   case0 - table, case1 - table, case2 - table
table_end:
case0: mov w0, #10; ret
case1: mov w0, #20; ret
case2: mov w0, #30
9:     ret
    .size   choose, . - choose
