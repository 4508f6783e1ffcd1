; Addresses with tags, on a host that has none (execute/top_byte_ignore.py): an access by one faults here, and is made
; again without the tag. The instruction is executed by itself: its register is changed, and the trap flag set. The
; SIGTRAP behind it puts both back.

; Null, or `i64 untag(ptr %state, ptr %context)`, which prepares that; 1: the access is to be made again.
@untagger = external global ptr, align 8

; SIGTRAP: end an instruction that was executed by itself; false if there was none.
define internal i1 @end_step(ptr %state, ptr %context) alwaysinline nounwind {
  %place_at = getelementptr i8, ptr %state, i64 $STATE_STEP_PLACE
  %place = load i64, ptr %place_at
  %none = icmp eq i64 %place, 0
  br i1 %none, label %out, label %step
step:
  store i64 0, ptr %place_at
  ; The register is as before, unless the instruction has changed it.
  %register = getelementptr i8, ptr %context, i64 %place
  %current = load i64, ptr %register
  %put_at = getelementptr i8, ptr %state, i64 $STATE_STEP_NEW
  %put = load i64, ptr %put_at
  %unchanged = icmp eq i64 %current, %put
  %before_at = getelementptr i8, ptr %state, i64 $STATE_STEP_OLD
  %before = load i64, ptr %before_at
  %now = select i1 %unchanged, i64 %before, i64 %current
  store i64 %now, ptr %register
  %flags_at = getelementptr i8, ptr %context, i64 $CONTEXT_FLAGS
  %flags = load i64, ptr %flags_at
  %plain = and i64 %flags, $NO_TRAP_FLAG
  store i64 %plain, ptr %flags_at
  br label %out
out:
  %ended = phi i1 [false, %0], [true, %step]
  ret i1 %ended
}

; Whether an access that faulted is to be made again, without a tag. Of an address that isn't canonical the kernel
; doesn't tell which it was.
define internal i1 @untag_access(ptr %state, ptr %context, i64 %address, i32 %reason) alwaysinline nounwind {
  %unknown = icmp eq i64 %address, 0
  %kernel = icmp eq i32 %reason, $SI_KERNEL
  %hidden = and i1 %unknown, %kernel
  %untag = load ptr, ptr @untagger
  %has = icmp ne ptr %untag, null
  ; Somebody else's stack for handlers may be too small for Python.
  %room_at = getelementptr i8, ptr %context, i64 $CONTEXT_STACK_SIZE
  %room = load i64, ptr %room_at
  %large = icmp uge i64 %room, $HANDLER_STACK
  %could = and i1 %hidden, %has
  %tries = and i1 %could, %large
  br i1 %tries, label %try, label %report
try:
  %answer = call i64 %untag(ptr %state, ptr %context)
  %again = icmp ne i64 %answer, 0
  br i1 %again, label %out, label %report
report:
  %place_at = getelementptr i8, ptr %state, i64 $STATE_STEP_PLACE
  store i64 0, ptr %place_at
  br label %out
out:
  %goes_on = phi i1 [true, %try], [false, %report]
  ret i1 %goes_on
}
