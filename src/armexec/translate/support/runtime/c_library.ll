; Functions of the C library, and the word of each thread.
;
; Each thread has one word, under the pthread key that @thread_key holds:
;   null    it has never run guest code;
;   $IDLE   it runs no guest code now (also while Python runs on the guest's behalf);
;   else    it runs guest code on the state structure at this address.
; The handlers of signals look at it first: a fault is the guest's in the last case only.

@thread_key = external global i64, align 8

declare ptr @pthread_getspecific(i64)
declare i32 @pthread_setspecific(i64, ptr)
declare i64 @pthread_self()
declare i32 @pthread_kill(i64, i32)
declare i32 @_setjmp(ptr) returns_twice
declare void @longjmp(ptr, i32) noreturn
declare i32 @clock_gettime(i32, ptr)
