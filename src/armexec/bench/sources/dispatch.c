/* Methods of 512 objects of four kinds, called through tables of function pointers, n times over. */
typedef unsigned int u32;
typedef unsigned long long u64;

enum { OBJECTS = 512 };
struct shape;
struct methods {
  u64 (*area)(const struct shape *);
  void (*grow)(struct shape *, u64);
};
struct shape { const struct methods *methods; u64 width, height; };
static struct shape shapes[OBJECTS];

static u64 rectangle_area(const struct shape *s) { return s->width * s->height; }
static u64 square_area(const struct shape *s) { return s->width * s->width; }
static u64 triangle_area(const struct shape *s) { return s->width * s->height / 2; }
static u64 circle_area(const struct shape *s) { return s->width * s->width * 355 / 113; }
static void grow_both(struct shape *s, u64 by) { s->width += by, s->height += by * 2; }
static void grow_width(struct shape *s, u64 by) { s->width = (s->width + by) & 0xfff; }
static const struct methods kinds[] = {
    {rectangle_area, grow_both}, {square_area, grow_width}, {triangle_area, grow_both}, {circle_area, grow_width},
};

u64 kernel(u64 n) {
  u64 state = 17, sum = 0;
  for (u64 i = 0; i < OBJECTS; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    shapes[i].methods = &kinds[state >> 62];
    shapes[i].width = state >> 50 & 0xff;
    shapes[i].height = state >> 40 & 0xff;
  }
  for (u64 round = 0; round < n; round++) {
    for (u64 i = 0; i < OBJECTS; i++) {
      struct shape *s = &shapes[i];
      sum = sum * 3 + s->methods->area(s);
      s->methods->grow(s, round & 3);
    }
  }
  return sum;
}
