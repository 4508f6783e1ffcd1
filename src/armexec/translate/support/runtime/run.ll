; A function that takes a state structure, called by itself (execute/single_step.py). Needs trap.ll.
;
; 1 if it trapped, else 0.

define i32 @run(ptr %function, ptr %state) #0 {
  %jump_buffer = getelementptr i8, ptr %state, i64 $STATE_JUMP_BUFFER
  %jumped = call i32 @_setjmp(ptr %jump_buffer) returns_twice
  %trapped = icmp ne i32 %jumped, 0
  br i1 %trapped, label %stop, label %go
go:
  %key = load i64, ptr @thread_key
  %busy = call i32 @pthread_setspecific(i64 %key, ptr %state)
  %code = call i1 %function(ptr %state)
  %idle = call i32 @pthread_setspecific(i64 %key, ptr inttoptr (i64 $IDLE to ptr))
  ret i32 0
stop:
  %again = load i64, ptr @thread_key
  %stopped = call i32 @pthread_setspecific(i64 %again, ptr inttoptr (i64 $IDLE to ptr))
  ret i32 1
}
