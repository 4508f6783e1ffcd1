; The handler of SIGSEGV and SIGBUS, and of SIGTRAP where single instructions are executed (execute/fault_handler.py).
; Needs runtime/c_library.ll, and of this host's files: ucontext_*.ll, tagged_address_*.ll.
;
; A fault of the guest becomes a trap: the handler leaves by longjmp, as @trap does. That is safe because the thread is
; in translated code then, never inside of Python or an allocator: the thread's word says so. All else goes to the
; handler that was there before.

; By signal, the address of the `struct sigaction` that was there before.
@previous = external global [64 x ptr]
declare i32 @sigaction(i32, ptr, ptr)
declare i32 @sigaltstack(ptr, ptr)
declare i32 @munmap(ptr, i64)

define void @handler(i32 %signal, ptr %info, ptr %context) nounwind {
  ; What a process sends has another si_code than what the kernel finds, and no address.
  %reason_at = getelementptr i8, ptr %info, i64 8
  %reason = load i32, ptr %reason_at
  %positive = icmp sgt i32 %reason, 0
  %small = icmp slt i32 %reason, $SI_SENT
  %found = and i1 %positive, %small
  %key = load i64, ptr @thread_key
  %state = call ptr @pthread_getspecific(i64 %key)
  %word = ptrtoint ptr %state to i64
  %ours = icmp ugt i64 %word, $IDLE
  br i1 %ours, label %guest, label %other
guest:
  %sp = call i64 @context_sp(ptr %context)
  %is_trap = icmp eq i32 %signal, $SIGTRAP
  br i1 %is_trap, label %stepped, label %faulted
stepped:
  %ended = call i1 @end_step(ptr %state, ptr %context)
  br i1 %ended, label %out, label %other
faulted:
  ; Whether it came up in a handler, which runs on the stack for such. The guest never does.
  %bottom_at = getelementptr i8, ptr %context, i64 $CONTEXT_STACK_ADDRESS
  %bottom = load i64, ptr %bottom_at
  %length_at = getelementptr i8, ptr %context, i64 $CONTEXT_STACK_SIZE
  %length = load i64, ptr %length_at
  %above = sub i64 %sp, %bottom
  %in_handler = icmp ule i64 %above, %length
  br i1 %found, label %fault, label %sent
sent:
  ; A handler that came before this one sends the signal on: when it has returned, the access is done again.
  br i1 %in_handler, label %out, label %other
fault:
  br i1 %in_handler, label %other, label %guest_fault
guest_fault:
  %address = call i64 @fault_address(ptr %info)
  %goes_on = call i1 @untag_access(ptr %state, ptr %context, i64 %address, i32 %reason)
  br i1 %goes_on, label %out, label %report
report:
  %pc = call i64 @context_pc(ptr %context)
  %write = call i1 @context_is_write(ptr %context)
  %kind = select i1 %write, i64 $TRAP_WRITE, i64 $TRAP_READ
  %kind_at = getelementptr i8, ptr %state, i64 $STATE_TRAP_KIND
  store i64 %kind, ptr %kind_at
  %detail_at = getelementptr i8, ptr %state, i64 $STATE_TRAP_DETAIL
  store i64 %address, ptr %detail_at
  ; The guest's pc is found from the host's when somebody asks.
  %pc_at = getelementptr i8, ptr %state, i64 $STATE_TRAP_PC
  store i64 0, ptr %pc_at
  %host_pc_at = getelementptr i8, ptr %state, i64 $STATE_HOST_PC
  store i64 %pc, ptr %host_pc_at
  %host_sp_at = getelementptr i8, ptr %state, i64 $STATE_HOST_SP
  store i64 %sp, ptr %host_sp_at
  %host_code_at = getelementptr i8, ptr %state, i64 $STATE_HOST_CODE
  %reason64 = zext i32 %reason to i64
  store i64 %reason64, ptr %host_code_at
  call void @keep_interrupted(ptr %state, ptr %context, i64 %address)
  %jump_buffer = getelementptr i8, ptr %state, i64 $STATE_JUMP_BUFFER
  call void @longjmp(ptr %jump_buffer, i32 1)
  unreachable
other:
  %number = sext i32 %signal to i64
  %slot = getelementptr ptr, ptr @previous, i64 %number
  %old = load ptr, ptr %slot
  %function = load ptr, ptr %old
  %function_word = ptrtoint ptr %function to i64
  ; SIG_DFL is 0, SIG_IGN 1.
  %special = icmp ule i64 %function_word, 1
  br i1 %special, label %none, label %chain
chain:
  call void %function(i32 %signal, ptr %info, ptr %context)
  ret void
none:
  %ignored = icmp eq i64 %function_word, 1
  %sent_in_vain = xor i1 %found, true
  %drop = and i1 %ignored, %sent_in_vain
  br i1 %drop, label %out, label %default
default:
  ; Back to what was there: the access is done again, and faults for good; or it is sent again.
  %restored = call i32 @sigaction(i32 %signal, ptr %old, ptr null)
  br i1 %found, label %out, label %send
send:
  %self = call i64 @pthread_self()
  %killed = call i32 @pthread_kill(i64 %self, i32 %signal)
  ret void
out:
  ret void
}

; The destructor of a pthread key: give back the stack for handlers of a thread that ends.
define void @thread_ended(ptr %stack) nounwind {
  %current = alloca [3 x i64], align 8
  %none = alloca [3 x i64], align 8
  %asked = call i32 @sigaltstack(ptr null, ptr %current)
  %address = load ptr, ptr %current
  %same = icmp eq ptr %address, %stack
  br i1 %same, label %off, label %free
off:
  store ptr null, ptr %none
  %flags_at = getelementptr i8, ptr %none, i64 $STACK_FLAGS
  store i32 $SS_DISABLE, ptr %flags_at
  %size_at = getelementptr i8, ptr %none, i64 $STACK_SIZE
  store i64 $HANDLER_STACK, ptr %size_at
  %disabled = call i32 @sigaltstack(ptr %none, ptr null)
  br label %free
free:
  %unmapped = call i32 @munmap(ptr %stack, i64 $HANDLER_STACK)
  ret void
}
