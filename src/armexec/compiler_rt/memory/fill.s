// void *memset(void *to, int byte, size_t size)
// void bzero(void *to, size_t size)

        .globl  memset
        .globl  bzero
        .globl  __bzero
bzero:
__bzero:
        mov     x2, x1
        mov     w1, #0
memset:
        and     x1, x1, #0xff
        orr     x1, x1, x1, lsl #8
        orr     x1, x1, x1, lsl #16
        orr     x1, x1, x1, lsl #32
        add     x3, x0, x2              // the end
        cmp     x2, #16
        b.lo    2f
        mov     x4, x0
        sub     x2, x2, #16
1:      stp     x1, x1, [x4], #16
        subs    x2, x2, #16
        b.hi    1b
        stp     x1, x1, [x3, #-16]
        ret
2:      tbz     x2, #3, 3f
        str     x1, [x0]
        stur    x1, [x3, #-8]
        ret
3:      tbz     x2, #2, 4f
        str     w1, [x0]
        stur    w1, [x3, #-4]
        ret
4:      tbz     x2, #1, 5f
        strh    w1, [x0]
        sturb   w1, [x3, #-1]
        ret
5:      cbz     x2, 6f
        strb    w1, [x0]
6:      ret
