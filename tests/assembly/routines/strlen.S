/* strlen: sixteen bytes a round. */
#include "asmdefs.h"

#define REP8_01 0x0101010101010101
#define srcin   x0
#define result  x0
#define src     x1
#define synd    x2
#define shift   x4
#define data    q0
#define vdata   v0
#define vhas_nul v1
#define vend    v2
#define dend    d2

ENTRY (own_strlen)
        bic     src, srcin, 15
        ld1     {vdata.16b}, [src]
        cmeq    vhas_nul.16b, vdata.16b, 0
        lsl     shift, srcin, 2
        shrn    vend.8b, vhas_nul.8h, 4
        fmov    synd, dend
        lsr     synd, synd, shift
        cbz     synd, L(loop)
        rbit    synd, synd
        clz     result, synd
        lsr     result, result, 2
        ret
        .p2align 5
L(loop):
        ldr     data, [src, 16]!
        cmeq    vhas_nul.16b, vdata.16b, 0
        umaxp   vend.16b, vhas_nul.16b, vhas_nul.16b
        fmov    synd, dend
        cbz     synd, L(loop)
        shrn    vend.8b, vhas_nul.8h, 4
        sub     result, src, srcin
        fmov    synd, dend
#ifndef __AARCH64EB__
        rbit    synd, synd
#endif
        clz     x3, synd
        add     result, result, x3, lsr 2
        ret
END (own_strlen)

ENTRY_ALIGN (own_strcmp, 4)
1:      ldrb    w2, [x0], 1
        ldrb    w3, [x1], 1
        cmp     w2, 1
        ccmp    w2, w3, 0, cs
        b.eq    1b
        sub     w0, w2, w3
        ret
        .quad   REP8_01
END (own_strcmp)
PROPERTIES
