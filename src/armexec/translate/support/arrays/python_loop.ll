; The loop of ufuncs whose elements Python goes through: NumPy's PyUFuncGenericFunction. Needs environment/flags_*.ll.
;
; NumPy calls it with the GIL or without. %data is the object of Python that is called with the other addresses.

declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare ptr @PyErr_Occurred()
declare ptr @PyLong_FromVoidPtr(ptr)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
declare void @Py_DecRef(ptr)

define void @python_loop(ptr %arguments, ptr %dimensions, ptr %steps, ptr %data) nounwind {
  %flags = call i64 @exception_flags()
  %gil = call i32 @PyGILState_Ensure()
  ; NumPy may go on with further loops after one that has raised.
  %raised = call ptr @PyErr_Occurred()
  %none = icmp eq ptr %raised, null
  br i1 %none, label %go, label %out
go:
  %first = call ptr @PyLong_FromVoidPtr(ptr %arguments)
  %second = call ptr @PyLong_FromVoidPtr(ptr %dimensions)
  %third = call ptr @PyLong_FromVoidPtr(ptr %steps)
  %result = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %data, ptr %first, ptr %second, ptr %third, ptr null)
  call void @Py_DecRef(ptr %first)
  call void @Py_DecRef(ptr %second)
  call void @Py_DecRef(ptr %third)
  call void @Py_DecRef(ptr %result)
  br label %out
out:
  call void @PyGILState_Release(i32 %gil)
  ; What was computed on the way is none of NumPy's business: it would warn.
  call void @put_back_flags(i64 %flags)
  ret void
}
