/* memcpy and memmove: overlapping loads and stores from both ends. */
#include "asmdefs.h"

#define dst x0
#define src x1
#define count x2
#define dst_end x5
#define src_end x4
#define tmp1 x14
#define A_l x6
#define A_lw w6
#define A_h x7
#define B_l x8
#define B_lw w8
#define C_q q2

ENTRY (own_memcpy)
ENTRY_ALIAS (own_memmove)
        add     src_end, src, count
        add     dst_end, dst, count
        cmp     count, 128
        b.hi    L(long)
        cmp     count, 32
        b.hi    L(medium)
        cmp     count, 16
        b.lo    L(small)
        ldr     q0, [src]
        ldr     q1, [src_end, -16]
        str     q0, [dst]
        str     q1, [dst_end, -16]
        ret
L(small):
        tbz     count, 3, 1f
        ldr     A_l, [src]
        ldr     A_h, [src_end, -8]
        str     A_l, [dst]
        str     A_h, [dst_end, -8]
        ret
1:      tbz     count, 2, 1f
        ldr     A_lw, [src]
        ldr     B_lw, [src_end, -4]
        str     A_lw, [dst]
        str     B_lw, [dst_end, -4]
        ret
1:      cbz     count, L(done)
        lsr     tmp1, count, 1
        ldrb    A_lw, [src]
        ldrb    w10, [src_end, -1]
        ldrb    B_lw, [src, tmp1]
        strb    A_lw, [dst]
        strb    B_lw, [dst, tmp1]
        strb    w10, [dst_end, -1]
L(done):
        ret
        .p2align 4
L(medium):
        ldp     q0, q1, [src]
        ldp     C_q, q3, [src_end, -32]
        cmp     count, 64
        b.hi    L(more)
        stp     q0, q1, [dst]
        stp     C_q, q3, [dst_end, -32]
        ret
L(more):
        ldp     q4, q5, [src, 32]
        ldp     q6, q7, [src_end, -64]
        stp     q0, q1, [dst]
        stp     q4, q5, [dst, 32]
        stp     q6, q7, [dst_end, -64]
        stp     C_q, q3, [dst_end, -32]
        ret
        .p2align 4
L(long):
        sub     tmp1, dst, src
        cmp     tmp1, count
        b.lo    L(backwards)
1:      ldp     q0, q1, [src], 32
        sub     count, count, 32
        stp     q0, q1, [dst_end, -32]!
        cmp     count, 32
        b.hi    1b
        ret
L(backwards):
        cbz     tmp1, L(done)
1:      ldrb    A_lw, [src_end, -1]!
        subs    count, count, 1
        strb    A_lw, [dst_end, -1]!
        b.ne    1b
        ret
END (own_memcpy)
PROPERTIES
