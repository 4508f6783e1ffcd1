; Core dimensions of generalized ufuncs: elements of $BYTES bytes in NumPy's layout, and one after the other.
;
; An operand has %rank core dimensions, whose sizes are in %extents, and the steps of bytes between their elements in
; %strides.

; Copy to memory where they stand one after the other, or back; the end of that memory.
define internal ptr @copy_core$BYTES(ptr %packed, ptr %spread, i64 %rank, ptr %extents, ptr %strides, i1 %back) #0 {
entry:
  %single = icmp eq i64 %rank, 0
  br i1 %single, label %element, label %dimension
element:
  br i1 %back, label %write, label %read
write:
  call void @llvm.memcpy.p0.p0.i64(ptr align 1 %spread, ptr align 1 %packed, i64 $BYTES, i1 false)
  br label %end
read:
  call void @llvm.memcpy.p0.p0.i64(ptr align 1 %packed, ptr align 1 %spread, i64 $BYTES, i1 false)
  br label %end
end:
  %after = getelementptr i8, ptr %packed, i64 $BYTES
  ret ptr %after
dimension:
  %extent = load i64, ptr %extents
  %stride = load i64, ptr %strides
  %inner_rank = sub i64 %rank, 1
  %inner_extents = getelementptr i64, ptr %extents, i64 1
  %inner_strides = getelementptr i64, ptr %strides, i64 1
  br label %again
again:
  %i = phi i64 [0, %dimension], [%next, %copy]
  %place = phi ptr [%packed, %dimension], [%later, %copy]
  %done = icmp eq i64 %i, %extent
  br i1 %done, label %out, label %copy
copy:
  %offset = mul i64 %i, %stride
  %source = getelementptr i8, ptr %spread, i64 %offset
  %later = call ptr @copy_core$BYTES(ptr %place, ptr %source, i64 %inner_rank, ptr %inner_extents, ptr %inner_strides, i1 %back)
  %next = add nuw i64 %i, 1
  br label %again
out:
  ret ptr %place
}
