/* A sort of n records (at most 65536) through a pointer to the comparison, in three orders: a hash of each order. */
typedef unsigned int u32;
typedef unsigned long long u64;

enum { LIMIT = 1 << 16 };
struct record { u32 key, weight; };
typedef int (*comparison)(const struct record *, const struct record *);
static struct record records[LIMIT], spare[LIMIT];

static int by_key(const struct record *a, const struct record *b) {
  return a->key < b->key ? -1 : a->key > b->key;
}
static int by_weight(const struct record *a, const struct record *b) {
  return a->weight < b->weight ? -1 : a->weight > b->weight;
}
static int by_both_down(const struct record *a, const struct record *b) {
  u32 one = a->key ^ a->weight, other = b->key ^ b->weight;
  return one > other ? -1 : one < other;
}
/* Not const, so that the compiler can't call them directly. */
static comparison orders[] = {by_key, by_weight, by_both_down};

__attribute__((noinline)) static void sort(u64 n, comparison compare) {
  struct record *from = records, *to = spare;
  for (u64 width = 1; width < n; width *= 2) {
    for (u64 start = 0; start < n; start += 2 * width) {
      u64 middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
      u64 i = start, j = middle;
      for (u64 k = start; k < end; k++) {
        if (j >= end || (i < middle && compare(&from[i], &from[j]) <= 0)) to[k] = from[i++];
        else to[k] = from[j++];
      }
    }
    struct record *other = from;
    from = to;
    to = other;
  }
  if (from != records) {
    for (u64 i = 0; i < n; i++) records[i] = from[i];
  }
}

u64 kernel(u64 n) {
  if (n > LIMIT) n = LIMIT;
  u64 state = 5, hash = 0;
  for (u64 i = 0; i < n; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    records[i].key = (u32)(state >> 40);
    records[i].weight = (u32)(state >> 20) & 0xffff;
  }
  for (u64 order = 0; order < 3; order++) {
    comparison volatile *chosen = (comparison volatile *)&orders[order];
    sort(n, *chosen);
    for (u64 i = 0; i < n; i++) hash = hash * 31 + records[i].key + records[i].weight;
  }
  return hash;
}
