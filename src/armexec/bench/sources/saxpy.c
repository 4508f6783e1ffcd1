/* y = a * x + y over 4096 floats, n times: a hash of the bits of y. NEON on Arm; PLAIN leaves it to the compiler. */
typedef unsigned int u32;
typedef unsigned long long u64;
#if defined(__ARM_NEON) && !defined(PLAIN)
#include <arm_neon.h>
#endif

enum { SIZE = 4096 };
static float x[SIZE], y[SIZE];

__attribute__((noinline)) static void saxpy(float a) {
#if defined(__ARM_NEON) && !defined(PLAIN)
  float32x4_t factor = vdupq_n_f32(a);
  for (int i = 0; i < SIZE; i += 16) {
    for (int j = i; j < i + 16; j += 4)
      vst1q_f32(y + j, vaddq_f32(vmulq_f32(factor, vld1q_f32(x + j)), vld1q_f32(y + j)));
  }
#else
  for (int i = 0; i < SIZE; i++) y[i] = a * x[i] + y[i];
#endif
}

u64 kernel(u64 n) {
  for (int i = 0; i < SIZE; i++) {
    x[i] = (float)(i % 97) * 0.25f;
    y[i] = (float)i;
  }
  for (u64 i = 0; i < n; i++) saxpy(i % 2 ? -0.3f : 0.7f);
  u64 hash = 0;
  for (int i = 0; i < SIZE; i++) {
    union { float number; u32 bits; } value = {y[i]};
    hash = hash * 31 + value.bits;
  }
  return hash;
}
