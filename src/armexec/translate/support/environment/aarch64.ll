; The floating-point environment on AArch64: FPCR (Arm ARM C5.2). The functions are those of x86_64.ll.

declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)

define internal void @own_environment(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_ENVIRONMENT
  %word = call i64 @llvm.aarch64.get.fpcr()
  store i64 %word, ptr %kept
  %same = icmp eq i64 %word, 0
  br i1 %same, label %out, label %set
set:
  call void @llvm.aarch64.set.fpcr(i64 0)
  br label %out
out:
  ret void
}

define internal void @others_environment(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_ENVIRONMENT
  %word = load i64, ptr %kept
  %same = icmp eq i64 %word, 0
  br i1 %same, label %out, label %set
set:
  call void @llvm.aarch64.set.fpcr(i64 %word)
  br label %out
out:
  ret void
}

define internal void @put_back_environment(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_ENVIRONMENT
  %word = load i64, ptr %kept
  call void @llvm.aarch64.set.fpcr(i64 %word)
  ret void
}
