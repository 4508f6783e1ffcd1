; Traps, and the clock. Needs c_library.ll and host_frame/.
;
; A trap is an exception of the architecture that the guest doesn't handle. It leaves the guest by longjmp to where the
; guest was entered (an entry stub, or @run), with `trap_kind`, `trap_pc` and `trap_detail` in the state. The registers
; of the guest are lost.

attributes #1 = { cold noreturn noinline nounwind }

; It preserves the registers of its caller, so that the way to it costs nothing.
define $LINKAGE preserve_allcc void @trap(ptr %state, i32 %kind, i64 %pc, i64 %detail) #1 {
  call void @keep_own(ptr %state)
  %kind_at = getelementptr i8, ptr %state, i64 $STATE_TRAP_KIND
  %kind64 = zext i32 %kind to i64
  store i64 %kind64, ptr %kind_at
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_TRAP_PC
  store i64 %pc, ptr %pc_at
  %detail_at = getelementptr i8, ptr %state, i64 $STATE_TRAP_DETAIL
  store i64 %detail, ptr %detail_at
  %jump_buffer = getelementptr i8, ptr %state, i64 $STATE_JUMP_BUFFER
  call void @longjmp(ptr %jump_buffer, i32 1)
  unreachable
}

; In nanoseconds: what CNTVCT_EL0 counts.
define $LINKAGE i64 @monotonic_clock() nounwind {
  %timespec = alloca [2 x i64]
  %result = call i32 @clock_gettime(i32 $CLOCK_MONOTONIC, ptr %timespec)
  %seconds = load i64, ptr %timespec
  %nanoseconds_at = getelementptr i8, ptr %timespec, i64 8
  %nanoseconds = load i64, ptr %nanoseconds_at
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %nanoseconds
  ret i64 %sum
}
