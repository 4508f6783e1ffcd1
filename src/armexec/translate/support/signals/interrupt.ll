; The handler of the signal that lets Python have a look while a thread runs guest code (execute/watch.py). Needs
; runtime/find_code.ll, runtime/python_call.ll, runtime/instruction_limit.ll, and of this host's files environment/*.ll
; and ucontext_*.ll.
;
; It acts only if the thread's word is a state. Then no lock is held, and the GIL isn't held by this thread: translated
; code, and what it calls with such a word, are pure functions or change the state alone. So any function of Python may
; be called here, and the guest may be left by longjmp. The handler runs on the thread's own stack.

; Called with the state and the host's pc: it handles Python's signals, and looks at limits. It may raise.
@interrupted_object = external global i8
; The handler that was there before, null if it was none.
@previous_interrupt = external global ptr, align 8

declare i32 @PyErr_CheckSignals()

define void @interrupt(i32 %signal, ptr %info, ptr %context) nounwind {
  %key = load i64, ptr @thread_key
  %state = call ptr @pthread_getspecific(i64 %key)
  %word = ptrtoint ptr %state to i64
  %is_guest = icmp ugt i64 %word, $IDLE
  br i1 %is_guest, label %guest, label %other
guest:
  %limit_key = load i64, ptr @limit_key
  %limit = call ptr @pthread_getspecific(i64 %limit_key)
  %here = call ptr @llvm.frameaddress.p0(i32 0)
  %is_deep = icmp ult ptr %here, %limit
  br i1 %is_deep, label %other, label %look
look:
  %python_word = call ptr @python_word(ptr %state)
  %idle = call i32 @pthread_setspecific(i64 %key, ptr %python_word)
  ; A signal's handler begins with an environment of the system's, and the guest's comes back with the context.
  call void @put_back_environment(ptr %state)
  %pc = call i64 @context_pc(ptr %context)
  call void @keep_interrupted(ptr %state, ptr %context, i64 0)
  %gil = call i32 @PyGILState_Ensure()
  ; Where an exception is set already, the guest is about to be left.
  %pending = call ptr @PyErr_Occurred()
  %is_ending = icmp ne ptr %pending, null
  br i1 %is_ending, label %done, label %ask
ask:
  %state_int = call ptr @PyLong_FromUnsignedLongLong(i64 %word)
  %pc_int = call ptr @PyLong_FromUnsignedLongLong(i64 %pc)
  %result = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr @interrupted_object, ptr %state_int, ptr %pc_int, ptr null)
  call void @Py_DecRef(ptr %state_int)
  call void @Py_DecRef(ptr %pc_int)
  call void @Py_DecRef(ptr %result)
  %raised = icmp eq ptr %result, null
  br label %done
done:
  %failed = phi i1 [false, %look], [%raised, %ask]
  call void @PyGILState_Release(i32 %gil)
  %busy = call i32 @pthread_setspecific(i64 %key, ptr %state)
  br i1 %failed, label %leave, label %other
leave:
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_TIME_LIMIT, i64 0, i64 0)
  unreachable
other:
  %previous = load ptr, ptr @previous_interrupt
  %none = icmp eq ptr %previous, null
  br i1 %none, label %out, label %chain
chain:
  call void %previous(i32 %signal, ptr %info, ptr %context)
  br label %out
out:
  ret void
}
