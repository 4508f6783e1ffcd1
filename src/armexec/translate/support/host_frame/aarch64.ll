; AArch64: the registers of a function that calls @trap: X0 to X30, SP, PC. The frame record has its X29 and where it goes
; on. Of the others those are read that no call changes.

declare ptr @llvm.sponentry.p0()

define internal void @keep_own(ptr %state) alwaysinline nounwind {
  %registers = call { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } asm sideeffect "", "={x19},={x20},={x21},={x22},={x23},={x24},={x25},={x26},={x27},={x28}"()
  %kept = getelementptr i8, ptr %state, i64 $STATE_HOST_REGISTERS
  %x19 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 0
  %x19_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 19
  store i64 %x19, ptr %x19_at
  %x20 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 1
  %x20_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 20
  store i64 %x20, ptr %x20_at
  %x21 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 2
  %x21_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 21
  store i64 %x21, ptr %x21_at
  %x22 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 3
  %x22_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 22
  store i64 %x22, ptr %x22_at
  %x23 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 4
  %x23_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 23
  store i64 %x23, ptr %x23_at
  %x24 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 5
  %x24_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 24
  store i64 %x24, ptr %x24_at
  %x25 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 6
  %x25_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 25
  store i64 %x25, ptr %x25_at
  %x26 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 7
  %x26_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 26
  store i64 %x26, ptr %x26_at
  %x27 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 8
  %x27_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 27
  store i64 %x27, ptr %x27_at
  %x28 = extractvalue { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 } %registers, 9
  %x28_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 28
  store i64 %x28, ptr %x28_at
  %frame = call ptr @llvm.frameaddress.p0(i32 0)
  %x29 = load i64, ptr %frame
  %x29_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 29
  store i64 %x29, ptr %x29_at
  %return_at = getelementptr i8, ptr %frame, i64 8
  %pc = load i64, ptr %return_at
  %pc_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 32
  store i64 %pc, ptr %pc_at  %entry = call ptr @llvm.sponentry.p0()
  %sp = ptrtoint ptr %entry to i64
  %sp_at = getelementptr [33 x i64], ptr %kept, i64 0, i64 31
  store i64 %sp, ptr %sp_at
  %all_at = getelementptr i8, ptr %state, i64 $STATE_HOST_ALL
  store i64 0, ptr %all_at
  call void @keep_stack(ptr %state, i64 %sp)
  ret void
}
