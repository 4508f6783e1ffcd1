; The dispatcher: run the guest from the state's `pc` on, until the outermost function returns. Needs lookup.ll.
;
; runtime/find_code.ll says what the type of host code means. Code returns to here when control goes on where none of
; its callers expects it, with the registers in the state.

define internal void @dispatch(ptr %state) cold noinline nounwind {
  br label %again
again:
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_PC
  %pc = load i64, ptr %pc_at
  %done = icmp eq i64 %pc, $EXIT
  br i1 %done, label %out, label %go
go:
  ; Strict code may have been reached meanwhile: then the rest of the call is strict.
  %strict_at = getelementptr i8, ptr %state, i64 $STATE_STRICT
  %mode = load i64, ptr %strict_at
  %is_strict = icmp ne i64 %mode, 0
  br i1 %is_strict, label %strict, label %any
strict:
  %strict_code = call ptr @strict_slowly(ptr %state, i64 %pc)
  br label %found
any:
  %any_code = call ptr @lookup(ptr %state, i64 %pc)
  br label %found
found:
  %code = phi ptr [%strict_code, %strict], [%any_code, %any]
  %elsewhere = call i1 %code(ptr %state, i64 %pc, i64 $EXIT)
  ; The host's calls are fewer than the guest's from now on.
  %astray_at = getelementptr i8, ptr %state, i64 $STATE_ASTRAY
  store i64 1, ptr %astray_at
  br label %again
out:
  ret void
}
