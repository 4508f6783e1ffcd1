; Linux and macOS on x86-64: the registers of a function that calls @trap, as `gregset_t` of Linux has them. RBP is at the
; frame address, the return address is above it. The others that are read here hold what they did before the call.

define internal void @keep_own(ptr %state) alwaysinline nounwind {
  %registers = call { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } asm sideeffect "", "={rbx},={r12},={r13},={r14},={r15},={rax},={r8},={r9},={r10},={r11}"()
  %kept = getelementptr i8, ptr %state, i64 $STATE_HOST_REGISTERS
  %rbx = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 0
  %rbx_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 11
  store i64 %rbx, ptr %rbx_at
  %r12 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 1
  %r12_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 4
  store i64 %r12, ptr %r12_at
  %r13 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 2
  %r13_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 5
  store i64 %r13, ptr %r13_at
  %r14 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 3
  %r14_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 6
  store i64 %r14, ptr %r14_at
  %r15 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 4
  %r15_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 7
  store i64 %r15, ptr %r15_at
  %rax = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 5
  %rax_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 13
  store i64 %rax, ptr %rax_at
  %r8 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 6
  %r8_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 0
  store i64 %r8, ptr %r8_at
  %r9 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 7
  %r9_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 1
  store i64 %r9, ptr %r9_at
  %r10 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 8
  %r10_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 2
  store i64 %r10, ptr %r10_at
  %r11 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 9
  %r11_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 3
  store i64 %r11, ptr %r11_at
  %frame = call ptr @llvm.frameaddress.p0(i32 0)
  %rbp = load i64, ptr %frame
  %rbp_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 10
  store i64 %rbp, ptr %rbp_at
  %return_at = getelementptr i8, ptr %frame, i64 8
  %rip = load i64, ptr %return_at
  %rip_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 16
  store i64 %rip, ptr %rip_at
  %frame_word = ptrtoint ptr %frame to i64
  %rsp = add i64 %frame_word, 16
  %rsp_at = getelementptr [17 x i64], ptr %kept, i64 0, i64 15
  store i64 %rsp, ptr %rsp_at
  %all_at = getelementptr i8, ptr %state, i64 $STATE_HOST_ALL
  store i64 0, ptr %all_at
  call void @keep_stack(ptr %state, i64 %rsp)
  ret void
}
