; What C functions do around what they call, with the GIL (translate/python_calls/c_thunk.py).

; At least how many threads have an exception that Python is to raise; and how many have failed now.
@waiting = external global i64
@kept = external global i64
; Python's None.
@none = external global i8
; The text that is in the dictionary of a thread that has an exception to raise.
@key = external global i8

declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare ptr @PyErr_Occurred()
declare void @PyErr_Fetch(ptr, ptr, ptr)
declare void @PyErr_NormalizeException(ptr, ptr, ptr)
declare i32 @PyException_SetTraceback(ptr, ptr)
declare i64 @PyThread_get_thread_ident()
declare i32 @PyThreadState_SetAsyncExc(i64, ptr)
declare void @Py_DecRef(ptr)

declare ptr @PyThreadState_GetDict()
declare ptr @PyDict_GetItem(ptr, ptr)

declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
declare void @PyErr_Clear()

; Functions of Python: keep an exception; the class to be raised on this thread, or None.
@keep = external global i8
@take = external global i8

; Whether this thread has an exception to raise. A function of Python that is asked would get it.
define internal i1 @must_wait() nounwind {
  %count = load i64, ptr @waiting
  %none = icmp eq i64 %count, 0
  br i1 %none, label %no, label %ask
ask:
  %own = call ptr @PyThreadState_GetDict()
  %empty = icmp eq ptr %own, null
  br i1 %empty, label %no, label %search
search:
  %found = call ptr @PyDict_GetItem(ptr %own, ptr @key)
  %yes = icmp ne ptr %found, null
  ret i1 %yes
no:
  ret i1 false
}

; Whether the call has failed. Its exception is then Python's to raise, which must not happen in Python's own functions
; here: so it is set last.
define internal i1 @failed() nounwind {
  %kind_at = alloca ptr
  %value_at = alloca ptr
  %trace_at = alloca ptr
  %raised = call ptr @PyErr_Occurred()
  %fine = icmp eq ptr %raised, null
  br i1 %fine, label %look, label %fetch
fetch:
  call void @PyErr_Fetch(ptr %kind_at, ptr %value_at, ptr %trace_at)
  call void @PyErr_NormalizeException(ptr %kind_at, ptr %value_at, ptr %trace_at)
  %kind = load ptr, ptr %kind_at
  %value = load ptr, ptr %value_at
  %trace = load ptr, ptr %trace_at
  %done = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr @keep, ptr %value, ptr null)
  call void @drop(ptr %done)
  call void @Py_DecRef(ptr %kind)
  call void @Py_DecRef(ptr %value)
  call void @Py_DecRef(ptr %trace)
  br label %look
look:
  %count = load i64, ptr @kept
  %none = icmp eq i64 %count, 0
  br i1 %none, label %no, label %take
take:
  %class = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr @take, ptr null)
  %nobody = icmp eq ptr %class, @none
  %nothing = icmp eq ptr %class, null
  %neither = or i1 %nobody, %nothing
  br i1 %neither, label %dropped, label %raise
raise:
  %thread = call i64 @PyThread_get_thread_ident()
  %set = call i32 @PyThreadState_SetAsyncExc(i64 %thread, ptr %class)
  br label %dropped
dropped:
  call void @drop(ptr %class)
  br label %yes
yes:
  ret i1 true
no:
  ret i1 false
}

; Give up what a function of Python has returned. Null: it has raised something, which nobody could get.
define internal void @drop(ptr %object) nounwind {
  %none = icmp eq ptr %object, null
  br i1 %none, label %clear, label %give
clear:
  call void @PyErr_Clear()
  ret void
give:
  call void @Py_DecRef(ptr %object)
  ret void
}
