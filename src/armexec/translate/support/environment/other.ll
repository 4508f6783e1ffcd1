; The floating-point environment on other hosts, which is left as it is. The functions are those of x86_64.ll.

define internal void @own_environment(ptr %state) alwaysinline nounwind {
  ret void
}

define internal void @others_environment(ptr %state) alwaysinline nounwind {
  ret void
}

define internal void @put_back_environment(ptr %state) alwaysinline nounwind {
  ret void
}
