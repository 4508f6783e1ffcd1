/* Sums of absolute differences of 2048 bytes and as many at n other places: the sums hashed. NEON on Arm; PLAIN leaves
   it to the compiler. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
#if defined(__ARM_NEON) && !defined(PLAIN)
#include <arm_neon.h>
#endif

enum { SIZE = 2048, PLACES = 509 };
static u8 line[SIZE], others[SIZE + PLACES];

__attribute__((noinline)) static u32 difference(const u8 *one, const u8 *other) {
#if defined(__ARM_NEON) && !defined(PLAIN)
  uint32x4_t sum = vdupq_n_u32(0);
  for (int i = 0; i < SIZE; i += 64) {
    uint16x8_t part = vdupq_n_u16(0);
    for (int j = i; j < i + 64; j += 16) part = vpadalq_u8(part, vabdq_u8(vld1q_u8(one + j), vld1q_u8(other + j)));
    sum = vpadalq_u16(sum, part);
  }
  return vaddvq_u32(sum);
#else
  u32 sum = 0;
  for (int i = 0; i < SIZE; i++) {
    int d = one[i] - other[i];
    sum += (u32)(d < 0 ? -d : d);
  }
  return sum;
#endif
}

u64 kernel(u64 n) {
  u64 state = 99, hash = 0;
  for (int i = 0; i < SIZE + PLACES; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    others[i] = (u8)(state >> 56);
    if (i < SIZE) line[i] = (u8)(state >> 48);
  }
  for (u64 i = 0; i < n; i++) hash = hash * 31 + difference(line, others + i % PLACES);
  return hash;
}
