/* Integer loops: a multiplicative hash of n * 1000 numbers. */
typedef unsigned long long u64;

u64 kernel(u64 n) {
  u64 hash = n;
  for (u64 i = 0; i < n; i++) {
    for (u64 j = 0; j < 1000; j++) {
      hash = hash * 6364136223846793005ull + (i ^ j);
      hash ^= hash >> 29;
    }
  }
  return hash;
}
