; The beginning and the end of a loop of a ufunc (array_loops/). Needs entry.ll and environment/flags_*.ll.
;
; NumPy calls a loop with the GIL where there are few elements, else without; and it may call others after one that has
; raised, which are to do nothing. So a loop follows the entry protocol (entry.ll) like this:
;
;   1. @begin_loop gives up the GIL, if this thread has it. It gives a word for the other functions here; 0: an exception
;      is set already.
;   2. to 5. as in entry.ll, for all elements.
;   6. @finish, then @end_loop, which takes the GIL again if it was given up.
;   After a trap, or where @start fails: @abandon_loop, which leaves an exception of Python set.
;
; The flags of floating-point exceptions are put back at the end: NumPy would warn of what only speculation has raised.

; Under this pthread key, each thread has whether a loop of its last ufunc has raised: not null.
@failed_key = external global i64, align 8
; Python's function that gives the thread state that has the GIL, whichever thread's it is.
declare ptr @current_thread_state()
declare ptr @PyGILState_GetThisThreadState()

define i64 @begin_loop() nounwind {
  %own = call ptr @PyGILState_GetThisThreadState()
  %current = call ptr @current_thread_state()
  %held = icmp eq ptr %own, %current
  %word = ptrtoint ptr %own to i64
  br i1 %held, label %with, label %without
with:
  %raised = call ptr @PyErr_Occurred()
  %none = icmp eq ptr %raised, null
  br i1 %none, label %give, label %out
give:
  %saved = call ptr @PyEval_SaveThread()
  %tagged = or i64 %word, 1
  br label %out
without:
  %key = load i64, ptr @failed_key
  %failed = call ptr @pthread_getspecific(i64 %key)
  %unknown = icmp eq ptr %failed, null
  br i1 %unknown, label %out, label %look
look:
  call void @PyEval_RestoreThread(ptr %own)
  %still = call ptr @PyErr_Occurred()
  %again = call ptr @PyEval_SaveThread()
  %over = icmp eq ptr %still, null
  br i1 %over, label %forget, label %out
forget:
  %set = call i32 @pthread_setspecific(i64 %key, ptr null)
  br label %out
out:
  %result = phi i64 [0, %with], [%tagged, %give], [%word, %without], [0, %look], [%word, %forget]
  ret i64 %result
}

define i64 @loop_flags() nounwind {
  %flags = call i64 @exception_flags()
  ret i64 %flags
}

define void @end_loop(i64 %word, i64 %flags) nounwind {
  %tag = and i64 %word, 1
  %held = icmp ne i64 %tag, 0
  br i1 %held, label %take, label %out
take:
  %own_word = and i64 %word, -2
  %own = inttoptr i64 %own_word to ptr
  call void @PyEval_RestoreThread(ptr %own)
  br label %out
out:
  call void @put_back_flags(i64 %flags)
  ret void
}

; %state is null where @start has failed.
define void @abandon_loop(ptr %state, i64 %word, i64 %flags) cold nounwind {
  %own_word = and i64 %word, -2
  %own = inttoptr i64 %own_word to ptr
  call void @PyEval_RestoreThread(ptr %own)
  %none = icmp eq ptr %state, null
  br i1 %none, label %unstarted, label %trapped
unstarted:
  call void @not_started()
  br label %note
trapped:
  %zero = call i64 @raise(ptr %state)
  br label %note
note:
  %key = load i64, ptr @failed_key
  %set = call i32 @pthread_setspecific(i64 %key, ptr inttoptr (i64 1 to ptr))
  %tag = and i64 %word, 1
  %held = icmp ne i64 %tag, 0
  br i1 %held, label %out, label %give
give:
  %again = call ptr @PyEval_SaveThread()
  br label %out
out:
  call void @put_back_flags(i64 %flags)
  ret void
}

; Called with the size of a dimension and how many bits the guest's parameter has for it: it raises.
@length_object = external global i8

; Instead of a loop: a dimension is too large for the guest.
define void @refuse_length(i64 %word, i64 %flags, i64 %length, i64 %bits) cold nounwind {
  %zero = call i64 @python(ptr @length_object, i64 %length, i64 %bits)
  call void @abandon_loop(ptr null, i64 %word, i64 %flags)
  ret void
}
