; Host code for a guest address, from a table of the image; it is the same text for the tables of different modes.
;
; The table has a word for each word of the image's code: the host code that is entered there with the state structure,
; null while there is none. Python overwrites it at any time, when there is better code.

@$TABLE = external global ptr, align 8

define internal ptr @$NAME(ptr %state, i64 %pc) alwaysinline nounwind {
  %offset = sub i64 %pc, ptrtoint (ptr @image to i64)
  ; The rotation makes an index that is too large of an address that isn't aligned.
  %index = call i64 @llvm.fshr.i64(i64 %offset, i64 %offset, i64 2)
  %inside = icmp ult i64 %index, $TABLE_SIZE
  br i1 %inside, label %in, label %slow
in:
  %entry = getelementptr ptr, ptr @$TABLE, i64 %index
  %known = load atomic ptr, ptr %entry acquire, align 8
  %none = icmp eq ptr %known, null
  br i1 %none, label %slow, label %found
slow:
  %asked = call ptr @$SLOWLY(ptr %state, i64 %pc)
  ret ptr %asked
found:
  ret ptr %known
}
