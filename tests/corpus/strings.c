// Strings: literals, tables of literals, the usual loops over bytes, conversions, searching, escapes.
#include <stddef.h>
#include <stdint.h>

static const char *const words[] = {
    "", "a", "abc", "abd", "hello, world", "The quick brown fox", "mississippi", "racecar", "\x01\x7f\xff", "12ab",
    "-2147483648", "  +42xyz",
};

static __attribute__((noinline)) size_t length(const char *s) {
    const char *e = s;
    while (*e)
        e++;
    return (size_t)(e - s);
}

//@ cases: (0) (1) (2) (4) (5) (8) random:3
//@ where: i=0..11
size_t string_length(unsigned i) {
    return length(words[i]);
}

//@ cases: (2, 3) (3, 2) (2, 2) (0, 1) (8, 1) random:6
//@ where: i=0..11, j=0..11
int string_compare(uint8_t i, uint8_t j) {
    const unsigned char *a = (const unsigned char *)words[i], *b = (const unsigned char *)words[j];
    while (*a && *a == *b)
        a++, b++;
    return *a - *b;
}

//@ cases: (4, 111) (4, 0) (4, 122) (6, 115) random:4
//@ where: i=0..11
int last_index(uint8_t i, unsigned char c) {
    int found = -1;
    for (int at = 0; words[i][at]; at++)
        if ((unsigned char)words[i][at] == c)
            found = at;
    return found;
}

//@ cases: (9) (10) (11) (0) (4)
//@ where: i=0..11
int64_t to_integer(uint8_t i) {
    const char *s = words[i];
    while (*s == ' ')
        s++;
    _Bool negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    int64_t value = 0;
    while ((unsigned char)(*s - '0') < 10)
        value = value * 10 + (*s++ - '0');
    return negative ? -value : value;
}

static char output[80];
static size_t output_length;

static void put(char c) {
    if (output_length < sizeof output - 1)
        output[output_length++] = c;
    output[output_length] = 0;
}

//@ cases: ()
uint64_t output_checksum(void) {
    uint64_t sum = output_length;
    for (size_t i = 0; i < output_length; i++)
        sum = sum * 0x100000001b3 ^ (unsigned char)output[i];
    return sum;
}

//@ after: output_checksum
//@ cases: (0, 10) (255, 16) (255, 2) (18446744073709551615, 36) (18446744073709551615, 10) random:5
//@ where: base=2..36
void format_unsigned(uint64_t value, uint8_t base) {
    char digits[64];
    int n = 0;
    do
        digits[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % base];
    while (value /= base);
    output_length = 0;
    while (n)
        put(digits[--n]);
}

static void put_string(const char *s) {
    while (*s)
        put(*s++);
}

static void put_signed(long value) {
    if (value < 0)
        put('-');
    unsigned long magnitude = value < 0 ? 0ul - (unsigned long)value : (unsigned long)value;
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + magnitude % 10);
    while (magnitude /= 10);
    while (n)
        put(digits[--n]);
}

//@ after: output_checksum
//@ cases: (0, -5, 2) (1, 77, 3) (2, 2147483647, 6) random:4
//@ where: which=0..2, word=0..11
void format_template(uint8_t which, int32_t number, uint8_t word) {
    static const char *const templates[] = {"n=%d s=%s", "[%s] %% (%d)", "%x:%d:%c"};
    output_length = 0;
    for (const char *t = templates[which]; *t; t++) {
        if (*t != '%') {
            put(*t);
            continue;
        }
        switch (*++t) {
        case 'd': put_signed(number); break;
        case 's': put_string(words[word]); break;
        case 'c': put((char)('A' + (number & 15))); break;
        case 'x':
            for (int shift = 28; shift >= 0; shift -= 4)
                put("0123456789ABCDEF"[(uint32_t)number >> shift & 15]);
            break;
        default: put(*t);
        }
    }
}

//@ cases: (7) (4) (0) (1) (5)
//@ where: i=0..11
_Bool palindrome(uint8_t i) {
    size_t n = length(words[i]);
    for (size_t at = 0; at < n / 2; at++)
        if (words[i][at] != words[i][n - 1 - at])
            return 0;
    return 1;
}

//@ after: output_checksum
//@ cases: (4, 3) (5, 13) (5, 0) random:3
//@ where: word=0..11, by=0..25
void caesar(uint8_t word, uint8_t by) {
    output_length = 0;
    for (const char *s = words[word]; *s; s++) {
        char c = *s;
        if (c >= 'a' && c <= 'z')
            c = (char)('a' + (c - 'a' + by) % 26);
        else if (c >= 'A' && c <= 'Z')
            c = (char)('A' + (c - 'A' + by) % 26);
        put(c);
    }
}

//@ cases: (6, 0) (6, 1) (6, 2) (6, 3) (5, 4)
//@ where: i=0..11, j=0..4
int find_substring(uint8_t i, uint8_t j) {
    static const char *const needles[] = {"issi", "ssip", "", "x", "own"};
    for (int at = 0;; at++) {
        int k = 0;
        while (needles[j][k] && words[i][at + k] == needles[j][k])
            k++;
        if (!needles[j][k])
            return at;
        if (!words[i][at])
            return -1;
    }
}

//@ cases: (4) (5) (6) (0)
//@ where: i=0..11
uint64_t letter_counts(uint8_t i) {
    uint8_t counts[26];
    for (volatile int n = 0; n < 26; n++)
        counts[n] = 0;
    for (const char *s = words[i]; *s; s++) {
        unsigned letter = ((unsigned char)*s | 32u) - 'a';
        if (letter < 26)
            counts[letter]++;
    }
    uint64_t sum = 0;
    for (int n = 0; n < 26; n++)
        sum = sum * 5 + counts[n];
    return sum;
}

//@ after: output_checksum
//@ cases: (6) (2) (0) (4)
//@ where: i=0..11
uint32_t run_length(uint8_t i) {
    output_length = 0;
    uint32_t runs = 0;
    for (const char *s = words[i]; *s; runs++) {
        const char *start = s;
        while (*s == *start)
            s++;
        put(*start);
        put((char)('0' + (s - start)));
    }
    return runs;
}

//@ cases: (0x41) (0xe9) (0x20ac) (0x1f600) (0x110000) (0xd800) (0) random:4
uint64_t utf8_encode(uint32_t c) {
    if (c < 0x80)
        return c;
    if (c < 0x800)
        return (0xc0 | c >> 6) << 8 | 0x80 | (c & 63);
    if (c - 0xd800 < 0x800 || c > 0x10ffff)
        return 0xefbfbd;
    if (c < 0x10000)
        return (0xe0 | c >> 12) << 16 | (0x80 | (c >> 6 & 63)) << 8 | 0x80 | (c & 63);
    return (uint64_t)(0xf0 | c >> 18) << 24 | (0x80 | (c >> 12 & 63)) << 16 | (0x80 | (c >> 6 & 63)) << 8 | 0x80 | (c & 63);
}

//@ cases: (1994) (3999) (4) (1) (0) random:4
//@ where: n=0..3999
//@ after: output_checksum
void roman(uint16_t n) {
    static const struct {
        uint16_t value;
        char text[3];
    } parts[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                 {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
    output_length = 0;
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (; n >= parts[i].value; n -= parts[i].value)
            put_string(parts[i].text);
}
