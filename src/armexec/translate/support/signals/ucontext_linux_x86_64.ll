; Linux on x86-64: what a handler is told of an interrupted thread (the kernel's siginfo_t and ucontext_t).

; The address of the access that faulted.
define internal i64 @fault_address(ptr %info) alwaysinline nounwind {
  %address_at = getelementptr i8, ptr %info, i64 16
  %address = load i64, ptr %address_at
  ret i64 %address
}

; gregs[REG_RIP]
define internal i64 @context_pc(ptr %context) alwaysinline nounwind {
  %pc_at = getelementptr i8, ptr %context, i64 168
  %pc = load i64, ptr %pc_at
  ret i64 %pc
}

; gregs[REG_RSP]
define internal i64 @context_sp(ptr %context) alwaysinline nounwind {
  %sp_at = getelementptr i8, ptr %context, i64 160
  %sp = load i64, ptr %sp_at
  ret i64 %sp
}

; Where a function returns to that hasn't stored it: here it is on the stack always.
define internal i64 @context_link(ptr %context) alwaysinline nounwind {
  ret i64 0
}

; Whether the access that faulted was a write: bit 1 of gregs[REG_ERR], the page fault's error code.
define internal i1 @context_is_write(ptr %context) alwaysinline nounwind {
  %error_at = getelementptr i8, ptr %context, i64 192
  %error = load i64, ptr %error_at
  %bit = and i64 %error, 2
  %write = icmp ne i64 %bit, 0
  ret i1 %write
}

; Put the registers into the state: gregs.
define internal void @keep_context(ptr %state, ptr %context) alwaysinline nounwind {
  %from = getelementptr i8, ptr %context, i64 40
  %to = getelementptr i8, ptr %state, i64 $STATE_HOST_REGISTERS
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 136, i1 false)
  ret void
}
