; A call that `abort` is left from (codegen/aborts.py). Needs runtime/c_library.ll.
;
; abort doesn't end the process where a handler of SIGABRT doesn't return (C17, 7.22.4.1). The handler jumps to the call
; that its thread is in. What comes elsewhere goes to the handler that was there before.

; Under this pthread key, each thread has the jump buffer of its call, or null.
@call_key = external global i64, align 8
; The `struct sigaction` that was there before: its handler is its first field.
@previous = external global ptr, align 8

; The function is called with four words, whatever it takes. %aborted is the address of an i32: whether it was left.
define i64 @call(i64 %a, i64 %b, i64 %c, i64 %d, ptr %function, ptr %aborted) nounwind {
  %jump_buffer = alloca [$JUMP_BUFFER x i8], align 16
  %jumped = call i32 @_setjmp(ptr %jump_buffer) returns_twice
  %left = icmp ne i32 %jumped, 0
  br i1 %left, label %stop, label %go
go:
  %key = load i64, ptr @call_key
  %begun = call i32 @pthread_setspecific(i64 %key, ptr %jump_buffer)
  %result = call i64 %function(i64 %a, i64 %b, i64 %c, i64 %d)
  %ended = call i32 @pthread_setspecific(i64 %key, ptr null)
  ret i64 %result
stop:
  %key_again = load i64, ptr @call_key
  %stopped = call i32 @pthread_setspecific(i64 %key_again, ptr null)
  store i32 1, ptr %aborted
  ret i64 0
}

define void @handler(i32 %signal, ptr %info, ptr %context) nounwind {
  %key = load i64, ptr @call_key
  %jump_buffer = call ptr @pthread_getspecific(i64 %key)
  %none = icmp eq ptr %jump_buffer, null
  br i1 %none, label %other, label %jump
jump:
  call void @longjmp(ptr %jump_buffer, i32 1)
  unreachable
other:
  %function = load ptr, ptr @previous
  %word = ptrtoint ptr %function to i64
  ; SIG_DFL is 0, SIG_IGN 1: abort ends the process then.
  %special = icmp ule i64 %word, 1
  br i1 %special, label %out, label %chain
chain:
  call void %function(i32 %signal, ptr %info, ptr %context)
  br label %out
out:
  ret void
}
