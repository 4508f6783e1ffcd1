; Code that the guest has written and that is executed seldom: Python interprets it. Needs find_code.ll.
;
; It is the same text for code of different modes, which differ in what they call.

define i1 @$NAME(ptr %state, i64 %pc, i64 %link) nounwind {
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_PC
  %link_at = getelementptr i8, ptr %state, i64 add (i64 $STATE_X, i64 240)
  store i64 %pc, ptr %pc_at
  br label %on
on:
  %from = load i64, ptr %pc_at
  call void @begin_python(ptr %state, i64 %from)
  %state_word = ptrtoint ptr %state to i64
  %how = call i64 @python(ptr @interpret, i64 %state_word, i64 %link)
  call void @end_python(ptr %state)
  %to = load i64, ptr %pc_at
  switch i64 %how, label %raised [ i64 $RETURNED, label %returned i64 $CALLED, label %called i64 $ELSEWHERE, label %elsewhere ]
returned:
  ret i1 false
elsewhere:
  %code = call ptr @$SLOWLY(ptr %state, i64 %to)
  %gone = musttail call i1 %code(ptr %state, i64 %to, i64 %link)
  ret i1 %gone
called:
  ; It isn't the interpreted code's call on the host's stack that returns, but this one.
  %after = load i64, ptr %link_at
  %callee = call ptr @$SLOWLY(ptr %state, i64 %to)
  %astray = call i1 %callee(ptr %state, i64 %to, i64 %after)
  br i1 %astray, label %unwind, label %on
unwind:
  ret i1 true
raised:
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_EXECUTE, i64 %to, i64 %to)
  unreachable
}
