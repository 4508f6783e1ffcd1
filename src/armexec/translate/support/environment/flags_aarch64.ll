; The floating-point exception flags on AArch64: FPSR (Arm ARM C5.2). The functions are those of flags_x86_64.ll.

define internal i64 @exception_flags() nounwind {
  %word = call i64 asm sideeffect "mrs $0, fpsr", "=r"()
  ret i64 %word
}

define internal void @put_back_flags(i64 %wanted) nounwind {
  call void asm sideeffect "msr fpsr, $0", "r"(i64 %wanted)
  ret void
}
