; AArch64: of a function that calls @trap, X29, SP and PC, among X0 to X30, SP, PC. The frame record has its X29 and where
; it goes on. To read X19 to X28 here, LLVM would have to save them beside all others, for which it has no code (LLVM 22).

declare ptr @llvm.sponentry.p0()

define internal void @keep_own(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_HOST_REGISTERS
  %frame = call ptr @llvm.frameaddress.p0(i32 0)
  %x29 = load i64, ptr %frame
  %x29_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 29
  store i64 %x29, ptr %x29_at
  %return_at = getelementptr i8, ptr %frame, i64 8
  %pc = load i64, ptr %return_at
  %pc_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 32
  store i64 %pc, ptr %pc_at
  %entry = call ptr @llvm.sponentry.p0()
  %sp = ptrtoint ptr %entry to i64
  %sp_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 31
  store i64 %sp, ptr %sp_at
  %all_at = getelementptr i8, ptr %state, i64 $STATE_HOST_ALL
  store i64 0, ptr %all_at
  call void @keep_stack(ptr %state, i64 %sp)
  ret void
}
