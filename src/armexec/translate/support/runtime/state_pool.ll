; The pool of state structures for calls from Python: claimed and released without a lock. Needs python_call.ll.
;
; @pool is a word whose set bits are the free slots, and behind it the addresses of the states, a word for each slot.
; A state's own `slot` is its bit; 0 in one that was made because the pool was empty.

@pool = external global i64, align 8
; Objects of Python: make a state and give its address, 0 where there is no memory; drop the state at an address.
@more = external global i8
@less = external global i8

declare void @PyErr_Fetch(ptr, ptr, ptr)
declare void @PyErr_Restore(ptr, ptr, ptr)

define ptr @claim() nounwind {
  br label %again
again:
  %free = load atomic i64, ptr @pool acquire, align 8
  %none = icmp eq i64 %free, 0
  br i1 %none, label %empty, label %take
take:
  ; Without its lowest set bit.
  %less = sub i64 %free, 1
  %rest = and i64 %free, %less
  %exchange = cmpxchg weak ptr @pool, i64 %free, i64 %rest acq_rel monotonic, align 8
  %done = extractvalue {i64, i1} %exchange, 1
  br i1 %done, label %mine, label %again
mine:
  %index = call i64 @llvm.cttz.i64(i64 %free, i1 true)
  %slots = getelementptr i8, ptr @pool, i64 8
  %slot = getelementptr ptr, ptr %slots, i64 %index
  %state = load ptr, ptr %slot
  ret ptr %state
empty:
  %word = call i64 @python(ptr @more, i64 0, i64 0)
  %new = inttoptr i64 %word to ptr
  ret ptr %new
}

define void @release(ptr %state) nounwind {
  %slot_at = getelementptr i8, ptr %state, i64 $STATE_SLOT
  %bit = load i64, ptr %slot_at
  %extra = icmp eq i64 %bit, 0
  br i1 %extra, label %drop, label %free
drop:
  ; An exception of Python may be on its way.
  %gil = call i32 @PyGILState_Ensure()
  %type = alloca ptr
  %value = alloca ptr
  %traceback = alloca ptr
  call void @PyErr_Fetch(ptr %type, ptr %value, ptr %traceback)
  %word = ptrtoint ptr %state to i64
  %dropped = call i64 @python(ptr @less, i64 %word, i64 0)
  %old_type = load ptr, ptr %type
  %none = icmp eq ptr %old_type, null
  br i1 %none, label %done, label %restore
restore:
  %old_value = load ptr, ptr %value
  %old_traceback = load ptr, ptr %traceback
  call void @PyErr_Restore(ptr %old_type, ptr %old_value, ptr %old_traceback)
  br label %done
done:
  call void @PyGILState_Release(i32 %gil)
  ret void
free:
  %old = atomicrmw or ptr @pool, i64 %bit acq_rel, align 8
  ret void
}
