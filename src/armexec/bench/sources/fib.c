/* Recursion: the n-th Fibonacci number the slow way. */
typedef unsigned long long u64;

__attribute__((noinline)) static u64 fib(u64 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

u64 kernel(u64 n) { return fib(n); }
