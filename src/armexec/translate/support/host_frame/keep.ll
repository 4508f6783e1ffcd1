; What is kept of the host when the guest is left: the registers, and the top of the thread's stack. The calls that were
; going on, and the guest's registers, are found from them when somebody asks (execute/host_frames). Needs this
; host's own file.

declare ptr @llvm.frameaddress.p0(i32)

; Put the stack from %begin on into the state, up to where the guest was entered.
define internal void @keep_stack(ptr %state, i64 %begin) nounwind {
  %begin_at = getelementptr i8, ptr %state, i64 $STATE_HOST_STACK_BEGIN
  store i64 %begin, ptr %begin_at
  %top_at = getelementptr i8, ptr %state, i64 $STATE_HOST_TOP
  %top = load i64, ptr %top_at
  %is_below = icmp ult i64 %begin, %top
  %above = sub i64 %top, %begin
  %length = select i1 %is_below, i64 %above, i64 0
  %fits = icmp ult i64 %length, $STACK_SIZE
  %size = select i1 %fits, i64 %length, i64 $STACK_SIZE
  %size_at = getelementptr i8, ptr %state, i64 $STATE_HOST_STACK_SIZE
  store i64 %size, ptr %size_at
  %from = inttoptr i64 %begin to ptr
  %to = getelementptr i8, ptr %state, i64 $STATE_HOST_STACK
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %size, i1 false)
  ret void
}
