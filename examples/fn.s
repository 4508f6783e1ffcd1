// int fn(int num) { return num; }, as clang compiles it at -O0 for armv8-a.
        .text
        .globl  fn
        .p2align 2
        .type   fn, %function
fn:
        sub     sp, sp, #16
        str     w0, [sp, #12]
        ldr     w0, [sp, #12]
        add     sp, sp, #16
        ret
        .size   fn, . - fn
