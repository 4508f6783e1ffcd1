; The floating-point environment on x86-64: MXCSR (Intel SDM volume 1, 10.2.3).
;
; @own_environment keeps the process's environment in the state (`environment`) and gives the guest its own.
; @others_environment puts the process's back, if it was another. @put_back_environment does so in any case.

declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

; All exceptions masked, to nearest, no flush-to-zero and no denormals-are-zero.
@own_mxcsr = internal constant i32 u0x1F80, align 4

define internal i1 @is_own(ptr %kept) alwaysinline nounwind {
  %word = load i32, ptr %kept
  ; Without the flags, which say what has come up.
  %control = and i32 %word, u0xFFFFFFC0
  %same = icmp eq i32 %control, u0x1F80
  ret i1 %same
}

define internal void @own_environment(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_ENVIRONMENT
  call void @llvm.x86.sse.stmxcsr(ptr %kept)
  %same = call i1 @is_own(ptr %kept)
  br i1 %same, label %out, label %set
set:
  call void @llvm.x86.sse.ldmxcsr(ptr @own_mxcsr)
  br label %out
out:
  ret void
}

define internal void @others_environment(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_ENVIRONMENT
  %same = call i1 @is_own(ptr %kept)
  br i1 %same, label %out, label %set
set:
  call void @llvm.x86.sse.ldmxcsr(ptr %kept)
  br label %out
out:
  ret void
}

; With the flags as they were.
define internal void @put_back_environment(ptr %state) alwaysinline nounwind {
  %kept = getelementptr i8, ptr %state, i64 $STATE_ENVIRONMENT
  call void @llvm.x86.sse.ldmxcsr(ptr %kept)
  ret void
}
