; The lock of a thread of the guest, which all threads of Python run as (engines/thread_local.py). Needs python_api.ll.

; Names, as Python's objects.
@lock_name = external global i8
@acquire_name = external global i8
@release_name = external global i8

declare ptr @PyObject_CallMethodObjArgs(ptr, ptr, ...)

; Hold the `_lock` of an object, and give it; null with an exception set, which a signal may have brought while it waited.
define internal ptr @hold(ptr %owner) nounwind {
  ; The one that it has now: a fork replaces it.
  %lock = call ptr @PyObject_GetAttr(ptr %owner, ptr @lock_name)
  %none = icmp eq ptr %lock, null
  br i1 %none, label %out, label %acquire
acquire:
  %done = call ptr (ptr, ptr, ...) @PyObject_CallMethodObjArgs(ptr %lock, ptr @acquire_name, ptr null)
  %refused = icmp eq ptr %done, null
  br i1 %refused, label %drop, label %held
drop:
  call void @Py_DecRef(ptr %lock)
  br label %out
out:
  ret ptr null
held:
  call void @Py_DecRef(ptr %done)
  ret ptr %lock
}

; Release a lock that @hold gave. An exception that is set stays so.
define internal void @let_go(ptr %lock) nounwind {
  %type_at = alloca ptr
  %value_at = alloca ptr
  %traceback_at = alloca ptr
  call void @PyErr_Fetch(ptr %type_at, ptr %value_at, ptr %traceback_at)
  %done = call ptr (ptr, ptr, ...) @PyObject_CallMethodObjArgs(ptr %lock, ptr @release_name, ptr null)
  call void @Py_DecRef(ptr %done)
  call void @Py_DecRef(ptr %lock)
  %type = load ptr, ptr %type_at
  %value = load ptr, ptr %value_at
  %traceback = load ptr, ptr %traceback_at
  call void @PyErr_Restore(ptr %type, ptr %value, ptr %traceback)
  ret void
}

; Where a call has left an exception set: make the state of the guest's thread what it was before.
define internal void @put_back(ptr %state, <2 x i64> %before) nounwind {
  %error = call ptr @PyErr_Occurred()
  %well = icmp eq ptr %error, null
  br i1 %well, label %out, label %failed
failed:
  store <2 x i64> %before, ptr %state, align 8
  br label %out
out:
  ret void
}
