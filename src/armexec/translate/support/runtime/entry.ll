; The beginning and the end of a call from Python. Needs state_pool.ll, python_call.ll, c_library.ll and environment/.
;
; The entry protocol, which an entry stub follows (`translate/ir/entry_stub.py` writes one for each function):
;
;   1. It gives up the GIL.
;   2. @start claims a state for this thread, and makes the floating-point environment the guest's. It gives null where
;      that fails; then the stub takes the GIL again, and @not_started leaves an exception of Python set.
;   3. The stub puts the thread state of Python that gave up the GIL into the state (`python_thread`), and calls _setjmp
;      on the state's `jump_buffer`, to which traps jump, and interrupts (signals/interrupt.ll).
;   4. @enter puts the state into the thread's word: from now on, faults and interrupts are the guest's.
;   5. It stores what was called (`entry`), clears the system registers of the state, and runs the guest's function:
;      directly, with registers as arguments, or by the dispatcher (unit/dispatch.ll), with all registers in the state.
;      SP is the state's `stack_top`, X30 is $EXIT, to which the outermost function returns.
;   6. @finish undoes 4 and 2; the stub takes the GIL again and returns the result.
;   After a trap: @leave undoes 4, and the environment. The stub takes the GIL again, and @raise leaves an exception of
;   Python set, and gives the state back.
;
; A guest's function may be called while another runs on this thread (Python runs on the guest's behalf meanwhile), so
; the thread's word as it was before is kept in the state (`previous`).

; Objects of Python: called with the state for a thread that runs guest code for the first time, or whose instructions
; are counted, or whose stack has another size, which gives the state to be used; called with the state of a call that
; doesn't return, before all else; called with the state after a trap, to raise its exception.
@prepare = external global i8
@ended = external global i8
@raiser = external global i8


define ptr @start() nounwind {
  %state = call ptr @claim()
  %none = icmp eq ptr %state, null
  br i1 %none, label %out, label %go
go:
  %key = load i64, ptr @thread_key
  %word = call ptr @pthread_getspecific(i64 %key)
  %new = icmp eq ptr %word, null
  br i1 %new, label %first, label %known
first:
  %state_word = ptrtoint ptr %state to i64
  %prepared = call i64 @python(ptr @prepare, i64 %state_word, i64 0)
  %failed = icmp eq i64 %prepared, 0
  br i1 %failed, label %unprepared, label %ready
ready:
  %chosen = inttoptr i64 %prepared to ptr
  %later = call ptr @python_word(ptr %chosen)
  %is_same = icmp eq ptr %chosen, %state
  br i1 %is_same, label %known, label %exchange
exchange:
  call void @release(ptr %state)
  br label %known
unprepared:
  call void @release(ptr %state)
  ret ptr null
known:
  %own = phi ptr [%state, %go], [%chosen, %ready], [%chosen, %exchange]
  %old = phi ptr [%word, %go], [%later, %ready], [%later, %exchange]
  %previous_at = getelementptr i8, ptr %own, i64 $STATE_PREVIOUS
  store ptr %old, ptr %previous_at
  %self = call i64 @pthread_self()
  %thread_at = getelementptr i8, ptr %own, i64 $STATE_THREAD
  store i64 %self, ptr %thread_at
  call void @own_environment(ptr %own)
  br label %out
out:
  %result = phi ptr [null, %0], [%own, %known]
  ret ptr %result
}

define void @not_started() nounwind {
  ; A handler of a signal may have raised one.
  %raised = call ptr @PyErr_Occurred()
  %none = icmp eq ptr %raised, null
  br i1 %none, label %make, label %out
make:
  %error = call ptr @PyErr_NoMemory()
  br label %out
out:
  ret void
}

define void @enter(ptr %state) nounwind {
  ; The guest's calls are below the frame of the entry stub, which has called this.
  %frame = call ptr @llvm.frameaddress.p0(i32 0)
  %top = getelementptr i8, ptr %frame, i64 16
  %top_at = getelementptr i8, ptr %state, i64 $STATE_HOST_TOP
  store ptr %top, ptr %top_at
  %astray_at = getelementptr i8, ptr %state, i64 $STATE_ASTRAY
  store i64 0, ptr %astray_at
  %key = load i64, ptr @thread_key
  %set = call i32 @pthread_setspecific(i64 %key, ptr %state)
  ret void
}

; The thread's word is as it was before.
define internal void @restore_word(ptr %state) nounwind {
  %previous_at = getelementptr i8, ptr %state, i64 $STATE_PREVIOUS
  %old = load ptr, ptr %previous_at
  %key = load i64, ptr @thread_key
  %set = call i32 @pthread_setspecific(i64 %key, ptr %old)
  ret void
}

define void @finish(ptr %state) nounwind {
  call void @restore_word(ptr %state)
  call void @others_environment(ptr %state)
  call void @release(ptr %state)
  ret void
}

define void @leave(ptr %state) nounwind {
  call void @end_limit(ptr %state)
  call void @restore_word(ptr %state)
  ; A signal's handler begins with an environment of the system's.
  call void @put_back_environment(ptr %state)
  ret void
}

define i64 @raise(ptr %state) nounwind {
  %word = ptrtoint ptr %state to i64
  ; A function of Python that the guest has called may have raised one.
  %type = alloca ptr
  %value = alloca ptr
  %traceback = alloca ptr
  call void @PyErr_Fetch(ptr %type, ptr %value, ptr %traceback)
  %ended = call i64 @python(ptr @ended, i64 %word, i64 0)
  %old_type = load ptr, ptr %type
  %none = icmp eq ptr %old_type, null
  br i1 %none, label %none_before, label %restore
restore:
  %old_value = load ptr, ptr %value
  %old_traceback = load ptr, ptr %traceback
  call void @PyErr_Restore(ptr %old_type, ptr %old_value, ptr %old_traceback)
  br label %out
none_before:
  ; A handler of a signal may have raised one in Python's code.
  %raised = call ptr @PyErr_Occurred()
  %still_none = icmp eq ptr %raised, null
  br i1 %still_none, label %make, label %out
make:
  %number = call ptr @PyLong_FromUnsignedLongLong(i64 %word)
  %result = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr @raiser, ptr %number, ptr null)
  call void @Py_DecRef(ptr %number)
  br label %out
out:
  call void @release(ptr %state)
  ret i64 0
}
