/* Sieve of Eratosthenes: how many primes are below n (at most 4194304). */
typedef unsigned char u8;
typedef unsigned long long u64;

enum { LIMIT = 1 << 22 };
static u8 composite[LIMIT];

u64 kernel(u64 n) {
  u64 count = 0;
  if (n > LIMIT) n = LIMIT;
  for (u64 i = 0; i < n; i++) composite[i] = 0;
  for (u64 i = 2; i < n; i++) {
    if (composite[i]) continue;
    count++;
    for (u64 j = i * i; j < n; j += i) composite[j] = 1;
  }
  return count;
}
