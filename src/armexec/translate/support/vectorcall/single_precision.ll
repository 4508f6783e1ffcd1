; A number of single precision as a double, whatever the process has set for its floating-point numbers: subnormal
; numbers may be zero there.

define internal double @widened(float %number) nounwind {
  %bits = bitcast float %number to i32
  %exponent = and i32 %bits, u0x7F800000
  %is_normal = icmp ne i32 %exponent, 0
  br i1 %is_normal, label %normal, label %subnormal
normal:
  %wide = fpext float %number to double
  ret double %wide
subnormal:
  ; A multiple of 2^-149.
  %fraction = and i32 %bits, u0x007FFFFF
  %integer = sitofp i32 %fraction to double
  %scaled = fmul double %integer, 0x36A0000000000000
  %scaled_bits = bitcast double %scaled to i64
  %sign = and i32 %bits, u0x80000000
  %sign64 = zext i32 %sign to i64
  %sign_bit = shl i64 %sign64, 32
  %signed = or i64 %scaled_bits, %sign_bit
  %result = bitcast i64 %signed to double
  ret double %result
}
