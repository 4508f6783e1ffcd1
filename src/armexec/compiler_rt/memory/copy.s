// void *memcpy(void *to, const void *from, size_t size)
// void *memmove(void *to, const void *from, size_t size)
//
// What is short is loaded whole before any of it is stored. Of what is longer, the 32 bytes at the end that is reached
// last are loaded first: then the loop may stop anywhere in them, and storing them completes the copy, overlap or not.

        .globl  memcpy
        .globl  memmove
memcpy:
memmove:
        add     x12, x1, x2             // ends
        add     x13, x0, x2
        cmp     x2, #16
        b.lo    3f
        cmp     x2, #32
        b.hi    1f
        ldp     x4, x5, [x1]            // 16 to 32
        ldp     x6, x7, [x12, #-16]
        stp     x4, x5, [x0]
        stp     x6, x7, [x13, #-16]
        ret

1:      sub     x3, x0, x1
        cmp     x3, x2                  // does the destination begin inside the source?
        sub     x2, x2, #32
        b.lo    2f
        ldp     x4, x5, [x12, #-32]
        ldp     x6, x7, [x12, #-16]
        mov     x14, x0
11:     ldp     x8, x9, [x1]
        ldp     x10, x11, [x1, #16]
        add     x1, x1, #32
        stp     x8, x9, [x14]
        stp     x10, x11, [x14, #16]
        add     x14, x14, #32
        subs    x2, x2, #32
        b.hi    11b
        stp     x4, x5, [x13, #-32]
        stp     x6, x7, [x13, #-16]
        ret

2:      ldp     x4, x5, [x1]            // backwards
        ldp     x6, x7, [x1, #16]
21:     ldp     x8, x9, [x12, #-16]
        ldp     x10, x11, [x12, #-32]!
        stp     x8, x9, [x13, #-16]
        stp     x10, x11, [x13, #-32]!
        subs    x2, x2, #32
        b.hi    21b
        stp     x4, x5, [x0]
        stp     x6, x7, [x0, #16]
        ret

3:      tbz     x2, #3, 4f              // 8 to 15
        ldr     x4, [x1]
        ldur    x5, [x12, #-8]
        str     x4, [x0]
        stur    x5, [x13, #-8]
        ret
4:      tbz     x2, #2, 5f              // 4 to 7
        ldr     w4, [x1]
        ldur    w5, [x12, #-4]
        str     w4, [x0]
        stur    w5, [x13, #-4]
        ret
5:      tbz     x2, #1, 6f              // 2 or 3
        ldrh    w4, [x1]
        ldurb   w5, [x12, #-1]
        strh    w4, [x0]
        sturb   w5, [x13, #-1]
        ret
6:      cbz     x2, 7f
        ldrb    w4, [x1]
        strb    w4, [x0]
7:      ret
