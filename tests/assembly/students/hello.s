.section .data
msg:
    .ascii "Hello, world!\n"
len = . - msg

.section .bss
    .lcomm buffer, 64

.section .text
.global _start
_start:
    mov x0, #1
    ldr x1, =msg
    ldr x2, =len
    mov w8, #64
    svc #0
    adrp x1, buffer
    add x1, x1, :lo12:buffer
    mov x0, xzr
    mov x8, #0x5d
    svc 0
