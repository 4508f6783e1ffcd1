/* memset, by DC ZVA where the block size allows it. */
#include "asmdefs.h"

ENTRY (own_memset)
        dup     v0.16B, w1
        add     x4, x0, x2
        cmp     x2, 96
        b.hi    L(set_long)
        cmp     x2, 16
        b.hs    L(set_medium)
        mov     x6, v0.D[0]
        tbz     x2, 3, 1f
        str     x6, [x0]
        str     x6, [x4, -8]
        ret
        nop
1:      tbz     x2, 2, 2f
        str     w6, [x0]
        str     w6, [x4, -4]
        ret
2:      cbz     x2, 3f
        strb    w6, [x0]
        tbz     x2, 1, 3f
        strh    w6, [x4, -2]
3:      ret
L(set_medium):
        str     q0, [x0]
        tbnz    x2, 6, L(set96)
        str     q0, [x4, -16]
        tbz     x2, 5, 1f
        str     q0, [x0, 16]
        str     q0, [x4, -32]
1:      ret
        .p2align 4
L(set96):
        str     q0, [x0, 16]
        stp     q0, q0, [x0, 32]
        stp     q0, q0, [x4, -32]
        ret
        .p2align 4
L(set_long):
        and     w1, w1, 255
        bic     x3, x0, 15
        str     q0, [x0]
        cmp     x2, 160
        ccmp    w1, 0, 0, hs
        b.ne    L(no_zva)
        mrs     x5, dczid_el0
        tbnz    w5, 4, L(no_zva)
        and     w5, w5, 15
        cmp     w5, 4
        b.ne    L(no_zva)
        str     q0, [x3, 16]
        stp     q0, q0, [x3, 32]
        bic     x3, x0, 63
        sub     x2, x4, x3
        sub     x2, x2, 128
1:      add     x3, x3, 64
        dc      zva, x3
        subs    x2, x2, 64
        b.hi    1b
        stp     q0, q0, [x4, -64]
        stp     q0, q0, [x4, -32]
        ret
L(no_zva):
        sub     x2, x4, x3
        sub     x3, x3, 16
        sub     x2, x2, 64 + 16
2:      stp     q0, q0, [x3, 32]
        stp     q0, q0, [x3, 64]!
        subs    x2, x2, 64
        b.hi    2b
        stp     q0, q0, [x4, -64]
        stp     q0, q0, [x4, -32]
        ret
END (own_memset)
PROPERTIES
