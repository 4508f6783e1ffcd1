; What is kept of the host where a signal's handler interrupts the guest. Needs host_frame/ and ucontext_*.ll.
; An access of %address is what has faulted, 0 without one: near to the
; stack pointer it may mean that the stack has run out, and there is nothing to be read up to the next page.
define internal void @keep_interrupted(ptr %state, ptr %context, i64 %address) nounwind {
  call void @keep_context(ptr %state, ptr %context)
  %all_at = getelementptr i8, ptr %state, i64 $STATE_HOST_ALL
  store i64 1, ptr %all_at
  %sp = call i64 @context_sp(ptr %context)
  %above = sub i64 %address, %sp
  %moved = add i64 %above, $NEAR
  %is_near = icmp ult i64 %moved, $NEAR_TWICE
  %is_higher = icmp ugt i64 %address, %sp
  %higher = select i1 %is_higher, i64 %address, i64 %sp
  %last = or i64 %higher, $PAGE_MASK
  %page = add i64 %last, 1
  %begin = select i1 %is_near, i64 %page, i64 %sp
  call void @keep_stack(ptr %state, i64 %begin)
  ret void
}
