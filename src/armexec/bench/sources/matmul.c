/* Product of two n by n matrices of doubles (n at most 320): a hash of the product's bits. */
typedef unsigned long long u64;

enum { LIMIT = 320 };
static double a[LIMIT][LIMIT], b[LIMIT][LIMIT], c[LIMIT][LIMIT];

u64 kernel(u64 n) {
  if (n > LIMIT) n = LIMIT;
  for (u64 i = 0; i < n; i++) {
    for (u64 j = 0; j < n; j++) {
      a[i][j] = (double)(i * 3 + j) * 0.125;
      b[i][j] = 1.0 / (double)(i + j * 2 + 1);
      c[i][j] = 0;
    }
  }
  for (u64 i = 0; i < n; i++) {
    for (u64 k = 0; k < n; k++) {
      double factor = a[i][k];
      for (u64 j = 0; j < n; j++) c[i][j] += factor * b[k][j];
    }
  }
  u64 hash = 0;
  for (u64 i = 0; i < n; i++) {
    for (u64 j = 0; j < n; j++) {
      union { double number; u64 bits; } value = {c[i][j]};
      hash = hash * 31 + value.bits;
    }
  }
  return hash;
}
