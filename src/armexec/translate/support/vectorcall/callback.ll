; Python's C API, and functions of runtime/, for the code of host functions (python_calls/callback_ir.py).

@PyLong_Type = external global i8
@PyFloat_Type = external global i8
@host_functions = external global i8
@host_function_slots = external global i8
attributes #1 = { cold noreturn noinline nounwind }
declare preserve_allcc void @trap(ptr, i32, i64, i64) #1
declare void @begin_python(ptr, i64)
declare void @end_python(ptr)
declare i1 @return_from_host(ptr, i64)
declare void @take_gil(ptr)
declare ptr @PyEval_SaveThread()
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare i64 @PyLong_AsUnsignedLongLongMask(ptr)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare ptr @PyBool_FromLong(i64)
declare ptr @PyFloat_FromDouble(double)
declare ptr @PyTuple_GetItem(ptr, i64)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
