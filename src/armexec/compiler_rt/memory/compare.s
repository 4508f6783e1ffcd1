// int memcmp(const void *a, const void *b, size_t size)
// int bcmp(const void *a, const void *b, size_t size)

        .globl  memcmp
        .globl  bcmp
        .globl  __gcc_bcmp
memcmp:
bcmp:
__gcc_bcmp:
        subs    x2, x2, #16
        b.lo    2f
1:      ldp     x3, x5, [x0], #16
        ldp     x4, x6, [x1], #16
        cmp     x3, x4
        b.ne    7f
        cmp     x5, x6
        b.ne    6f
        subs    x2, x2, #16
        b.hs    1b
2:      tbz     x2, #3, 3f              // the low four bits still count what is left
        ldr     x3, [x0], #8
        ldr     x4, [x1], #8
        cmp     x3, x4
        b.ne    7f
3:      tbz     x2, #2, 4f
        ldr     w3, [x0], #4
        ldr     w4, [x1], #4
        cmp     x3, x4
        b.ne    7f
4:      tbz     x2, #1, 5f
        ldrh    w3, [x0], #2
        ldrh    w4, [x1], #2
        cmp     x3, x4
        b.ne    7f
5:      mov     w3, #0
        mov     w4, #0
        tbz     x2, #0, 8f
        ldrb    w3, [x0]
        ldrb    w4, [x1]
8:      sub     w0, w3, w4
        ret
6:      mov     x3, x5
        mov     x4, x6
7:      rev     x3, x3                  // the first byte in memory decides
        rev     x4, x4
        cmp     x3, x4
        mov     w0, #1
        cneg    w0, w0, lo
        ret
