; macOS on Apple silicon: what a handler is told of an interrupted thread (sys/signal.h and mach/arm/_structs.h; not run
; there). ucontext_t has a pointer to the machine context, uc_mcontext: __es, then __ss.

; The address of the access that faulted.
define internal i64 @fault_address(ptr %info) alwaysinline nounwind {
  %address_at = getelementptr i8, ptr %info, i64 24
  %address = load i64, ptr %address_at
  ret i64 %address
}

define internal ptr @machine_context(ptr %context) alwaysinline nounwind {
  %machine_at = getelementptr i8, ptr %context, i64 48
  %machine = load ptr, ptr %machine_at
  ret ptr %machine
}

; __ss.__pc
define internal i64 @context_pc(ptr %context) alwaysinline nounwind {
  %machine = call ptr @machine_context(ptr %context)
  %pc_at = getelementptr i8, ptr %machine, i64 272
  %pc = load i64, ptr %pc_at
  ret i64 %pc
}

; __ss.__sp
define internal i64 @context_sp(ptr %context) alwaysinline nounwind {
  %machine = call ptr @machine_context(ptr %context)
  %sp_at = getelementptr i8, ptr %machine, i64 264
  %sp = load i64, ptr %sp_at
  ret i64 %sp
}

; Where a function returns to that hasn't stored it: __ss.__lr.
define internal i64 @context_link(ptr %context) alwaysinline nounwind {
  %machine = call ptr @machine_context(ptr %context)
  %link_at = getelementptr i8, ptr %machine, i64 256
  %link = load i64, ptr %link_at
  ret i64 %link
}

; Whether the access that faulted was a write: bit 6 (WnR) of __es.__esr.
define internal i1 @context_is_write(ptr %context) alwaysinline nounwind {
  %machine = call ptr @machine_context(ptr %context)
  %esr_at = getelementptr i8, ptr %machine, i64 8
  %esr = load i32, ptr %esr_at
  %bit = and i32 %esr, 64
  %write = icmp ne i32 %bit, 0
  ret i1 %write
}

; Put the registers into the state: __ss.__x, __fp, __lr, __sp, __pc.
define internal void @keep_context(ptr %state, ptr %context) alwaysinline nounwind {
  %machine = call ptr @machine_context(ptr %context)
  %from = getelementptr i8, ptr %machine, i64 16
  %to = getelementptr i8, ptr %state, i64 $STATE_HOST_REGISTERS
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 264, i1 false)
  ret void
}
