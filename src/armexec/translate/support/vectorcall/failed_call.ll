; What is done where a call has raised something: its exception learns which call that was.

; A function of Python: called with the exception, the function of Python that makes the same call, and a tuple of the
; arguments.
@note_call = external global i8
declare void @PyErr_NormalizeException(ptr, ptr, ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)

define internal void @failed_call(ptr %slow, ptr %arguments, i64 %count) nounwind noinline cold {
  %type_at = alloca ptr
  %value_at = alloca ptr
  %traceback_at = alloca ptr
  call void @PyErr_Fetch(ptr %type_at, ptr %value_at, ptr %traceback_at)
  call void @PyErr_NormalizeException(ptr %type_at, ptr %value_at, ptr %traceback_at)
  %value = load ptr, ptr %value_at
  %tuple = call ptr @PyTuple_New(i64 %count)
  %is_made = icmp ne ptr %tuple, null
  br i1 %is_made, label %next, label %forget
next:
  %n = phi i64 [0, %0], [%n1, %item]
  %more = icmp ult i64 %n, %count
  br i1 %more, label %item, label %note
item:
  %at = getelementptr ptr, ptr %arguments, i64 %n
  %object = load ptr, ptr %at
  call void @Py_IncRef(ptr %object)
  %set = call i32 @PyTuple_SetItem(ptr %tuple, i64 %n, ptr %object)
  %n1 = add i64 %n, 1
  br label %next
note:
  %done = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr @note_call, ptr %value, ptr %slow, ptr %tuple, ptr null)
  call void @Py_DecRef(ptr %tuple)
  %failed = icmp eq ptr %done, null
  br i1 %failed, label %forget, label %drop
drop:
  call void @Py_DecRef(ptr %done)
  br label %out
forget:
  call void @PyErr_Clear()
  br label %out
out:
  %type = load ptr, ptr %type_at
  %same = load ptr, ptr %value_at
  %traceback = load ptr, ptr %traceback_at
  call void @PyErr_Restore(ptr %type, ptr %same, ptr %traceback)
  ret void
}
