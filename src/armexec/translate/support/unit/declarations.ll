; Functions of runtime/ for the text of a unit.

declare preserve_allcc void @trap(ptr, i32, i64, i64) #1
declare i64 @monotonic_clock()
declare i64 @system_call(ptr, i64, i64, i64, i64, i64, i64, i64, i64) cold
declare void @invalidate_code(ptr, i64, i64) cold
declare ptr @lookup_slowly(ptr, i64) cold
declare ptr @strict_slowly(ptr, i64) cold
declare void @run_limited(ptr) cold
declare preserve_allcc void @stop_within(ptr, i64, i64) #1
; How many images are loaded whose code can tell how floating point is computed.
@strict_images = external global i64, align 8
declare ptr @start()
declare void @enter(ptr)
declare void @leave(ptr) cold
declare void @finish(ptr)
declare i64 @raise(ptr) cold
declare i64 @begin_loop()
declare i64 @loop_flags()
declare void @end_loop(i64, i64)
declare void @abandon_loop(ptr, i64, i64) cold
declare void @refuse_length(i64, i64, i64, i64) cold
declare i32 @_setjmp(ptr) returns_twice
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare void @not_started() cold
attributes #1 = { cold noreturn noinline nounwind }
