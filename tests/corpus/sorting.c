// Sorting algorithms on a static array filled from a seed; the result is a checksum of the sorted array.
#include <stdint.h>

static int32_t items[64];
static uint16_t size;

static void fill(uint32_t seed, uint16_t count) {
    size = count;
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        items[i] = (int32_t)(seed >> 12 & 0xffff) - 0x8000;
    }
}

static uint64_t digest(void) {
    uint64_t sum = size;
    for (int i = 0; i < size; i++)
        sum = sum * 65599 + (uint32_t)items[i];
    return sum;
}

static inline void exchange(int32_t *a, int32_t *b) {
    int32_t t = *a;
    *a = *b;
    *b = t;
}

//@ cases: (1, 0) (1, 1) (2, 8) random:2
//@ where: count=0..8
//@ heavy: (3, 64)
uint64_t bubble_sort(uint32_t seed, uint16_t count) {
    fill(seed, count);
    for (int end = count; end > 1;) {
        int last = 0;
        for (int i = 1; i < end; i++)
            if (items[i - 1] > items[i]) {
                exchange(&items[i - 1], &items[i]);
                last = i;
            }
        end = last;
    }
    return digest();
}

//@ cases: (1, 0) (1, 1) (2, 9) random:2
//@ where: count=0..9
//@ heavy: (3, 64)
uint64_t insertion_sort(uint32_t seed, uint16_t count) {
    fill(seed, count);
    for (int i = 1; i < count; i++) {
        int32_t item = items[i];
        int at = i;
        while (at > 0 && items[at - 1] > item) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
    }
    return digest();
}

//@ cases: (1, 0) (2, 8) random:2
//@ where: count=0..8
//@ heavy: (3, 64)
uint64_t selection_sort(uint32_t seed, uint16_t count) {
    fill(seed, count);
    for (int i = 0; i < count; i++) {
        int least = i;
        for (int j = i + 1; j < count; j++)
            least = items[j] < items[least] ? j : least;
        exchange(&items[i], &items[least]);
    }
    return digest();
}

//@ cases: (1, 0) (2, 12) random:2
//@ where: count=0..12
//@ heavy: (3, 64)
uint64_t shell_sort(uint32_t seed, uint16_t count) {
    static const uint8_t gaps[] = {23, 10, 4, 1};
    fill(seed, count);
    for (int g = 0; g < 4; g++)
        for (int i = gaps[g]; i < count; i++)
            for (int j = i; j >= gaps[g] && items[j - gaps[g]] > items[j]; j -= gaps[g])
                exchange(&items[j], &items[j - gaps[g]]);
    return digest();
}

static void sift_down(int root, int end) {
    for (int child; (child = root * 2 + 1) < end; root = child) {
        if (child + 1 < end && items[child] < items[child + 1])
            child++;
        if (items[root] >= items[child])
            return;
        exchange(&items[root], &items[child]);
    }
}

//@ cases: (1, 0) (2, 10) random:2
//@ where: count=0..10
//@ heavy: (3, 64)
uint64_t heap_sort(uint32_t seed, uint16_t count) {
    fill(seed, count);
    for (int i = count / 2 - 1; i >= 0; i--)
        sift_down(i, count);
    for (int end = count - 1; end > 0; end--) {
        exchange(&items[0], &items[end]);
        sift_down(0, end);
    }
    return digest();
}

static void quick(int low, int high) {
    while (low < high) {
        int32_t pivot = items[low + (high - low) / 2];
        int i = low, j = high;
        do {
            while (items[i] < pivot)
                i++;
            while (items[j] > pivot)
                j--;
            if (i <= j)
                exchange(&items[i++], &items[j--]);
        } while (i <= j);
        quick(low, j);
        low = i;
    }
}

//@ cases: (1, 0) (2, 12) random:2
//@ where: count=0..12
//@ heavy: (3, 64)
uint64_t quick_sort(uint32_t seed, uint16_t count) {
    fill(seed, count);
    quick(0, count - 1);
    return digest();
}

static void merge(int low, int high) {
    int32_t merged[64];
    if (high - low < 2)
        return;
    int middle = (low + high) / 2, a = low, b = middle;
    merge(low, middle);
    merge(middle, high);
    for (int i = low; i < high; i++)
        merged[i] = b >= high || (a < middle && items[a] <= items[b]) ? items[a++] : items[b++];
    for (int i = low; i < high; i++) {
        items[i] = merged[i];
        __asm__ volatile("" ::: "memory"); // keeps the loop from becoming a call of memcpy
    }
}

//@ cases: (1, 0) (2, 10) random:2
//@ where: count=0..10
//@ heavy: (3, 64)
uint64_t merge_sort(uint32_t seed, uint16_t count) {
    fill(seed, count);
    merge(0, count);
    return digest();
}

//@ cases: (1, 0) (2, 5)
//@ where: count=0..64
//@ heavy: (3, 64)
uint64_t radix_sort(uint32_t seed, uint16_t count) {
    static int32_t other[64];
    fill(seed, count);
    for (int shift = 0; shift < 20; shift += 4) {
        int starts[17];
        for (volatile int i = 0; i < 17; i++)
            starts[i] = 0;
        for (int i = 0; i < count; i++)
            starts[(((uint32_t)items[i] + 0x8000u) >> shift & 15) + 1]++;
        for (int i = 1; i < 17; i++)
            starts[i] += starts[i - 1];
        for (int i = 0; i < count; i++)
            other[starts[((uint32_t)items[i] + 0x8000u) >> shift & 15]++] = items[i];
        for (int i = 0; i < count; i++) {
            items[i] = other[i];
            __asm__ volatile("" ::: "memory"); // keeps the loop from becoming a call of memcpy
        }
    }
    return digest();
}

//@ cases: (1, 9, 4) (2, 12, 0) random:3
//@ where: count=1..14, rank=0..13
int32_t quick_select(uint32_t seed, uint16_t count, uint16_t rank) {
    fill(seed, count);
    rank %= count;
    int low = 0, high = count - 1;
    while (low < high) {
        int32_t pivot = items[high];
        int store = low;
        for (int i = low; i < high; i++)
            if (items[i] < pivot)
                exchange(&items[i], &items[store++]);
        exchange(&items[store], &items[high]);
        if (store == rank)
            break;
        if (store < rank)
            low = store + 1;
        else
            high = store - 1;
    }
    return items[rank];
}

//@ cases: (5, 2, 9, 1, 7, 3) random:8
uint64_t sorting_network(int16_t a, int16_t b, int16_t c, int16_t d, int16_t e, int16_t f) {
    static const uint8_t pairs[][2] = {{0, 5}, {1, 3}, {2, 4}, {1, 2}, {3, 4}, {0, 3}, {2, 5}, {0, 1}, {2, 3}, {4, 5}, {1, 2}, {3, 4}};
    int16_t v[] = {a, b, c, d, e, f};
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        int16_t x = v[pairs[i][0]], y = v[pairs[i][1]];
        v[pairs[i][0]] = x < y ? x : y;
        v[pairs[i][1]] = x < y ? y : x;
    }
    uint64_t sum = 0;
    for (int i = 0; i < 6; i++)
        sum = sum * 65537 + (uint16_t)v[i];
    return sum;
}
