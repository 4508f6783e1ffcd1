; The handler of SIGPROF: count where the guest's code is (observe/sampler.py). Needs runtime/c_library.ll, and this
; host's ucontext_*.ll.

; Whether samples are taken, and how many there was no place for.
@control = external global [2 x i64], align 8
; How many ranges of code are known, and behind it each one's start and end.
@ranges = external global i64, align 8
; A hash table of counts: in each place a pc, 0 in a free one, and how often it was met.
@table = external global i64, align 8

; Whether an address is in a range.
define internal i1 @known(i64 %pc) nounwind {
entry:
  %number = load atomic i64, ptr @ranges acquire, align 8
  br label %head
head:
  %i = phi i64 [0, %entry], [%j, %next]
  %end = icmp uge i64 %i, %number
  br i1 %end, label %no, label %look
look:
  %bytes = shl i64 %i, 4
  %offset = add i64 %bytes, 8
  %range = getelementptr i8, ptr @ranges, i64 %offset
  %from = load i64, ptr %range
  %to_at = getelementptr i8, ptr %range, i64 8
  %to = load i64, ptr %to_at
  %above = icmp uge i64 %pc, %from
  %below = icmp ult i64 %pc, %to
  %inside = and i1 %above, %below
  br i1 %inside, label %yes, label %next
next:
  %j = add i64 %i, 1
  br label %head
yes:
  ret i1 true
no:
  ret i1 false
}

; One more of a pc. Places are found by Fibonacci hashing, and by trying the next.
define internal void @count(i64 %pc) nounwind {
entry:
  %hash = mul i64 %pc, u0x9E3779B97F4A7C15
  %first = lshr i64 %hash, $HASH_SHIFT
  br label %head
head:
  %i = phi i64 [%first, %entry], [%j, %next]
  %tries = phi i64 [0, %entry], [%more, %next]
  %place = and i64 %i, $PLACE_MASK
  %bytes = shl i64 %place, 4
  %pc_at = getelementptr i8, ptr @table, i64 %bytes
  %exchange = cmpxchg ptr %pc_at, i64 0, i64 %pc monotonic monotonic, align 8
  %old = extractvalue {i64, i1} %exchange, 0
  %new = extractvalue {i64, i1} %exchange, 1
  %same = icmp eq i64 %old, %pc
  %mine = or i1 %new, %same
  br i1 %mine, label %add, label %next
next:
  %j = add i64 %i, 1
  %more = add i64 %tries, 1
  %full = icmp eq i64 %more, $MAX_PROBES
  br i1 %full, label %lost, label %head
add:
  %count_at = getelementptr i8, ptr %pc_at, i64 8
  %counted = atomicrmw add ptr %count_at, i64 1 monotonic, align 8
  ret void
lost:
  %lost_at = getelementptr i8, ptr @control, i64 8
  %missed = atomicrmw add ptr %lost_at, i64 1 monotonic, align 8
  ret void
}

define void @sample(i32 %signal, ptr %info, ptr %context) nounwind {
entry:
  %on = load atomic i64, ptr @control acquire, align 8
  %off = icmp eq i64 %on, 0
  br i1 %off, label %out, label %go
go:
  %pc = call i64 @context_pc(ptr %context)
  %here = call i1 @known(i64 %pc)
  br i1 %here, label %hit, label %other
hit:
  call void @count(i64 %pc)
  ret void
other:
  %key = load i64, ptr @thread_key
  %state = call ptr @pthread_getspecific(i64 %key)
  %word = ptrtoint ptr %state to i64
  %guest = icmp ugt i64 %word, $IDLE
  br i1 %guest, label %leaf, label %out
leaf:
  ; The guest has called something of the host. A return address, less one, is inside of the call.
  %link = call i64 @context_link(ptr %context)
  %linked = sub i64 %link, 1
  %direct = call i1 @known(i64 %linked)
  br i1 %direct, label %left, label %search
left:
  call void @count(i64 %linked)
  ret void
search:
  %sp_word = call i64 @context_sp(ptr %context)
  %sp = inttoptr i64 %sp_word to ptr
  br label %scan
scan:
  %i = phi i64 [0, %search], [%j, %next]
  %slot = getelementptr i64, ptr %sp, i64 %i
  %return = load i64, ptr %slot
  %caller = sub i64 %return, 1
  %found = call i1 @known(i64 %caller)
  br i1 %found, label %called, label %next
called:
  call void @count(i64 %caller)
  ret void
next:
  %j = add i64 %i, 1
  %deep = icmp eq i64 %j, $MAX_DEPTH
  br i1 %deep, label %unknown, label %scan
unknown:
  call void @count(i64 $ELSEWHERE)
  ret void
out:
  ret void
}
