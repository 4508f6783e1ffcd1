// size_t strlen(const char *text)
// size_t wcslen(const wchar_t *text)
//
// Clang makes these of loops that look for the zero.

        .globl  strlen
        .globl  wcslen
strlen:
        // Aligned loads stay in the page of the byte they are for. Those before the text must not look like zeros.
        and     x1, x0, #~7
        lsl     x3, x0, #3
        mov     x4, #1
        lsl     x4, x4, x3
        sub     x4, x4, #1
        ldr     x2, [x1]
        orr     x2, x2, x4
        mov     x5, #0x0101010101010101
1:      sub     x3, x2, x5              // the lowest bit 7 that is set marks the first byte that is zero
        bic     x3, x3, x2
        ands    x3, x3, #0x8080808080808080
        b.ne    2f
        ldr     x2, [x1, #8]!
        b       1b
2:      rbit    x3, x3
        clz     x3, x3
        add     x1, x1, x3, lsr #3
        sub     x0, x1, x0
        ret

wcslen:
        mov     x1, #0
1:      ldr     w2, [x0, x1, lsl #2]
        cbz     w2, 2f
        add     x1, x1, #1
        b       1b
2:      mov     x0, x1
        ret
