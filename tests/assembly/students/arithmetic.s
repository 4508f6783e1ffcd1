.global gcd
.global power
.global is_prime
.global average
gcd:
    CBZ X1, gcd_end
    UDIV X2, X0, X1
    MSUB X2, X2, X1, X0
    MOV X0, X1
    MOV X1, X2
    B gcd
gcd_end:
    RET

power:                      // x0 to the x1
    mov x2, #1
loop:
    cbz x1, end
    tst x1, #1
    csel x3, x0, xzr, ne
    csinc x3, x3, xzr, ne
    mul x2, x2, x3
    mul x0, x0, x0
    lsr x1, x1, #1
    b loop
end:
    mov x0, x2
    ret

is_prime:
    cmp w0, #2
    blt no
    mov w1, #2
try:
    mul w2, w1, w1
    cmp w2, w0
    bgt yes
    udiv w3, w0, w1
    msub w3, w3, w1, w0
    cbz w3, no
    add w1, w1, #1
    b try
yes:
    mov w0, 1
    ret
no:
    mov w0, 0
    ret

average:                    // of x1 doubles at x0
    movi d0, #0
    scvtf d2, x1
    cbz x1, zero
more:
    ldr d1, [x0], #8
    fadd d0, d0, d1
    subs x1, x1, #1
    bne more
    fdiv d0, d0, d2
zero:
    ret

half: .double 0.5, 1.5e3
pi: .float 3.14159
