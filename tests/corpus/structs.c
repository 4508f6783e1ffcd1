// Structs: by value inside the file, through pointers, bit-fields, packed, unions, flexible layouts, linked nodes.
#include <stddef.h>
#include <stdint.h>

#if !__STDC_HOSTED__
// A freestanding compiler may still call these for struct copies.
void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    volatile unsigned char *t = to;
    const unsigned char *f = from;
    while (size--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t size) {
    volatile unsigned char *t = to;
    while (size--)
        *t++ = (unsigned char)byte;
    return to;
}
#endif

struct point {
    int x, y;
};

static __attribute__((noinline)) struct point rotated(struct point p, int quarter_turns) {
    for (; quarter_turns > 0; quarter_turns--) {
        struct point q = {-p.y, p.x};
        p = q;
    }
    return p;
}

//@ cases: (1, 2, 0) (1, 2, 1) (1, 2, 2) (1, 2, 3) (-5, 7, 7) random:4
//@ where: x=-1000..1000, y=-1000..1000, turns=0..8
int64_t point_by_value(int x, int y, int turns) {
    struct point p = rotated((struct point){x, y}, turns);
    return (int64_t)p.x * 100003 + p.y;
}

struct large {
    int64_t items[6];
    int16_t tail;
};

static __attribute__((noinline)) struct large shifted(struct large in, int by) {
    struct large out = in;
    for (int i = 0; i < 6; i++)
        out.items[i] = in.items[(i + by) % 6];
    out.tail = (int16_t)(in.tail + by);
    return out;
}

//@ cases: (0) (1) (5) (6) random:3
//@ where: by=0..100
int64_t large_by_value(int by) {
    struct large value = {{1, -2, 3, -4, 5, -6}, 7};
    value = shifted(value, by);
    int64_t sum = value.tail;
    for (int i = 0; i < 6; i++)
        sum = sum * 10 + value.items[i];
    return sum;
}

struct fields {
    unsigned a : 3;
    signed b : 5;
    unsigned c : 11;
    _Bool d : 1;
    signed e : 12;
    uint64_t f : 40;
    int64_t g : 24;
};

//@ cases: (0, 0, 0, 0, 0, 0, 0) (7, -16, 2047, 1, -2048, 0xffffffffff, -1) random:10
//@ where: d=0..1
uint64_t bit_fields(unsigned a, int b, unsigned c, _Bool d, int e, uint64_t f, int64_t g) {
    struct fields s = {0};
    s.a = a & 7;
    s.b = b & 15;
    s.c = c & 2047;
    s.d = d;
    s.e = e & 2047;
    s.f = f & 0xffffffffff;
    s.g = g & 0x7fffff;
    s.b--;
    s.e = -s.e;
    s.f ^= s.c;
    s.c += 1;
    return s.a + (uint64_t)s.b * 3 + s.c * 5u + s.d * 7u + (uint64_t)s.e * 11 + (uint64_t)s.f * 13 + (uint64_t)s.g * 17;
}

static struct fields kept;

//@ cases: (1) (2) (0xffffffff) random:6
uint64_t bit_fields_kept(uint32_t x) {
    kept.a += x & 1;
    kept.b ^= (int)(x >> 5 & 15);
    kept.c = (kept.c + x) & 2047;
    kept.d = !kept.d;
    kept.f = kept.f * 3 + x;
    return kept.a | (uint64_t)kept.c << 3 | (uint64_t)(kept.b & 31) << 14 | (uint64_t)kept.d << 19 | (uint64_t)kept.f << 20;
}

struct __attribute__((packed)) packet {
    uint8_t kind;
    uint16_t length;
    uint32_t sequence;
    int64_t stamp;
    uint8_t check;
};

//@ cases: (1, 2, 3, 4) random:10
uint64_t packed_struct(uint8_t kind, uint16_t length, uint32_t sequence, int64_t stamp) {
    struct packet packets[3];
    for (int i = 0; i < 3; i++) {
        packets[i].kind = (uint8_t)(kind + i);
        packets[i].length = (uint16_t)(length * (i + 1));
        packets[i].sequence = sequence ^ (uint32_t)i;
        packets[i].stamp = stamp;
        packets[i].check = (uint8_t)(sizeof(struct packet) + (unsigned)i);
    }
    uint64_t sum = 0;
    const uint8_t *bytes = (const uint8_t *)packets;
    for (unsigned i = 0; i < sizeof packets; i++)
        sum = sum * 131 + bytes[i];
    return sum + packets[1].sequence + (uint64_t)packets[2].stamp;
}

union word {
    uint64_t u64;
    int32_t i32[2];
    uint16_t u16[4];
    int8_t i8[8];
};

//@ cases: (0) (0x8000ffff7fff0180) random:12
int64_t union_views(uint64_t bits) {
    union word w = {.u64 = bits};
    int64_t sum = w.i32[0] - (int64_t)w.i32[1];
    for (int i = 0; i < 4; i++)
        sum = sum * 3 + w.u16[i];
    for (int i = 0; i < 8; i++)
        sum += w.i8[i] * (i + 1);
    w.u16[2] = 0xabcd;
    w.i8[7] ^= 0x11;
    return sum ^ (int64_t)w.u64;
}

struct node {
    struct node *next;
    int value;
};

static struct node nodes[16];

static struct node *build_list(unsigned count, uint32_t seed) {
    struct node *head = NULL;
    for (unsigned i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        nodes[i].value = (int)(seed >> 16 & 0xff);
        nodes[i].next = head;
        head = &nodes[i];
    }
    return head;
}

//@ cases: (0, 1) (1, 1) (16, 5) random:5
//@ where: count=0..16
int64_t list_reverse(unsigned count, uint32_t seed) {
    struct node *head = build_list(count, seed), *reversed = NULL;
    while (head) {
        struct node *next = head->next;
        head->next = reversed;
        reversed = head;
        head = next;
    }
    int64_t sum = 0;
    for (int i = 1; reversed; reversed = reversed->next)
        sum += (int64_t)reversed->value * i++;
    return sum;
}

//@ cases: (0, 1) (1, 1) (8, 5) random:4
//@ where: count=0..12
uint64_t list_insertion_sort(unsigned count, uint32_t seed) {
    struct node *sorted = NULL;
    for (struct node *head = build_list(count, seed), *next; head; head = next) {
        next = head->next;
        struct node **place = &sorted;
        while (*place && (*place)->value < head->value)
            place = &(*place)->next;
        head->next = *place;
        *place = head;
    }
    uint64_t sum = 0;
    for (; sorted; sorted = sorted->next)
        sum = sum * 251 + (uint64_t)sorted->value;
    return sum;
}

struct tree {
    struct tree *left, *right;
    int16_t key;
    uint8_t count;
};

static struct tree pool[24];
static unsigned used;

static struct tree *tree_insert(struct tree *t, int16_t key) {
    if (!t) {
        t = &pool[used++];
        *t = (struct tree){.key = key, .count = 1};
    } else if (key < t->key)
        t->left = tree_insert(t->left, key);
    else if (key > t->key)
        t->right = tree_insert(t->right, key);
    else
        t->count++;
    return t;
}

static int tree_depth(const struct tree *t) {
    if (!t)
        return 0;
    int l = tree_depth(t->left), r = tree_depth(t->right);
    return 1 + (l > r ? l : r);
}

static uint64_t tree_walk(const struct tree *t, uint64_t sum) {
    return t ? tree_walk(t->right, tree_walk(t->left, sum) * 31 + (uint64_t)t->key * t->count) : sum;
}

//@ cases: (0, 1) (1, 2) (8, 3) random:3
//@ where: count=0..10
//@ heavy: (24, 77)
uint64_t binary_tree(uint8_t count, uint32_t seed) {
    struct tree *root = NULL;
    used = 0;
    for (unsigned i = 0; i < count; i++) {
        seed = seed * 22695477 + 1;
        root = tree_insert(root, (int16_t)(seed >> 16 & 31));
    }
    return tree_walk(root, 0) * 100 + (uint64_t)tree_depth(root);
}

//@ cases: ()
uint64_t layout(void) {
    struct mixed {
        char a;
        int64_t b;
        uint8_t c[3];
        int16_t d;
        union word e;
        struct point f;
    };
    return sizeof(struct mixed) | offsetof(struct mixed, b) << 8 | offsetof(struct mixed, d) << 16 |
           offsetof(struct mixed, e) << 24 | offsetof(struct mixed, f) << 32 | sizeof(struct packet) << 40 |
           sizeof(struct fields) << 48;
}

struct matrix {
    int32_t at[2][2];
};

static struct matrix multiply(const struct matrix *a, const struct matrix *b) {
    struct matrix c;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            c.at[i][j] = (a->at[i][0] * b->at[0][j] + a->at[i][1] * b->at[1][j]) % 9973;
    return c;
}

//@ cases: (0) (1) (2) (10) (255) random:4
int32_t fibonacci_by_matrix(uint8_t n) {
    struct matrix result = {{{1, 0}, {0, 1}}}, step = {{{1, 1}, {1, 0}}};
    for (; n; n >>= 1) {
        if (n & 1)
            result = multiply(&result, &step);
        step = multiply(&step, &step);
    }
    return result.at[0][1];
}
