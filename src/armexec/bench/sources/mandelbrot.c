/* The Mandelbrot set on n by n points: the sum of the iterations, at most 200 for each point. */
typedef unsigned long long u64;

u64 kernel(u64 n) {
  u64 total = 0;
  for (u64 row = 0; row < n; row++) {
    double ci = (double)row * 2.4 / (double)n - 1.2;
    for (u64 column = 0; column < n; column++) {
      double cr = (double)column * 3.0 / (double)n - 2.2;
      double r = 0, i = 0;
      u64 count = 0;
      while (count < 200 && r * r + i * i <= 4.0) {
        double next = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = next;
        count++;
      }
      total += count;
    }
  }
  return total;
}
