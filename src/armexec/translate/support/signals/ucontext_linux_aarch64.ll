; Linux on AArch64: what a handler is told of an interrupted thread (the kernel's siginfo_t and ucontext_t).

; The address of the access that faulted.
define internal i64 @fault_address(ptr %info) alwaysinline nounwind {
  %address_at = getelementptr i8, ptr %info, i64 16
  %address = load i64, ptr %address_at
  ret i64 %address
}

; uc_mcontext.pc
define internal i64 @context_pc(ptr %context) alwaysinline nounwind {
  %pc_at = getelementptr i8, ptr %context, i64 440
  %pc = load i64, ptr %pc_at
  ret i64 %pc
}

; uc_mcontext.sp
define internal i64 @context_sp(ptr %context) alwaysinline nounwind {
  %sp_at = getelementptr i8, ptr %context, i64 432
  %sp = load i64, ptr %sp_at
  ret i64 %sp
}

; Where a function returns to that hasn't stored it: uc_mcontext.regs[30].
define internal i64 @context_link(ptr %context) alwaysinline nounwind {
  %link_at = getelementptr i8, ptr %context, i64 424
  %link = load i64, ptr %link_at
  ret i64 %link
}

; Whether the access that faulted was a write. The kernel's record of the ESR isn't always there (not under qemu 7), so
; the instruction itself is looked at (Arm ARM C4.1, loads and stores): bit 22 means a load, but for single registers,
; where opc is 0 for a store, and 2 for one of a whole V register; an atomic one counts as a store.
define internal i1 @context_is_write(ptr %context) alwaysinline nounwind {
  %pc_at = getelementptr i8, ptr %context, i64 440
  %pc = load ptr, ptr %pc_at
  %word = load i32, ptr %pc
  %class = and i32 %word, u0x3A000000
  %single = icmp eq i32 %class, u0x38000000
  %atomic_bits = and i32 %word, u0x3B200C00
  %atomic = icmp eq i32 %atomic_bits, u0x38200000
  %opc = and i32 %word, u0x00C00000
  %stores_one = icmp eq i32 %opc, 0
  %vector_bits = and i32 %word, u0x04C00000
  %stores_vector = icmp eq i32 %vector_bits, u0x04800000
  %stores_any = or i1 %stores_one, %stores_vector
  %single_writes = or i1 %stores_any, %atomic
  %load_bit = and i32 %word, u0x00400000
  %other_writes = icmp eq i32 %load_bit, 0
  %write = select i1 %single, i1 %single_writes, i1 %other_writes
  ret i1 %write
}

; Put the registers into the state: uc_mcontext.regs, sp and pc.
define internal void @keep_context(ptr %state, ptr %context) alwaysinline nounwind {
  %from = getelementptr i8, ptr %context, i64 184
  %to = getelementptr i8, ptr %state, i64 $STATE_HOST_REGISTERS
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 264, i1 false)
  ret void
}
