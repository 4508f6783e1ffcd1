// int __cmpti2(__int128 a, __int128 b), and __ucmpti2 of unsigned ones: 0 for less, 1 for equal, 2 for greater

        .globl  __cmpti2
        .globl  __ucmpti2
__cmpti2:
        mov     x4, #0x8000000000000000
        eor     x1, x1, x4
        eor     x3, x3, x4
__ucmpti2:
        cmp     x0, x2
        sbcs    xzr, x1, x3
        cset    w4, hs                  // not less
        cmp     x2, x0
        sbcs    xzr, x3, x1
        cset    w5, lo                  // greater
        add     w0, w4, w5
        ret
