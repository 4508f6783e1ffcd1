; The host code of a guest address whose function has been replaced: on to the one that stands for it.

@target = external global i64, align 8
declare ptr @$LOOKUP(ptr, i64)

define i1 @redirect(ptr %state, i64 %pc, i64 %link) nounwind {
  %to = load i64, ptr @target
  %host = call ptr @$LOOKUP(ptr %state, i64 %to)
  %elsewhere = musttail call i1 %host(ptr %state, i64 %to, i64 %link)
  ret i1 %elsewhere
}
