// malloc and its family: memory of one region of the module's own, which is there as it is touched.
//
// The region is cut into pages of 64 KiB, of which a bit map says which are taken. Blocks of up to 32 KiB are of 40
// sizes; a page has blocks of one size, and those that are free are in a list for that size. Longer blocks are whole
// pages. Nothing is locked: a thread that ends in the middle of it, by a fault or in a fork, stops no other.

#include "../stop.h"

typedef unsigned char u8;
typedef unsigned u32;
typedef unsigned long u64;

#define REGION (512UL << 20)
#define PAGE_BITS 16
#define PAGE (1UL << PAGE_BITS)
#define PAGES (REGION / PAGE - 1)  // the first begins at a multiple of its size
#define LONGEST_SMALL 32768
#define SIZES 40

static u8 region[REGION];
static u64 taken[(PAGES + 63) / 64];
// Of the first page of what is taken: the number of pages, or the number of the size of its blocks and this bit.
#define SMALL (1U << 31)
static u32 kinds[PAGES];

// Lists of free blocks: a block's number, from 1, in the low bits, and above them a count of the blocks that were taken
// off, so that a list that is as it was before, but not since, is told.
#define NUMBER_BITS 27
#define NUMBER ((1UL << NUMBER_BITS) - 1)
static u64 lists[SIZES];

static inline u8 *first_page(void) { return (u8 *)(((u64)region + PAGE - 1) & -PAGE); }

static inline u32 size_number(u64 size)
{
    if (size <= 128)
        return size ? (u32)(size - 1) / 16 : 0;
    u64 last = size - 1;
    u32 log = 63 - (u32)__builtin_clzl(last);
    return 8 + (log - 7) * 4 + (last >> (log - 2) & 3);
}

static inline u64 size_of(u32 number)
{
    if (number < 8)
        return 16 * (number + 1);
    return (5 + (number - 8) % 4) << (5 + (number - 8) / 4);
}

// Pages

static inline u64 bits_of(u64 from, u64 to, u64 word)
{
    u64 bits = ~0UL;
    if (word == from / 64)
        bits &= ~0UL << from % 64;
    if (word == (to - 1) / 64)
        bits &= ~0UL >> (63 - (to - 1) % 64);
    return bits;
}

// The first page from `from` to `to` (exclusive) that is taken, or isn't; `to` if there is none.
static u64 next_page(u64 from, u64 to, int is_taken)
{
    for (u64 word = from / 64; word <= (to - 1) / 64; word++) {
        u64 bits = __atomic_load_n(&taken[word], __ATOMIC_RELAXED);
        bits = (is_taken ? bits : ~bits) & bits_of(from, to, word);
        if (bits)
            return word * 64 + (u64)__builtin_ctzl(bits);
    }
    return to;
}

static void give_pages(u64 from, u64 to)
{
    for (u64 word = from / 64; from < to; from = ++word * 64)
        __atomic_fetch_and(&taken[word], ~bits_of(from, to, word), __ATOMIC_RELEASE);
}

// All of them, or none.
static int take_pages(u64 from, u64 to)
{
    for (u64 word = from / 64; word <= (to - 1) / 64; word++) {
        u64 bits = bits_of(from, to, word);
        u64 before = __atomic_fetch_or(&taken[word], bits, __ATOMIC_ACQUIRE) & bits;
        if (before) {
            __atomic_fetch_and(&taken[word], ~(bits & ~before), __ATOMIC_RELAXED);
            if (word * 64 > from)
                give_pages(from, word * 64);
            return 0;
        }
    }
    return 1;
}

// The number of the first of `count` pages, at an address that is a multiple of `align`; PAGES where there are none.
static u64 find_pages(u64 count, u64 align)
{
    u64 base = (u64)first_page();
    for (u64 from = 0; count <= PAGES && from <= PAGES - count;) {
        u64 page = next_page(from, PAGES, 0);
        page = (((base + page * PAGE + align - 1) & -align) - base) / PAGE;
        if (page > PAGES - count)
            break;
        u64 end = page + count, used = next_page(page, end, 1);
        if (used == end && take_pages(page, end))
            return page;
        from = used == end ? page : used + 1;
    }
    return PAGES;
}

// Blocks

static inline u64 *block(u64 number) { return (u64 *)(first_page() + (number - 1) * 16); }

static void put(u32 size, u64 first, u64 last)
{
    u64 head = __atomic_load_n(&lists[size], __ATOMIC_RELAXED);
    do
        __atomic_store_n(block(last), head & NUMBER, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(
        &lists[size], &head, (head & ~NUMBER) | first, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

// The number of a free block, or 0.
static u64 take(u32 size)
{
    u64 head = __atomic_load_n(&lists[size], __ATOMIC_ACQUIRE);
    while (head & NUMBER) {
        // Another thread may have taken it, and this be what it holds now; but then the list has changed.
        u64 next = __atomic_load_n(block(head & NUMBER), __ATOMIC_RELAXED) & NUMBER;
        u64 changed = ((head & ~NUMBER) + NUMBER + 1) | next;
        if (__atomic_compare_exchange_n(&lists[size], &head, changed, 0, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
            return head & NUMBER;
    }
    return 0;
}

static void *small(u32 size)
{
    u64 number = take(size);
    if (number)
        return block(number);
    u64 page = find_pages(1, PAGE);
    if (page == PAGES)
        return 0;
    __atomic_store_n(&kinds[page], SMALL | size, __ATOMIC_RELEASE);
    u64 first = page * (PAGE / 16) + 1, step = size_of(size) / 16, count = PAGE / size_of(size);
    u64 last = first + (count - 1) * step;
    for (u64 i = first + step; i < last; i += step)
        *block(i) = i + step;
    if (count > 1)
        put(size, first + step, last);
    return block(first);
}

static void *large(u64 size, u64 align)
{
    u64 count = (size + PAGE - 1) / PAGE, page = find_pages(count, align);
    if (page == PAGES)
        return 0;
    __atomic_store_n(&kinds[page], (u32)count, __ATOMIC_RELEASE);
    return first_page() + page * PAGE;
}

// The page of a block and its kind; what malloc hasn't given ends the program.
__attribute__((always_inline)) static inline u64 page_of(const void *at, u32 *kind)
{
    u64 offset = (u64)((const u8 *)at - first_page()), page = offset >> PAGE_BITS;
    if (page >= PAGES)
        stop();
    *kind = __atomic_load_n(&kinds[page], __ATOMIC_ACQUIRE);
    if (!*kind || offset % PAGE % (*kind & SMALL ? size_of(*kind & ~SMALL) : PAGE))
        stop();
    return page;
}

__attribute__((always_inline)) static inline u64 room(const void *at)
{
    u32 kind;
    page_of(at, &kind);
    return kind & SMALL ? size_of(kind & ~SMALL) : kind * PAGE;
}

__attribute__((weak)) void *malloc(u64 size)
{
    if (size <= LONGEST_SMALL)
        return small(size_number(size));
    return size <= REGION ? large(size, PAGE) : 0;
}

__attribute__((weak)) void free(void *at)
{
    if (!at)
        return;
    u32 kind;
    u64 page = page_of(at, &kind);
    if (kind & SMALL) {
        u64 number = (u64)((u8 *)at - first_page()) / 16 + 1;
        put(kind & ~SMALL, number, number);
    } else {
        __atomic_store_n(&kinds[page], 0, __ATOMIC_RELAXED);
        give_pages(page, page + kind);
    }
}

void *memset(void *to, int byte, u64 size);
void *memcpy(void *to, const void *from, u64 size);

void *calloc(u64 count, u64 size)
{
    u64 bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return 0;
    void *at = malloc(bytes);
    return at ? memset(at, 0, bytes) : at;
}

void *realloc(void *at, u64 size)
{
    if (!at)
        return malloc(size);
    u32 kind;
    u64 page = page_of(at, &kind), old = room(at);
    if (size <= old && (size > old / 2 || old <= 64))
        return at;
    if (!(kind & SMALL) && size > LONGEST_SMALL && size <= REGION) {
        u64 count = (size + PAGE - 1) / PAGE;
        if (count < kind) {
            __atomic_store_n(&kinds[page], (u32)count, __ATOMIC_RELEASE);
            give_pages(page + count, page + kind);
            return at;
        }
        if (page + count <= PAGES && take_pages(page + kind, page + count)) {
            __atomic_store_n(&kinds[page], (u32)count, __ATOMIC_RELEASE);
            return at;
        }
    }
    void *to = malloc(size);
    if (!to)
        return 0;
    memcpy(to, at, size < old ? size : old);
    free(at);
    return to;
}

void *aligned_alloc(u64 align, u64 size)
{
    if (!align || align & (align - 1) || align > REGION || size > REGION)
        return 0;
    if (align <= 16)
        return malloc(size);
    u64 larger = size > align ? size : align;
    if (larger > LONGEST_SMALL)
        return large(larger, align > PAGE ? align : PAGE);
    // Blocks whose size is a power of two are at multiples of it.
    return malloc(1UL << (64 - __builtin_clzl(larger - 1)));
}

void *memalign(u64 align, u64 size) { return aligned_alloc(align, size); }

int posix_memalign(void **to, u64 align, u64 size)
{
    if (align < 8 || align & (align - 1))
        return 22;  // EINVAL
    void *at = aligned_alloc(align, size);
    if (!at)
        return 12;  // ENOMEM
    *to = at;
    return 0;
}

u64 malloc_usable_size(const void *at) { return at ? room(at) : 0; }
u64 malloc_size(const void *at) { return at ? room(at) : 0; }
