; Values of structs as arguments and results of calls by a frame (python_calls/frame_ir.py). Needs python_api.ll.
;
; Such a value is an object of a class of abi/values/structs.py, with three slots: `_data`, a memoryview of its bytes;
; `_alive`, a dict of what the pointers in it refer to; and `_base`, where its bytes are in the struct around it.

; The names of the slots, as Python's objects.
@data_name = external global i8
@alive_name = external global i8
@base_name = external global i8

declare i32 @PyObject_SetAttr(ptr, ptr, ptr)
declare i64 @PyDict_Size(ptr)
declare ptr @PyDict_New()
declare ptr @PyMemoryView_FromObject(ptr)
declare ptr @PyByteArray_FromStringAndSize(ptr, i64)
declare ptr @PyByteArray_AsString(ptr)
declare ptr @PyType_GenericAlloc(ptr, i64)

; Whether an object is a value of the class, of %size bytes, that refers to no object. Then %view has its bytes, and is
; to be released.
define internal i1 @take_struct(ptr %object, ptr %class, i64 %size, ptr %view) nounwind {
  %type_at = getelementptr i8, ptr %object, i64 $TYPE_AT
  %type = load ptr, ptr %type_at
  %is_value = icmp eq ptr %type, %class
  br i1 %is_value, label %value, label %other
value:
  %alive = call ptr @PyObject_GetAttr(ptr %object, ptr @alive_name)
  %has_alive = icmp ne ptr %alive, null
  br i1 %has_alive, label %count, label %wrong
count:
  %owners = call i64 @PyDict_Size(ptr %alive)
  call void @Py_DecRef(ptr %alive)
  %alone = icmp eq i64 %owners, 0
  br i1 %alone, label %data, label %wrong
data:
  %memory = call ptr @PyObject_GetAttr(ptr %object, ptr @data_name)
  %has_memory = icmp ne ptr %memory, null
  br i1 %has_memory, label %buffer, label %wrong
buffer:
  ; PyBUF_SIMPLE
  %refused = call i32 @PyObject_GetBuffer(ptr %memory, ptr %view, i32 0)
  call void @Py_DecRef(ptr %memory)
  %given = icmp eq i32 %refused, 0
  br i1 %given, label %measure, label %wrong
measure:
  %length_at = getelementptr i8, ptr %view, i64 $LEN
  %length = load i64, ptr %length_at
  %whole = icmp eq i64 %length, %size
  br i1 %whole, label %done, label %odd
odd:
  call void @PyBuffer_Release(ptr %view)
  br label %other
wrong:
  call void @PyErr_Clear()
  br label %other
other:
  ret i1 false
done:
  ret i1 true
}

; Set an attribute. Takes the reference to what it is set to, null where that couldn't be made.
define internal i1 @set_slot(ptr %object, ptr %name, ptr %new) nounwind {
  %none = icmp eq ptr %new, null
  br i1 %none, label %failed, label %set
set:
  %result = call i32 @PyObject_SetAttr(ptr %object, ptr %name, ptr %new)
  call void @Py_DecRef(ptr %new)
  %done = icmp eq i32 %result, 0
  ret i1 %done
failed:
  ret i1 false
}

; A value of the class that has a bytearray's bytes, whose reference it takes; null with an exception set.
define internal ptr @new_struct(ptr %class, ptr %bytes) nounwind {
  %memory = call ptr @PyMemoryView_FromObject(ptr %bytes)
  call void @Py_DecRef(ptr %bytes)
  %object = call ptr @PyType_GenericAlloc(ptr %class, i64 0)
  %none = icmp eq ptr %object, null
  br i1 %none, label %lost, label %data
lost:
  ; Neither may be there.
  %has_memory = icmp ne ptr %memory, null
  br i1 %has_memory, label %drop, label %out
drop:
  call void @Py_DecRef(ptr %memory)
  br label %out
data:
  %has_data = call i1 @set_slot(ptr %object, ptr @data_name, ptr %memory)
  br i1 %has_data, label %alive, label %failed
alive:
  %dict = call ptr @PyDict_New()
  %has_alive = call i1 @set_slot(ptr %object, ptr @alive_name, ptr %dict)
  br i1 %has_alive, label %base, label %failed
base:
  %zero = call ptr @PyLong_FromLongLong(i64 0)
  %has_base = call i1 @set_slot(ptr %object, ptr @base_name, ptr %zero)
  br i1 %has_base, label %done, label %failed
done:
  ret ptr %object
failed:
  call void @Py_DecRef(ptr %object)
  br label %out
out:
  ret ptr null
}
