; Calls whose instructions are counted. Needs find_code.ll.
;
; Where a limit holds, the thread's word is null between calls, so that each call asks Python (entry.ll). Python then
; puts the address of the number of instructions that are left into the state's `limit_cell`, and the entry stub has
; the function run by @run_limited, in code that counts. In that code the number is a register as others are; it is put
; into the cell while Python runs, and when the call is over.

; Called with the state and the pc: fewer instructions are left than the block there has. It executes these, and raises.
@stop_object = external global i8
; Called with the state and the pc of a function that Python calls: its code, which counts.
@find_entry = external global i8
@found_entry = external global ptr, align 8

; Run the function that the state's pc says.
define void @run_limited(ptr %state) nounwind {
  call void @take_left(ptr %state)
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_PC
  %entry = load i64, ptr %pc_at
  %strict_from_start_at = getelementptr i8, ptr %state, i64 $STATE_STRICT
  %first_mode = load i64, ptr %strict_from_start_at
  %is_first_strict = icmp ne i64 %first_mode, 0
  br i1 %is_first_strict, label %seldom, label %often
seldom:
  %asked = call ptr @ask(ptr @find_entry, ptr %state, i64 %entry)
  br label %enter
often:
  %known = call ptr @find_again(ptr @found_entry, ptr @find_entry, ptr %state, i64 %entry)
  br label %enter
enter:
  %first = phi ptr [%asked, %seldom], [%known, %often]
  %gone = call i1 %first(ptr %state, i64 %entry, i64 $EXIT)
  ; The host's calls are fewer than the guest's from now on.
  %astray_at = getelementptr i8, ptr %state, i64 $STATE_ASTRAY
  store i64 1, ptr %astray_at
  br label %again
again:
  %pc = load i64, ptr %pc_at
  %done = icmp eq i64 %pc, $EXIT
  br i1 %done, label %out, label %go
go:
  %strict_at = getelementptr i8, ptr %state, i64 $STATE_STRICT
  %mode = load i64, ptr %strict_at
  %is_strict = icmp ne i64 %mode, 0
  br i1 %is_strict, label %strict, label %any
strict:
  %strict_code = call ptr @counted_strict_slowly(ptr %state, i64 %pc)
  br label %found
any:
  %any_code = call ptr @counted_slowly(ptr %state, i64 %pc)
  br label %found
found:
  %code = phi ptr [%strict_code, %strict], [%any_code, %any]
  %elsewhere = call i1 %code(ptr %state, i64 %pc, i64 $EXIT)
  br label %again
out:
  call void @end_limit(ptr %state)
  ret void
}

; The number that is left, from the state to where Python sees it. Nothing where none is counted.
define internal void @put_left(ptr %state) nounwind {
  %cell_at = getelementptr i8, ptr %state, i64 $STATE_LIMIT_CELL
  %cell = load ptr, ptr %cell_at
  %none = icmp eq ptr %cell, null
  br i1 %none, label %out, label %put
put:
  %left_at = getelementptr i8, ptr %state, i64 $STATE_INSTRUCTIONS_LEFT
  %left = load i64, ptr %left_at
  store i64 %left, ptr %cell
  br label %out
out:
  ret void
}

define internal void @take_left(ptr %state) nounwind {
  %cell_at = getelementptr i8, ptr %state, i64 $STATE_LIMIT_CELL
  %cell = load ptr, ptr %cell_at
  %none = icmp eq ptr %cell, null
  br i1 %none, label %out, label %take
take:
  %left = load i64, ptr %cell
  %left_at = getelementptr i8, ptr %state, i64 $STATE_INSTRUCTIONS_LEFT
  store i64 %left, ptr %left_at
  br label %out
out:
  ret void
}

; The call is over. The state is another call's next.
define internal void @end_limit(ptr %state) nounwind {
  call void @put_left(ptr %state)
  %cell_at = getelementptr i8, ptr %state, i64 $STATE_LIMIT_CELL
  store ptr null, ptr %cell_at
  %limited_at = getelementptr i8, ptr %state, i64 $STATE_LIMITED
  store i64 0, ptr %limited_at
  ret void
}

; The thread's word while Python runs on the guest's behalf: null where calls are to ask Python.
define internal ptr @python_word(ptr %state) nounwind {
  %limited_at = getelementptr i8, ptr %state, i64 $STATE_LIMITED
  %limited = load i64, ptr %limited_at
  %none = icmp eq i64 %limited, 0
  %word = select i1 %none, ptr inttoptr (i64 $IDLE to ptr), ptr null
  ret ptr %word
}

; In the state are the registers that the block at %pc needs; its %size has been subtracted from what is left already.
; It preserves the registers of its caller, as @trap does.
define preserve_allcc void @stop_within(ptr %state, i64 %pc, i64 %size) #1 {
  call void @keep_own(ptr %state)
  %left_at = getelementptr i8, ptr %state, i64 $STATE_INSTRUCTIONS_LEFT
  %rest = load i64, ptr %left_at
  %left = add i64 %rest, %size
  store i64 %left, ptr %left_at
  call void @begin_python(ptr %state, i64 %pc)
  %state_word = ptrtoint ptr %state to i64
  %stopped = call i64 @python(ptr @stop_object, i64 %state_word, i64 %pc)
  call void @end_python(ptr %state)
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_INSTRUCTION_LIMIT, i64 %pc, i64 0)
  unreachable
}
