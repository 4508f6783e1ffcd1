; Addresses with tags, on a host that has none (execute/top_byte_ignore.py): an access by one faults here, and is made
; again without the tag. A copy of the instruction is executed by itself, with the trap flag and with a register that it
; borrows. The SIGTRAP behind it puts all back.

; Null, or `i64 untag(ptr %state, ptr %context)`, which prepares that; 1: the access is to be made again.
@untagger = external global ptr, align 8

; End an instruction that was executed by itself, or that has faulted: false if there was none. All is then as if it had
; been executed at its own place.
define internal i1 @end_step(ptr %state, ptr %context) alwaysinline nounwind {
  %flags_at = getelementptr i8, ptr %context, i64 $CONTEXT_FLAGS
  %flags = load i64, ptr %flags_at
  %plain = and i64 %flags, $NO_TRAP_FLAG
  %single = icmp ne i64 %flags, %plain
  %place_at = getelementptr i8, ptr %state, i64 $STATE_STEP_PLACE
  %place = load i64, ptr %place_at
  %has_place = icmp ne i64 %place, 0
  %some = and i1 %single, %has_place
  br i1 %some, label %step, label %out
step:
  store i64 0, ptr %place_at
  store i64 %plain, ptr %flags_at
  %register = getelementptr i8, ptr %context, i64 %place
  %old_at = getelementptr i8, ptr %state, i64 $STATE_STEP_OLD
  %old = load i64, ptr %old_at
  store i64 %old, ptr %register
  %distance_at = getelementptr i8, ptr %state, i64 $STATE_STEP_DISTANCE
  %distance = load i64, ptr %distance_at
  %pc_at = getelementptr i8, ptr %context, i64 $CONTEXT_PC
  %pc = load i64, ptr %pc_at
  %back = add i64 %pc, %distance
  store i64 %back, ptr %pc_at
  br label %out
out:
  ret i1 %some
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
  %ended = call i1 @end_step(ptr %state, ptr %context)
  br label %out
out:
  %goes_on = phi i1 [true, %try], [false, %report]
  ret i1 %goes_on
}
