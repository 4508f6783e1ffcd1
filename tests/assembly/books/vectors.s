/* Dot product and saturating image addition with SIMD. */
        .arch armv8-a
        .text
        .align  4
        .global dot
        .type   dot, "function"
dot:                            /* float dot(const float *, const float *, int n), n % 4 == 0 */
        movi    v0.4s, #0
        cbz     w2, 2f
1:      ld1     {v1.4s}, [x0], #16
        ld1     {v2.4s}, [x1], #16
        fmla    v0.4s, v1.4s, v2.4s
        subs    w2, w2, #4
        b.gt    1b
2:      faddp   v0.4s, v0.4s, v0.4s
        faddp   s0, v0.2s
        ret
        .size   dot, .-dot

        .global add_saturated
        .type   add_saturated, "function"
add_saturated:                  /* (uint8_t *to, const uint8_t *a, const uint8_t *b, long n) */
        ands    x4, x3, #~15
        beq     4f
3:      ldr     q0, [x1], #16
        ldr     q1, [x2], #16
        uqadd   v0.16b, v0.16b, v1.16b
        str     q0, [x0], #16
        subs    x4, x4, #16
        bne     3b
4:      ands    x3, x3, #15
        beq     6f
5:      ldrb    w5, [x1], #1
        ldrb    w6, [x2], #1
        add     w5, w5, w6
        mov     w7, #255
        cmp     w5, w7
        csel    w5, w5, w7, lo
        strb    w5, [x0], #1
        subs    x3, x3, #1
        bne     5b
6:      ret
        .size   add_saturated, .-add_saturated
