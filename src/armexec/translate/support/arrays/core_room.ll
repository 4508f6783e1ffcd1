; Room for copies of operands with core dimensions (cores.ll).

declare ptr @malloc(i64)
declare void @free(ptr)

; Memory for the copy of an operand whose elements have %size bytes, null where it needs none, since the elements stand
; one after the other; -1 where there is no memory.
define internal ptr @core_room(i64 %size, i64 %rank, ptr %extents, ptr %strides) noinline nounwind {
entry:
  br label %again
again:
  %left = phi i64 [%rank, %entry], [%k, %on]
  %bytes = phi i64 [%size, %entry], [%more, %on]
  %apart = phi i1 [false, %entry], [%still, %on]
  %done = icmp eq i64 %left, 0
  br i1 %done, label %end, label %on
on:
  %k = sub i64 %left, 1
  %extent_at = getelementptr i64, ptr %extents, i64 %k
  %extent = load i64, ptr %extent_at
  %stride_at = getelementptr i64, ptr %strides, i64 %k
  %stride = load i64, ptr %stride_at
  ; The step between elements of which there is one at most says nothing.
  %several = icmp ugt i64 %extent, 1
  %other = icmp ne i64 %stride, %bytes
  %here = and i1 %several, %other
  %still = or i1 %apart, %here
  %more = mul i64 %bytes, %extent
  br label %again
end:
  %some = icmp ne i64 %bytes, 0
  %needed = and i1 %apart, %some
  br i1 %needed, label %make, label %none
make:
  %room = call ptr @malloc(i64 %bytes)
  %failed = icmp eq ptr %room, null
  %result = select i1 %failed, ptr inttoptr (i64 -1 to ptr), ptr %room
  ret ptr %result
none:
  ret ptr null
}
