// Function pointers: tables, arguments, returned pointers, vtable-like structs, comparison callbacks, callbacks with state.
#include <stddef.h>
#include <stdint.h>

typedef int64_t binary(int64_t, int64_t);

static int64_t op_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t op_sub(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static int64_t op_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }
static int64_t op_and(int64_t a, int64_t b) { return a & b; }
static int64_t op_max(int64_t a, int64_t b) { return a > b ? a : b; }

static binary *const operations[] = {op_add, op_sub, op_mul, op_and, op_max};

//@ cases: (0, 5, 6) (1, 5, 6) (2, 5, 6) (3, 5, 6) (4, 5, 6) random:10
//@ where: which=0..4
int64_t through_table(unsigned which, int64_t a, int64_t b) {
    return operations[which](a, b);
}

static __attribute__((noinline)) int64_t fold(binary *operation, const int32_t *items, int count, int64_t start) {
    for (int i = 0; i < count; i++)
        start = operation(start, items[i]);
    return start;
}

static const int32_t numbers[] = {3, -1, 4, -1, 5, -9, 2, -6, 5, 3, -5};

//@ cases: (0, 11, 0) (1, 11, 0) (2, 11, 1) (3, 11, -1) (4, 11, -100) random:6
//@ where: which=0..4, count=0..11
int64_t fold_numbers(uint8_t which, uint8_t count, int64_t start) {
    return fold(operations[which], numbers, count, start);
}

static binary *choose(int key) {
    return key < 0 ? op_sub : key == 0 ? op_add : key & 1 ? op_mul : op_max;
}

//@ cases: (-1, 9, 4) (0, 9, 4) (1, 9, 4) (2, 9, 4) random:6
int64_t returned_pointer(int key, int64_t a, int64_t b) {
    return choose(key)(a, b);
}

//@ cases: (0) (1) (2) (3) random:2
_Bool pointer_equality(uint8_t key) {
    return choose(key) == choose(key & 1) || choose(key) == (binary *)NULL;
}

struct shape;
struct shape_class {
    int (*area)(const struct shape *);
    int (*perimeter)(const struct shape *);
    void (*scale)(struct shape *, int);
};
struct shape {
    const struct shape_class *class;
    int width, height;
};

static int rectangle_area(const struct shape *s) { return s->width * s->height; }
static int rectangle_perimeter(const struct shape *s) { return 2 * (s->width + s->height); }
static void rectangle_scale(struct shape *s, int by) {
    s->width *= by;
    s->height *= by;
}
static int square_area(const struct shape *s) { return s->width * s->width; }
static int square_perimeter(const struct shape *s) { return 4 * s->width; }
static void square_scale(struct shape *s, int by) { s->width *= by; }

static const struct shape_class rectangle = {rectangle_area, rectangle_perimeter, rectangle_scale};
static const struct shape_class square = {square_area, square_perimeter, square_scale};

//@ cases: (0, 3, 4, 2) (1, 3, 4, 2) random:8
//@ where: width=0..100, height=0..100, by=-9..9
int virtual_calls(_Bool is_square, int width, int height, int by) {
    struct shape shapes[2] = {{is_square ? &square : &rectangle, width, height}, {&rectangle, height, width}};
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        struct shape *s = &shapes[i];
        s->class->scale(s, by);
        sum = sum * 3 + s->class->area(s) - s->class->perimeter(s);
    }
    return sum;
}

typedef int comparison(const void *, const void *);

static void swap_bytes(uint8_t *a, uint8_t *b, size_t size) {
    while (size--) {
        uint8_t t = *a;
        *a++ = *b;
        *b++ = t;
    }
}

static void quicksort(void *base, size_t count, size_t size, comparison *compare) {
    uint8_t *items = base;
    while (count > 1) {
        swap_bytes(items, items + count / 2 * size, size);
        size_t last = 0;
        for (size_t i = 1; i < count; i++)
            if (compare(items + i * size, items) < 0)
                swap_bytes(items + ++last * size, items + i * size, size);
        if (last)
            swap_bytes(items, items + last * size, size);
        quicksort(items, last, size, compare);
        items += (last + 1) * size;
        count -= last + 1;
    }
}

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_last_digit(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a % 10, y = *(const unsigned *)b % 10;
    return x != y ? (int)x - (int)y : by_value(a, b);
}

static int descending(const void *a, const void *b) { return by_value(b, a); }

static comparison *const comparisons[] = {by_value, by_last_digit, descending};

//@ cases: (0, 1, 6) (1, 1, 6) (2, 1, 6) (0, 7, 0) random:3
//@ where: order=0..2, count=0..8
//@ heavy: (0, 5, 200) (1, 9, 200)
uint64_t sort_through_comparison(unsigned order, uint32_t seed, unsigned count) {
    static int items[256];
    for (unsigned i = 0; i < count; i++) {
        seed = seed * 1103515245 + 12345;
        items[i] = (int)(seed >> 8 & 0xffff);
    }
    quicksort(items, count, sizeof items[0], comparisons[order]);
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum = sum * 65599 + (uint32_t)items[i];
    return sum;
}

struct entry {
    int64_t key;
    int16_t tag;
    uint8_t name[6];
};

static int by_key(const void *a, const void *b) {
    int64_t x = ((const struct entry *)a)->key, y = ((const struct entry *)b)->key;
    return x < y ? -1 : x > y;
}

//@ cases: (0) (1) (99) random:2
uint64_t sort_structs(uint32_t seed) {
    struct entry entries[4];
    for (int i = 0; i < 4; i++) {
        seed = seed * 69069 + 1;
        entries[i].key = (int64_t)(seed % 1000) - 500;
        entries[i].tag = (int16_t)i;
        for (int j = 0; j < 6; j++)
            entries[i].name[j] = (uint8_t)(seed >> j);
    }
    quicksort(entries, 4, sizeof entries[0], by_key);
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum = sum * 31 + (uint64_t)entries[i].key * 7 + (uint64_t)entries[i].tag + entries[i].name[5];
    return sum;
}

struct visitor {
    void (*visit)(struct visitor *, int);
    int64_t state;
};

static void visit_sum(struct visitor *self, int item) { self->state += item; }
static void visit_product(struct visitor *self, int item) { self->state = self->state * item % 1000003; }

static __attribute__((noinline)) void each(struct visitor *visitor) {
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        visitor->visit(visitor, numbers[i]);
}

//@ cases: (0, 0) (1, 1) random:4
//@ where: start=-1000000..1000000
int64_t callback_with_state(_Bool product, int start) {
    struct visitor visitor = {product ? visit_product : visit_sum, start};
    each(&visitor);
    return visitor.state;
}

typedef int eight(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t);

static int eight_low(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h) {
    return (int)((unsigned)a + b * 2u + (unsigned)c * 3 + d * 4u + (unsigned)e * 5 + f * 6 + (unsigned)g * 7 + (unsigned)h);
}

static int eight_sign(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h) {
    return (a < 0) | (b > 127) << 1 | (c < 0) << 2 | (d > 32767) << 3 | (e < 0) << 4 | (f >> 31 != 0) << 5 |
           (g < 0) << 6 | (h >> 63 != 0) << 7;
}

static eight *volatile eights[] = {eight_low, eight_sign};

//@ cases: (0, 1, 2, 3, 4, 5, 6, 7) (1, -1, -1, -1, -1, -1, -1, -1) random:12
//@ where: which=0..1
int eight_through_pointer(uint32_t which, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
    // The callee's narrow parameters are made from the low bits of the 64-bit ones.
    return eights[which]((int8_t)b, (uint8_t)c, (int16_t)d, (uint16_t)e, (int32_t)f, (uint32_t)g, h, (uint64_t)(b ^ h));
}

static int64_t (*current)(int64_t, int64_t) = op_add;

//@ cases: (0, 3, 4) (2, 3, 4) (1, 3, 4) (9, 3, 4) random:4
//@ where: which=0..9
int64_t replaced_pointer(int which, int64_t a, int64_t b) {
    // The pointer set by one call is used in the next.
    int64_t result = current(a, b);
    current = which < 5 ? operations[which] : op_add;
    return result;
}
