; Functions of the host that the guest calls by their addresses (callbacks/address_range.py). Needs find_code.ll.
;
; Their addresses are in a range where nothing is mapped, $SLOT_SIZE bytes apart. At the same offset, the table of slots
; has the host code of each, of the type that find_code.ll tells, and a function of Python. A slot without code is
; nobody's.

@host_functions = external global i8
@host_function_slots = external global i8

define internal ptr @host_function_code(i64 %pc) alwaysinline nounwind {
  %offset = sub i64 %pc, ptrtoint (ptr @host_functions to i64)
  %inside = icmp ult i64 %offset, $HOST_FUNCTIONS_SIZE
  %low = and i64 %offset, sub (i64 $SLOT_SIZE, i64 1)
  %aligned = icmp eq i64 %low, 0
  %is_slot = and i1 %inside, %aligned
  br i1 %is_slot, label %slot, label %none
slot:
  %slot_at = getelementptr i8, ptr @host_function_slots, i64 %offset
  %code = load atomic ptr, ptr %slot_at acquire, align 8
  ret ptr %code
none:
  ret ptr null
}

; The host code of functions of any type: Python gets the registers in a frame. An exception stays set, and the guest is
; left: @raise (entry.ll) leaves it as it is. Functions of some types have code of their own (python_calls/callback_ir.py).
define i1 @call_host_function(ptr %state, i64 %pc, i64 %link) nounwind {
  %frame = alloca [$FRAME_SIZE x i8], align 16
  %x_at = getelementptr i8, ptr %state, i64 $STATE_X
  %frame_x = getelementptr i8, ptr %frame, i64 $FRAME_X
  call void @llvm.memcpy.p0.p0.i64(ptr %frame_x, ptr %x_at, i64 72, i1 false)
  %v_at = getelementptr i8, ptr %state, i64 $STATE_V_REGISTERS
  %frame_v = getelementptr i8, ptr %frame, i64 $FRAME_V
  call void @llvm.memcpy.p0.p0.i64(ptr %frame_v, ptr %v_at, i64 128, i1 false)
  %sp_at = getelementptr i8, ptr %state, i64 $STATE_SP
  %sp = load i64, ptr %sp_at
  %frame_stack = getelementptr i8, ptr %frame, i64 $FRAME_STACK
  store i64 %sp, ptr %frame_stack
  %frame_size = getelementptr i8, ptr %frame, i64 $FRAME_STACK_SIZE
  store i64 0, ptr %frame_size
  call void @begin_python(ptr %state, i64 %pc)
  %offset = sub i64 %pc, ptrtoint (ptr @host_functions to i64)
  %slot = getelementptr i8, ptr @host_function_slots, i64 %offset
  %failed = call i1 @call_slot(ptr %state, ptr %slot, ptr %frame)
  call void @end_python(ptr %state)
  br i1 %failed, label %raised, label %returned
raised:
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_EXECUTE, i64 %pc, i64 %pc)
  unreachable
returned:
  ; A result is in X0 and X1, or in V0 to V3.
  call void @llvm.memcpy.p0.p0.i64(ptr %x_at, ptr %frame_x, i64 16, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %v_at, ptr %frame_v, i64 64, i1 false)
  %elsewhere = call i1 @return_from_host(ptr %state, i64 %link)
  ret i1 %elsewhere
}

; To X30, as `ret` does.
define i1 @return_from_host(ptr %state, i64 %link) nounwind {
  %x30_at = getelementptr i8, ptr %state, i64 add (i64 $STATE_X, i64 240)
  %x30 = load i64, ptr %x30_at
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_PC
  store i64 %x30, ptr %pc_at
  %elsewhere = icmp ne i64 %x30, %link
  ret i1 %elsewhere
}

; Whether it raised an exception, or is gone. The function is taken from its slot while the GIL is held: else it might go
; meanwhile.
define internal i1 @call_slot(ptr %state, ptr %slot, ptr %frame) noinline nounwind {
  call void @take_gil(ptr %state)
  %object_at = getelementptr i8, ptr %slot, i64 $ENTRY_AT
  %object = load ptr, ptr %object_at
  %is_gone = icmp eq ptr %object, null
  br i1 %is_gone, label %out, label %call
call:
  call void @Py_IncRef(ptr %object)
  %word = ptrtoint ptr %frame to i64
  %number = call ptr @PyLong_FromUnsignedLongLong(i64 %word)
  %result = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %object, ptr %number, ptr null)
  call void @Py_DecRef(ptr %number)
  call void @Py_DecRef(ptr %object)
  %raised = icmp eq ptr %result, null
  call void @Py_DecRef(ptr %result)
  br label %out
out:
  %failed = phi i1 [true, %0], [%raised, %call]
  %saved = call ptr @PyEval_SaveThread()
  ret i1 %failed
}
