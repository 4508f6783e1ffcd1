; IC IVAU: code that the guest has written may be another now. Needs find_code.ll.

; Called with the state and the address; 1.
@invalidate_object = external global i8
; The first address of code that the guest has written and that is translated, and the end of it.
@written_begin = external global i64, align 8
@written_end = external global i64, align 8

; The stack pointer, or somewhat less: the words above it are those of calls that go on.
define i64 @stack_pointer() noinline nounwind {
  %here = call ptr @llvm.frameaddress.p0(i32 0)
  %word = ptrtoint ptr %here to i64
  ret i64 %word
}

define void @invalidate_code(ptr %state, i64 %pc, i64 %address) nounwind {
  %line = and i64 %address, sub (i64 0, i64 $CACHE_LINE)
  %end = add i64 %line, $CACHE_LINE
  ; What is written now may be fetched by another thread, which has told of that before.
  fence seq_cst
  %first = load atomic i64, ptr @written_begin monotonic, align 8
  %last = load atomic i64, ptr @written_end monotonic, align 8
  %after = icmp ult i64 %first, %end
  %before = icmp ult i64 %line, %last
  %inside = and i1 %after, %before
  br i1 %inside, label %ask, label %out
ask:
  call void @begin_python(ptr %state, i64 %pc)
  %state_word = ptrtoint ptr %state to i64
  %done = call i64 @python(ptr @invalidate_object, i64 %state_word, i64 %line)
  call void @end_python(ptr %state)
  %fine = icmp eq i64 %done, 1
  br i1 %fine, label %out, label %raised
raised:
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_EXECUTE, i64 %pc, i64 %address)
  unreachable
out:
  ret void
}
