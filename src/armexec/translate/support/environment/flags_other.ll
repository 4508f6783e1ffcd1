; The floating-point exception flags on other hosts, which are left as they are. The functions are those of flags_x86_64.ll.

define internal i64 @exception_flags() nounwind {
  ret i64 0
}

define internal void @put_back_flags(i64 %wanted) nounwind {
  ret void
}
