; On with nonspeculative code, where speculative code is left because of a NaN. Needs a lookup.ll for the table of nonspeculative code.

declare ptr @nonspeculative_slowly(ptr, i64) cold

define internal i1 @resume(ptr %state, i64 %pc, i64 %link) cold noinline nounwind {
  %host = call ptr @nonspeculative(ptr %state, i64 %pc)
  %elsewhere = musttail call i1 %host(ptr %state, i64 %pc, i64 %link)
  ret i1 %elsewhere
}
