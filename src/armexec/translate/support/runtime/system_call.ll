; System calls of the guest, which Python does. Needs find_code.ll.

; Called with the state and the address of eight words: the pc, the number (X8), and X0 to X5; what becomes of X0 is put
; into the first. It gives 1, or 2 where nobody does system calls for this code.
@system_call_object = external global i8

define i64 @system_call(ptr %state, i64 %pc, i64 %x8, i64 %x0, i64 %x1, i64 %x2, i64 %x3, i64 %x4, i64 %x5) nounwind {
  call void @keep_own(ptr %state)
  %words = alloca [8 x i64], align 8
  store i64 %pc, ptr %words
  %at1 = getelementptr i64, ptr %words, i64 1
  store i64 %x8, ptr %at1
  %at2 = getelementptr i64, ptr %words, i64 2
  store i64 %x0, ptr %at2
  %at3 = getelementptr i64, ptr %words, i64 3
  store i64 %x1, ptr %at3
  %at4 = getelementptr i64, ptr %words, i64 4
  store i64 %x2, ptr %at4
  %at5 = getelementptr i64, ptr %words, i64 5
  store i64 %x3, ptr %at5
  %at6 = getelementptr i64, ptr %words, i64 6
  store i64 %x4, ptr %at6
  %at7 = getelementptr i64, ptr %words, i64 7
  store i64 %x5, ptr %at7
  call void @begin_python(ptr %state, i64 %pc)
  %state_word = ptrtoint ptr %state to i64
  %words_word = ptrtoint ptr %words to i64
  %done = call i64 @python(ptr @system_call_object, i64 %state_word, i64 %words_word)
  call void @end_python(ptr %state)
  %fine = icmp eq i64 %done, 1
  br i1 %fine, label %returned, label %trapped
trapped:
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_SUPERVISOR_CALL, i64 %pc, i64 0)
  unreachable
returned:
  %result = load i64, ptr %words
  ret i64 %result
}
