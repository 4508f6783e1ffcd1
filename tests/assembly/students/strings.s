# string exercises: length, upper case, palindrome
    .text
    .align 2
    .global string_length, to_upper, is_palindrome

string_length:
    mov x1, x0
1:  ldrb w2, [x1], #1
    cbnz w2, 1b
    sub x0, x1, x0
    sub x0, x0, #1
    ret

to_upper:
    mov x9, x0
2:  ldrb w1, [x9]
    cbz w1, 3f
    cmp w1, #'a'
    b.lt 4f
    cmp w1, #'z'
    b.gt 4f
    sub w1, w1, #('a' - 'A')
    strb w1, [x9]
4:  add x9, x9, 1
    b 2b
3:  ret

is_palindrome:
    stp x19, x20, [sp, #-32]!
    str x30, [sp, 16]
    mov x19, x0
    bl string_length
    cbz x0, 6f
    add x20, x19, x0
    sub x20, x20, #1
5:  cmp x19, x20
    b.hs 6f
    ldrb w1, [x19], #1
    ldrb w2, [x20], #-1
    cmp w1, w2
    b.eq 5b
    mov w0, wzr
    b 7f
6:  mov w0, #1
7:  ldr x30, [sp, 16]
    ldp x19, x20, [sp], #32
    ret

    .data
message: .asciz "A man, a plan\n"
lengths: .byte lengths - message, 0xff, 'x', '\n', 017
    .balign 8
table:  .quad message, message + 4, table
