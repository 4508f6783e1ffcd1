/* Five bodies under gravity for n steps: the bits of their energy. */
typedef unsigned long long u64;

enum { BODIES = 5 };
static const double PI = 3.141592653589793, DAYS = 365.24, STEP = 0.01;
struct body { double x, y, z, vx, vy, vz, mass; };
static struct body bodies[BODIES];

static void place(struct body *b, double x, double y, double z, double vx, double vy, double vz, double mass) {
  b->x = x, b->y = y, b->z = z;
  b->vx = vx * DAYS, b->vy = vy * DAYS, b->vz = vz * DAYS;
  b->mass = mass * 4 * PI * PI;
}

static void advance(void) {
  for (int i = 0; i < BODIES; i++) {
    struct body *p = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      struct body *q = &bodies[j];
      double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      double squared = dx * dx + dy * dy + dz * dz;
      double pull = STEP / (squared * __builtin_sqrt(squared));
      p->vx -= dx * q->mass * pull, p->vy -= dy * q->mass * pull, p->vz -= dz * q->mass * pull;
      q->vx += dx * p->mass * pull, q->vy += dy * p->mass * pull, q->vz += dz * p->mass * pull;
    }
  }
  for (int i = 0; i < BODIES; i++) {
    struct body *p = &bodies[i];
    p->x += STEP * p->vx, p->y += STEP * p->vy, p->z += STEP * p->vz;
  }
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    struct body *p = &bodies[i];
    sum += 0.5 * p->mass * (p->vx * p->vx + p->vy * p->vy + p->vz * p->vz);
    for (int j = i + 1; j < BODIES; j++) {
      struct body *q = &bodies[j];
      double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      sum -= p->mass * q->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

u64 kernel(u64 n) {
  place(&bodies[0], 0, 0, 0, 0, 0, 0, 1);
  place(&bodies[1], 4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01,
        1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05, 9.54791938424326609e-04);
  place(&bodies[2], 8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01,
        -2.76742510726411856e-03, 4.99852801234917238e-03, 2.30417297573763929e-05, 2.85885980666130812e-04);
  place(&bodies[3], 1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01,
        2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05, 4.36624404335156298e-05);
  place(&bodies[4], 1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01,
        2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05, 5.15138902046611451e-05);
  for (u64 i = 0; i < n; i++) advance();
  union { double number; u64 bits; } value = {energy()};
  return value.bits;
}
