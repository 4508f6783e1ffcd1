/* String bytes: n times over a text of 4095 letters, to capitals, words counted, reversed, searched. */
typedef unsigned char u8;
typedef unsigned long long u64;

enum { SIZE = 4096 };
static u8 text[SIZE];

static void write_text(void) {
  u64 state = 12345;
  for (u64 i = 0; i < SIZE - 1; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    u64 draw = state >> 58;
    text[i] = (u8)(draw < 26 ? 'a' + draw : draw < 52 ? 'A' + draw - 26 : ' ');
  }
  text[SIZE - 1] = 0;
}

static u64 length(const u8 *s) {
  const u8 *end = s;
  while (*end) end++;
  return (u64)(end - s);
}

static u64 words(const u8 *s) {
  u64 count = 0, inside = 0;
  for (; *s; s++) {
    u64 letter = *s != ' ';
    count += letter & ~inside;
    inside = letter;
  }
  return count;
}

static void swap_case(u8 *s) {
  for (; *s; s++) {
    if (*s >= 'a' && *s <= 'z') *s -= 'a' - 'A';
    else if (*s >= 'A' && *s <= 'Z') *s += 'a' - 'A';
  }
}

static void reverse(u8 *s, u64 size) {
  for (u64 i = 0, j = size; i < j--; i++) {
    u8 c = s[i];
    s[i] = s[j];
    s[j] = c;
  }
}

static u64 find(const u8 *s, const u8 *part) {
  for (const u8 *at = s; *at; at++) {
    const u8 *p = part, *q = at;
    while (*p && *p == *q) p++, q++;
    if (!*p) return (u64)(at - s);
  }
  return SIZE;
}

u64 kernel(u64 n) {
  static u8 wanted[] = "ab?";
  u64 hash = 0;
  write_text();
  for (u64 i = 0; i < n; i++) {
    u64 size = length(text);
    swap_case(text);
    reverse(text, size);
    wanted[2] = (u8)('a' + i % 26);
    hash = hash * 31 + words(text) + find(text, wanted) + text[i % size];
  }
  return hash;
}
