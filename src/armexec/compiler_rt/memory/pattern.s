// void memset_pattern4(void *to, const void *pattern, size_t size), and the same of 8 and 16 bytes: what clang
// makes of loops that store a constant, on macOS. The last pattern may be cut off.

        .globl  memset_pattern4
        .globl  memset_pattern8
        .globl  memset_pattern16
memset_pattern4:
        ldr     w3, [x1]
        orr     x3, x3, x3, lsl #32
        mov     x4, x3
        b       1f
memset_pattern8:
        ldr     x3, [x1]
        mov     x4, x3
        b       1f
memset_pattern16:
        ldp     x3, x4, [x1]
1:      subs    x2, x2, #16
        b.lo    3f
2:      stp     x3, x4, [x0], #16
        subs    x2, x2, #16
        b.hs    2b
3:      tbz     x2, #3, 4f              // the low four bits still count what is left
        str     x3, [x0], #8
        mov     x3, x4
4:      tbz     x2, #2, 5f
        str     w3, [x0], #4
        lsr     x3, x3, #32
5:      tbz     x2, #1, 6f
        strh    w3, [x0], #2
        lsr     x3, x3, #16
6:      tbz     x2, #0, 7f
        strb    w3, [x0]
7:      ret
