; The kind of a buffer's elements, by the format in its Py_buffer (the `struct` module, "Format Characters").
;
; 1 for an integer, 2 for a floating-point number, 0 for all else: structures, the other byte order, and formats whose
; use depends on more than their size.

define internal i32 @kind(ptr %format) nounwind {
  ; Without a format they are bytes.
  %none = icmp eq ptr %format, null
  br i1 %none, label %bytes, label %begin
bytes:
  ret i32 1
begin:
  %first = load i8, ptr %format
  ; @ = <
  switch i8 %first, label %code [i8 64, label %prefixed i8 61, label %prefixed i8 60, label %prefixed]
prefixed:
  %second = getelementptr i8, ptr %format, i64 1
  br label %code
code:
  %at = phi ptr [%format, %begin], [%second, %prefixed]
  %character = load i8, ptr %at
  %after = getelementptr i8, ptr %at, i64 1
  ; Integers: c b B h H i I l L q Q n N. Numbers: e f d.
  switch i8 %character, label %other [i8 99, label %integer i8 98, label %integer i8 66, label %integer i8 104, label %integer i8 72, label %integer i8 105, label %integer i8 73, label %integer i8 108, label %integer i8 76, label %integer i8 113, label %integer i8 81, label %integer i8 110, label %integer i8 78, label %integer i8 101, label %number i8 102, label %number i8 100, label %number]
integer:
  br label %last
number:
  br label %last
last:
  %kind = phi i32 [1, %integer], [2, %number]
  ; Only where nothing follows.
  %next = load i8, ptr %after
  %ends = icmp eq i8 %next, 0
  %result = select i1 %ends, i32 %kind, i32 0
  ret i32 %result
other:
  ret i32 0
}
