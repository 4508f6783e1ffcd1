; The floating-point exception flags on x86-64: the low six bits of MXCSR (Intel SDM volume 1, 10.2.3).

define internal i64 @exception_flags() nounwind {
  %word_at = alloca i32, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %word_at)
  %word = load i32, ptr %word_at
  %flags = and i32 %word, 63
  %result = zext i32 %flags to i64
  ret i64 %result
}

define internal void @put_back_flags(i64 %wanted) nounwind {
  %word_at = alloca i32, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %word_at)
  %word = load i32, ptr %word_at
  %others = and i32 %word, -64
  %flags = trunc i64 %wanted to i32
  %new = or i32 %others, %flags
  store i32 %new, ptr %word_at
  call void @llvm.x86.sse.ldmxcsr(ptr %word_at)
  ret void
}
