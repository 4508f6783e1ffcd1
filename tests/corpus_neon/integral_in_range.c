// Integral values limited to 32 or 64 bits. arm_neon.h has the intrinsics with Armv8.5, and the processors before.
//@ flags: -march=armv8.5-a
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 special

void integral_in_range(const float *a, const double *b, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(singles + i, vrnd32zq_f32(vld1q_f32(a + i)));
        vst1q_f64(doubles + i, vrnd64xq_f64(vld1q_f64(b + i)));
        vst1q_f64(doubles + i + 2, vrnd32xq_f64(vld1q_f64(b + i + 2)));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) {
            float x = __builtin_truncf(a[i + j]);
            singles[i + j] = x >= -0x1p31f && x < 0x1p31f ? x : -0x1p31f;
        }
        EACH(j, 2) {
            double x = __builtin_rint(b[i + j]), y = __builtin_rint(b[i + 2 + j]);
            doubles[i + j] = x >= -0x1p63 && x < 0x1p63 ? x : -0x1p63;
            doubles[i + 2 + j] = y >= -0x1p31 && y < 0x1p31 ? y : -0x1p31;
        }
    })
}
