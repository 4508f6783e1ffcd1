/*
 * Bubble sort of an array of words.
 * x0 = address, x1 = number of elements
 */
.data
array:  .word 7, -3, 12, 0, 5, 99, -100, 42
count:  .word (. - array) / 4

.text
.globl bubble_sort
.globl _start
bubble_sort:
    cbz x1, done
    sub x1, x1, #1
outer:
    cmp x1, #0
    beq done
    mov x2, #0              // index
    mov w7, #0              // swapped?
inner:
    ldr w3, [x0, x2, lsl #2]
    add x4, x2, #1
    ldr w5, [x0, x4, LSL 2]
    cmp w3, w5
    ble next
    str w5, [x0, x2, lsl #2]
    str w3, [x0, x4, lsl #2]
    mov w7, #1
next:
    mov x2, x4
    cmp x2, x1
    blt inner
    cbz w7, done
    sub x1, x1, #1
    b outer
done:
    ret

_start:
    ldr x0, =array
    ldr x1, =count
    ldr w1, [x1]
    bl bubble_sort
    mov x0, #0
    mov x8, #93
    svc #0
