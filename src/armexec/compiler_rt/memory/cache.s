// void __clear_cache(void *begin, void *end)
//
// Arm ARM, B2.7.4.2, "Synchronization and coherency issues between data and instruction accesses".

        .globl  __clear_cache
        .globl  __aarch64_sync_cache_range
__clear_cache:
__aarch64_sync_cache_range:
        mrs     x2, ctr_el0
        mov     w3, #4
        ubfx    x4, x2, #16, #4         // DminLine, IminLine: log2 of the words of a line
        lsl     w4, w3, w4
        and     x5, x2, #15
        lsl     w5, w3, w5
        sub     x6, x4, #1
        bic     x6, x0, x6
1:      cmp     x6, x1
        b.hs    2f
        dc      cvau, x6
        add     x6, x6, x4
        b       1b
2:      dsb     ish
        sub     x6, x5, #1
        bic     x6, x0, x6
3:      cmp     x6, x1
        b.hs    4f
        ic      ivau, x6
        add     x6, x6, x5
        b       3b
4:      dsb     ish
        isb
        ret
