// Loops over doubles, and numerical methods.
#include <stdint.h>
//@ default cases: (33) (64) (7)
//@ default buffers: 64 random -100..100

//@ cases: (2.5, 33) (-0.0, 64) (1e-200, 5)
void daxpy(double a, const double *x, double *y, int n) {
    for (int i = 0; i < n; i++)
        y[i] += a * x[i];
}

double dot(const double *x, const double *y, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

double fused_norm(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum = __builtin_fma(x[i], x[i], sum);
    return __builtin_sqrt(sum);
}

double mean(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

double variance(const double *x, int n) {
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) {
        double step = x[i] - mean;
        mean += step / (i + 1);
        square += step * (x[i] - mean);
    }
    return square / n;
}

double compensated_sum(const double *x, int n) {
    double sum = 0, rest = 0;
    for (int i = 0; i < n; i++) {
        double y = x[i] - rest, next = sum + y;
        rest = (next - sum) - y;
        sum = next;
    }
    return sum;
}

double largest_magnitude(const double *x, int n) {
    double most = 0;
    for (int i = 0; i < n; i++)
        most = __builtin_fabs(x[i]) > most ? __builtin_fabs(x[i]) : most;
    return most;
}

//@ buffer a: double[64] = random -10..10
//@ buffer b: double[64] = random -10..10
//@ cases: (8) (5) (1)
void matrix_product(const double *a, const double *b, double *c, int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
}

//@ cases: (8) (5)
void matrix_by_vector(const double *a, const double *x, double *y, int n) {
    for (int i = 0; i < n; i++) {
        y[i] = 0;
        for (int j = 0; j < n; j++)
            y[i] += a[i * n + j] * x[j];
    }
}

//@ cases: (8) (3)
void transpose(const double *a, double *out, int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            out[j * n + i] = a[i * n + j];
}

//@ buffer m: double[64] = random 1..10
//@ cases: (8) (4)
double eliminate(double *m, int n) {
    double determinant = 1;
    for (int i = 0; i < n; i++) {
        m[i * n + i] += 50;
        determinant *= m[i * n + i];
        for (int r = i + 1; r < n; r++) {
            double factor = m[r * n + i] / m[i * n + i];
            for (int j = i; j < n; j++)
                m[r * n + j] -= factor * m[i * n + j];
        }
    }
    return determinant;
}

//@ cases: (-0.5, 0.5, 100) (0.3, 0.6, 50) (-2, 0, 60) (2, 2, 10) random:6
//@ where: x=-2..1, y=-1..1, limit=1..60
int mandelbrot(double x, double y, uint8_t limit) {
    double re = 0, im = 0;
    int count = 0;
    while (count < limit && re * re + im * im <= 4) {
        double next = re * re - im * im + x;
        im = 2 * re * im + y;
        re = next;
        count++;
    }
    return count;
}

//@ buffer bodies: double[35] = random 1..20
//@ cases: (0.01, 3) (0.001, 1)
double bodies_step(double dt, int steps, double *bodies) {
    for (int s = 0; s < steps; s++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double *a = bodies + 7 * i, *b = bodies + 7 * j, d[3], square = 0.01;
                for (int k = 0; k < 3; k++) {
                    d[k] = a[k] - b[k];
                    square += d[k] * d[k];
                }
                double force = dt / (square * __builtin_sqrt(square));
                for (int k = 0; k < 3; k++) {
                    a[3 + k] -= d[k] * b[6] * force;
                    b[3 + k] += d[k] * a[6] * force;
                }
            }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++)
                bodies[7 * i + k] += dt * bodies[7 * i + 3 + k];
    }
    double energy = 0;
    for (int i = 0; i < 5; i++)
        for (int k = 3; k < 6; k++)
            energy += 0.5 * bodies[7 * i + 6] * bodies[7 * i + k] * bodies[7 * i + k];
    return energy;
}

// The cosines come from the recurrence, with the first one given.
//@ cases: (0.980785280403230, 8) (0.995184726672197, 16)
void cosine_transform(double step, const double *in, double *out, int n) {
    for (int k = 0; k < n; k++) {
        double turn = 1, before = step;
        for (int j = 0; j < k; j++) {
            double next = 2 * step * turn - before;
            before = turn;
            turn = next;
        }
        double sum = 0, now = 1, last = turn;
        for (int i = 0; i < n; i++) {
            sum += in[i] * now;
            double next = 2 * turn * now - last;
            last = now;
            now = next;
        }
        out[k] = sum;
    }
}

//@ cases: (2) (0.5) (1e10) random:4
//@ where: x=0.01..1000
double newton_root(double x) {
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 40; i++)
        y = 0.5 * (y + x / y);
    return y;
}

//@ cases: (0) (1) (-1) (0.1) random:5
//@ where: x=-4..4
double exponential(double x) {
    double term = 1, sum = 1;
    for (int i = 1; i < 25; i++) {
        term *= x / i;
        sum += term;
    }
    return sum;
}

//@ cases: (1, 5) (1.1, -7) (0, 3) (2, 0) random:4
//@ where: x=-3..3, n=-20..20
double power(double x, int n) {
    double result = 1, base = n < 0 ? 1 / (x + 10) : x;
    for (unsigned e = n < 0 ? -n : n; e; e >>= 1, base *= base)
        if (e & 1)
            result *= base;
    return result;
}

//@ cases: (0.1, 20) (0.5, 50)
double simpson(double width, int n) {
    double sum = 0;
    for (int i = 0; i <= n; i++) {
        double x = i * width, y = x / (1 + x * x);
        sum += (i == 0 || i == n ? 1 : i % 2 ? 4 : 2) * y;
    }
    return sum * width / 3;
}

//@ cases: (3.9, 50) (2.5, 20)
double logistic(double rate, int n) {
    double x = 0.3;
    for (int i = 0; i < n; i++)
        x = rate * x * (1 - x);
    return x;
}

void exponential_smoothing(const double *in, double *out, int n) {
    double level = in[0];
    for (int i = 0; i < n; i++)
        out[i] = level = 0.2 * in[i] + 0.8 * level;
}

void filter(const double *in, double *out, int n) {
    static const double taps[] = {0.1, -0.3, 0.7, 0.9, -0.2};
    for (int i = 0; i + 5 <= n; i++) {
        double sum = 0;
        for (int j = 0; j < 5; j++)
            sum += taps[j] * in[i + j];
        out[i] = sum;
    }
}

//@ cases: (6)
void heat(double *grid, double *next, int steps) {
    for (int s = 0; s < steps; s++) {
        for (int i = 1; i < 7; i++)
            for (int j = 1; j < 7; j++) {
                double around = grid[8 * i + j - 1] + grid[8 * i + j + 1] + grid[8 * i + j - 8] + grid[8 * i + j + 8];
                next[8 * i + j] = grid[8 * i + j] + 0.1 * (around - 4 * grid[8 * i + j]);
            }
        for (int i = 0; i < 64; i++)
            grid[i] = next[i];
    }
}

void sort(double *x, int n) {
    for (int i = 1; i < n; i++) {
        double key = x[i];
        int j = i;
        for (; j > 0 && x[j - 1] > key; j--)
            x[j] = x[j - 1];
        x[j] = key;
    }
}

//@ buffer a: double[64] = random
//@ buffer b: double[64] = random
void all_magnitudes(const double *a, const double *b, double *sum, double *product, double *quotient, int n) {
    for (int i = 0; i < n; i++) {
        sum[i] = a[i] - b[i];
        product[i] = a[i] * b[i];
        quotient[i] = a[i] / b[i];
    }
}

//@ buffer a: double[64] = special
//@ buffer b: double[64] = special
//@ buffer c: double[64] = special
void fused_on_special_values(const double *a, const double *b, const double *c, double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_fma(a[i], b[i], c[i]);
}

//@ buffer a: double[64] = special
void classify(const double *a, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (a[i] != a[i]) | (__builtin_isinf_sign(a[i]) + 1) << 1 | (__builtin_signbit(a[i]) != 0) << 4 |
                 (__builtin_isfinite(a[i]) != 0) << 5 | (__builtin_isnormal(a[i]) != 0) << 6;
}

//@ cases: (1, 2, 3, 4, 5, 6, 7, 8) (0.5, -1, 1e10, 2, -3, 0.1, 7, 0)
double many_arguments(double a, float b, double c, double d, float e, double f, double g, float h) {
    return a - b * c + d / e - f * g + h;
}

//@ cases: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10) (-128, 0.5, 65535, -1, -7, 1e10, 255, 2, -3, 0.1)
float alternating_arguments(int8_t a, float b, uint16_t c, float d, int32_t e, double f, uint8_t g, float h, int64_t i, double j) {
    return a * b - c * d + e * f - g * h + i * j;
}

//@ cases: (1, 2.5, -3, 4.5, 5) (-7, 0.25, 255, -2, 9)
double mixed_arguments(int32_t a, float b, int64_t c, double d, uint8_t e) {
    return a * b + c * d - e;
}
