/* Collatz: the steps of all chains that begin below n, and the longest. */
typedef unsigned long long u64;

u64 kernel(u64 n) {
  u64 total = 0, longest = 0;
  for (u64 start = 1; start < n; start++) {
    u64 steps = 0;
    for (u64 x = start; x != 1; steps++) x = x & 1 ? 3 * x + 1 : x / 2;
    total += steps;
    if (steps > longest) longest = steps;
  }
  return total << 16 | longest;
}
