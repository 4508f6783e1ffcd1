; The floating-point exception flags on AArch64: FPSR (Arm ARM C5.2). The functions are those of flags_x86_64.ll.

declare i64 @llvm.aarch64.get.fpsr()
declare void @llvm.aarch64.set.fpsr(i64)

define internal i64 @exception_flags() nounwind {
  %word = call i64 @llvm.aarch64.get.fpsr()
  ret i64 %word
}

define internal void @put_back_flags(i64 %wanted) nounwind {
  call void @llvm.aarch64.set.fpsr(i64 %wanted)
  ret void
}
