// Shifts of 128-bit integers by 0 to 127: __ashlti3, __lshrti3, __ashrti3 (a, int by)

        .globl  __ashlti3
        .globl  __lshrti3
        .globl  __ashrti3
__ashlti3:
        tbnz    w2, #6, 1f
        lsr     x3, x0, #1
        eor     w4, w2, #63
        lsr     x3, x3, x4
        lsl     x1, x1, x2
        orr     x1, x1, x3
        lsl     x0, x0, x2
        ret
1:      lsl     x1, x0, x2
        mov     x0, #0
        ret

__lshrti3:
        tbnz    w2, #6, 1f
        lsl     x3, x1, #1
        eor     w4, w2, #63
        lsl     x3, x3, x4
        lsr     x0, x0, x2
        orr     x0, x0, x3
        lsr     x1, x1, x2
        ret
1:      lsr     x0, x1, x2
        mov     x1, #0
        ret

__ashrti3:
        tbnz    w2, #6, 1f
        lsl     x3, x1, #1
        eor     w4, w2, #63
        lsl     x3, x3, x4
        lsr     x0, x0, x2
        orr     x0, x0, x3
        asr     x1, x1, x2
        ret
1:      asr     x0, x1, x2
        asr     x1, x1, #63
        ret
