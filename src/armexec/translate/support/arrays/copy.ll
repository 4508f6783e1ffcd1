; Copies of elements of $BITS bits, between an operand and memory where they stand one after the other.

define internal void @gather$BITS(ptr noalias %target, ptr %source, i64 %stride, i64 %count) noinline #0 {
entry:
  %near = icmp eq i64 %stride, $BYTES
  br i1 %near, label %whole, label %loop
whole:
  %size = mul i64 %count, $BYTES
  call void @llvm.memcpy.p0.p0.i64(ptr %target, ptr %source, i64 %size, i1 false)
  br label %out
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %at = mul i64 %i, %stride
  %from = getelementptr i8, ptr %source, i64 %at
  %value = load i$BITS, ptr %from, align 1
  %to = getelementptr i$BITS, ptr %target, i64 %i
  store i$BITS %value, ptr %to, align $BYTES
  %next = add nuw i64 %i, 1
  %done = icmp eq i64 %next, %count
  br i1 %done, label %out, label %loop
out:
  ret void
}

define internal void @scatter$BITS(ptr %target, ptr noalias %source, i64 %stride, i64 %count) noinline #0 {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %at = mul i64 %i, %stride
  %to = getelementptr i8, ptr %target, i64 %at
  %from = getelementptr i$BITS, ptr %source, i64 %i
  %value = load i$BITS, ptr %from, align $BYTES
  store i$BITS %value, ptr %to, align 1
  %next = add nuw i64 %i, 1
  %done = icmp eq i64 %next, %count
  br i1 %done, label %out, label %loop
out:
  ret void
}
