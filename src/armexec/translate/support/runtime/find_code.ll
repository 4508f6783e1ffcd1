; Host code for a guest address that no table has yet. Needs trap.ll, python_call.ll,
; instruction_limit.ll and environment/.
;
; Host code that is found by a guest address has one type, `i1 (ptr %state, i64 %pc, i64 %link)`: all registers of the
; guest are in the state, %pc is the guest address that is entered, and %link is where the call goes on. It returns
; false when control is at %link again, with all registers in the state. It returns true when control goes on somewhere
; else: then the state's `pc` says where, and every caller returns true at once, down to the dispatcher
; (unit/dispatch.ll).

; Objects of Python, called with the state and the pc; they give the address of host code, 0 where there is no code.
@find = external global i8
@find_nonspeculative = external global i8
@find_strict = external global i8
@find_counted = external global i8
@find_counted_nonspeculative = external global i8
@find_counted_strict = external global i8
; Called with the state and the ucontext of a signal; 1: the access is to be made again.
@untag_object = external global i8
; What was found before, in code of each mode: a table of $FOUND_SIZE pointers to records, which never change and stay
; for ever. A record has a guest address, then its host code. Python makes records (execute/found_code.py), and empties
; the table when code goes, or when there is better code.
@found = external global ptr, align 8
@found_nonspeculative = external global ptr, align 8
@found_strict = external global ptr, align 8
@found_counted = external global ptr, align 8
@found_counted_nonspeculative = external global ptr, align 8
@found_counted_strict = external global ptr, align 8
; Under this pthread key, each thread has the address below which too little of its stack is left for Python.
@limit_key = external global i64, align 8

; What code of each mode asks. A unit's tables are looked at first (unit/lookup.ll).
define ptr @lookup_slowly(ptr %state, i64 %pc) nounwind {
  %code = call ptr @find_again(ptr @found, ptr @find, ptr %state, i64 %pc)
  ret ptr %code
}

define ptr @nonspeculative_slowly(ptr %state, i64 %pc) nounwind {
  %code = call ptr @find_again(ptr @found_nonspeculative, ptr @find_nonspeculative, ptr %state, i64 %pc)
  ret ptr %code
}

define ptr @strict_slowly(ptr %state, i64 %pc) nounwind {
  %code = call ptr @find_again(ptr @found_strict, ptr @find_strict, ptr %state, i64 %pc)
  ret ptr %code
}

define ptr @counted_slowly(ptr %state, i64 %pc) nounwind {
  %code = call ptr @find_again(ptr @found_counted, ptr @find_counted, ptr %state, i64 %pc)
  ret ptr %code
}

define ptr @counted_nonspeculative_slowly(ptr %state, i64 %pc) nounwind {
  %code = call ptr @find_again(ptr @found_counted_nonspeculative, ptr @find_counted_nonspeculative, ptr %state, i64 %pc)
  ret ptr %code
}

define ptr @counted_strict_slowly(ptr %state, i64 %pc) nounwind {
  %code = call ptr @find_again(ptr @found_counted_strict, ptr @find_counted_strict, ptr %state, i64 %pc)
  ret ptr %code
}

; The place in a table for a guest address.
define internal ptr @found_place(ptr %table, i64 %pc) alwaysinline nounwind {
  %word = lshr i64 %pc, 2
  %page = lshr i64 %pc, 14
  %mixed = xor i64 %word, %page
  %index = and i64 %mixed, sub (i64 $FOUND_SIZE, i64 1)
  %place = getelementptr ptr, ptr %table, i64 %index
  ret ptr %place
}

; Put a record into a table. Other threads may look at it from then on.
define void @put_found(ptr %table, ptr %record) nounwind {
  %pc = load i64, ptr %record
  %place = call ptr @found_place(ptr %table, i64 %pc)
  store atomic ptr %record, ptr %place release, align 8
  ret void
}

; Empty all tables. The callback of weak references to translators, which Python calls when one has gone: it is no
; function of Python, where an exception of a signal's handler may come before its first line, and is dropped.
define void @clear_found(ptr %reference) nounwind {
  call void @clear_table(ptr @found)
  call void @clear_table(ptr @found_nonspeculative)
  call void @clear_table(ptr @found_strict)
  call void @clear_table(ptr @found_counted)
  call void @clear_table(ptr @found_counted_nonspeculative)
  call void @clear_table(ptr @found_counted_strict)
  call void @clear_table(ptr @found_entry)
  ret void
}

define internal void @clear_table(ptr %table) nounwind {
entry:
  br label %next
next:
  %index = phi i64 [ 0, %entry ], [ %following, %next ]
  %place = getelementptr ptr, ptr %table, i64 %index
  store atomic ptr null, ptr %place release, align 8
  %following = add i64 %index, 1
  %more = icmp ult i64 %following, $FOUND_SIZE
  br i1 %more, label %next, label %done
done:
  ret void
}

; The code of another image is most often found in the table.
define internal ptr @find_again(ptr %table, ptr %whom, ptr %state, i64 %pc) alwaysinline nounwind {
  %place = call ptr @found_place(ptr %table, i64 %pc)
  %record = load atomic ptr, ptr %place acquire, align 8
  %none = icmp eq ptr %record, null
  br i1 %none, label %unknown, label %known
known:
  %address = load i64, ptr %record
  %same = icmp eq i64 %address, %pc
  br i1 %same, label %found, label %unknown
found:
  %code_at = getelementptr i8, ptr %record, i64 8
  %code = load ptr, ptr %code_at
  ret ptr %code
unknown:
  %host_code = call ptr @host_function_code(i64 %pc)
  %is_host = icmp ne ptr %host_code, null
  br i1 %is_host, label %host, label %nowhere
host:
  ret ptr %host_code
nowhere:
  %asked = call ptr @ask(ptr %whom, ptr %state, i64 %pc)
  ret ptr %asked
}

; Before Python runs on the guest's behalf, at %pc. A trap where too little of the host's stack is left for it.
define void @begin_python(ptr %state, i64 %pc) nounwind {
  %limit_key = load i64, ptr @limit_key
  %limit = call ptr @pthread_getspecific(i64 %limit_key)
  %here = call ptr @llvm.frameaddress.p0(i32 0)
  %deep = icmp ult ptr %here, %limit
  br i1 %deep, label %full, label %enough
full:
  %here_word = ptrtoint ptr %here to i64
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_HOST_STACK, i64 %pc, i64 %here_word)
  unreachable
enough:
  ; While Python runs, a fault is not the guest's.
  %key = load i64, ptr @thread_key
  %word = call ptr @python_word(ptr %state)
  %idle = call i32 @pthread_setspecific(i64 %key, ptr %word)
  call void @put_left(ptr %state)
  call void @others_environment(ptr %state)
  ret void
}

; The number of the signal by which threads look at limits (signals/interrupt.ll), while a time limit is over; else 0.
@overdue = external global i32, align 4

; The guest goes on. Code that calls Python all the time is hardly ever in the guest when that signal comes: it has the
; look here.
define void @end_python(ptr %state) nounwind {
  call void @own_environment(ptr %state)
  call void @take_left(ptr %state)
  %key = load i64, ptr @thread_key
  %busy = call i32 @pthread_setspecific(i64 %key, ptr %state)
  %signal = load atomic i32, ptr @overdue monotonic, align 4
  %none = icmp eq i32 %signal, 0
  br i1 %none, label %out, label %look
look:
  %self = call i64 @pthread_self()
  %sent = call i32 @pthread_kill(i64 %self, i32 %signal)
  br label %out
out:
  ret void
}

; Ask Python, which may translate the code. It doesn't return where there is no code: that is a trap.
define internal ptr @ask(ptr %whom, ptr %state, i64 %pc) cold noinline nounwind {
  call void @begin_python(ptr %state, i64 %pc)
  %state_word = ptrtoint ptr %state to i64
  %code_word = call i64 @python(ptr %whom, i64 %state_word, i64 %pc)
  %code = inttoptr i64 %code_word to ptr
  call void @end_python(ptr %state)
  %none = icmp eq ptr %code, null
  br i1 %none, label %nowhere, label %found
nowhere:
  call preserve_allcc void @trap(ptr %state, i32 $TRAP_EXECUTE, i64 %pc, i64 %pc)
  unreachable
found:
  ret ptr %code
}

; Host code for an address in a strict image, as code that isn't strict finds it: down to the dispatcher, to go on in
; strict code.
define i1 @strictly(ptr %state, i64 %pc, i64 %link) nounwind {
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_PC
  store i64 %pc, ptr %pc_at
  %strict_at = getelementptr i8, ptr %state, i64 $STATE_STRICT
  store i64 1, ptr %strict_at
  ret i1 true
}

; Host code for the address to which the outermost function returns: down to the dispatcher.
define i1 @exited(ptr %state, i64 %pc, i64 %link) nounwind {
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_PC
  store i64 %pc, ptr %pc_at
  %elsewhere = icmp ne i64 %pc, %link
  ret i1 %elsewhere
}

; For the handler of signals (signals/fault_handler.ll): the address of an access may have a tag.
define i64 @untag(ptr %state, ptr %context) nounwind {
  %key = load i64, ptr @thread_key
  %idle = call i32 @pthread_setspecific(i64 %key, ptr inttoptr (i64 $IDLE to ptr))
  %state_word = ptrtoint ptr %state to i64
  %context_word = ptrtoint ptr %context to i64
  %again = call i64 @python(ptr @untag_object, i64 %state_word, i64 %context_word)
  %busy = call i32 @pthread_setspecific(i64 %key, ptr %state)
  ret i64 %again
}
