/* Quicksort of n numbers (at most 262144): a hash of the sorted array. */
typedef unsigned int u32;
typedef unsigned long long u64;

enum { LIMIT = 1 << 18 };
static u32 numbers[LIMIT];

static void sort(u32 *first, u32 *last) {
  while (last - first > 12) {
    u32 pivot = first[(last - first) / 2];
    u32 *low = first, *high = last;
    while (low <= high) {
      while (*low < pivot) low++;
      while (*high > pivot) high--;
      if (low <= high) {
        u32 other = *low;
        *low++ = *high;
        *high-- = other;
      }
    }
    if (high - first < last - low) {
      sort(first, high);
      first = low;
    } else {
      sort(low, last);
      last = high;
    }
  }
  for (u32 *next = first + 1; next <= last; next++) {
    u32 number = *next;
    u32 *at = next;
    for (; at > first && at[-1] > number; at--) *at = at[-1];
    *at = number;
  }
}

u64 kernel(u64 n) {
  if (n > LIMIT) n = LIMIT;
  if (!n) return 0;
  u64 state = 1;
  for (u64 i = 0; i < n; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    numbers[i] = (u32)(state >> 32);
  }
  sort(numbers, numbers + n - 1);
  u64 hash = 0;
  for (u64 i = 0; i < n; i++) hash = hash * 31 + numbers[i];
  return hash;
}
