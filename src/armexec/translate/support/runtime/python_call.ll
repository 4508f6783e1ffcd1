; The way to Python: call an object that takes two ints and returns an int. Where it raises, the result is 0, and the
; exception stays set: it may be one of a signal's handler, which runs in any function of Python.
;
; Through the C API and not by a callback of ctypes: libffi may put those into pages writable and executable at once.

declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare i64 @PyLong_AsUnsignedLongLong(ptr)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
declare void @Py_DecRef(ptr)
declare void @Py_IncRef(ptr)
declare ptr @PyErr_Occurred()
declare ptr @PyErr_NoMemory()

declare void @PyEval_RestoreThread(ptr)
declare ptr @PyEval_SaveThread()

; Take the GIL again, as the thread state that gave it up when the call began. By PyGILState_Ensure it takes longer.
define void @take_gil(ptr %state) nounwind {
  %python_thread_at = getelementptr i8, ptr %state, i64 $STATE_PYTHON_THREAD
  %python_thread = load ptr, ptr %python_thread_at
  call void @PyEval_RestoreThread(ptr %python_thread)
  ret void
}

define internal i64 @python(ptr %object, i64 %first, i64 %second) cold noinline nounwind {
  %gil = call i32 @PyGILState_Ensure()
  %first_int = call ptr @PyLong_FromUnsignedLongLong(i64 %first)
  %second_int = call ptr @PyLong_FromUnsignedLongLong(i64 %second)
  %result_int = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %object, ptr %first_int, ptr %second_int, ptr null)
  call void @Py_DecRef(ptr %first_int)
  call void @Py_DecRef(ptr %second_int)
  %raised = icmp eq ptr %result_int, null
  br i1 %raised, label %out, label %convert
convert:
  %number = call i64 @PyLong_AsUnsignedLongLong(ptr %result_int)
  br label %out
out:
  %result = phi i64 [0, %0], [%number, %convert]
  call void @Py_DecRef(ptr %result_int)
  call void @PyGILState_Release(i32 %gil)
  ret i64 %result
}
