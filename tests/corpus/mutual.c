// Mutual calls: functions that call each other, public and static, and a recursive-descent parser of static strings.
#include <stdint.h>

_Bool odd(unsigned n);

//@ cases: (0) (1) (17) (40)
_Bool even(unsigned n) {
    return n == 0 ? 1 : odd(n - 1);
}

//@ cases: (0) (1) (17) (40)
_Bool odd(unsigned n) {
    return n == 0 ? 0 : even(n - 1);
}

int male(int n);

//@ cases: (0) (3) (6)
//@ heavy: (30)
int female(int n) {
    return n == 0 ? 1 : n - male(female(n - 1));
}

//@ cases: (0) (3) (6)
//@ heavy: (30)
int male(int n) {
    return n == 0 ? 0 : n - female(male(n - 1));
}

// expression: term (('+'|'-') term)* ; term: factor (('*'|'/'|'%') factor)* ; factor: '-' factor | '(' ... ')' | number
static const char *cursor;
static int parse_errors;

static int64_t parse_expression(void);

static void skip_blanks(void) {
    while (*cursor == ' ')
        cursor++;
}

static int64_t parse_factor(void) {
    skip_blanks();
    if (*cursor == '-') {
        cursor++;
        return -parse_factor();
    }
    if (*cursor == '(') {
        cursor++;
        int64_t value = parse_expression();
        skip_blanks();
        if (*cursor == ')')
            cursor++;
        else
            parse_errors++;
        return value;
    }
    if (*cursor < '0' || *cursor > '9') {
        parse_errors++;
        return 0;
    }
    int64_t value = 0;
    while (*cursor >= '0' && *cursor <= '9')
        value = value * 10 + (*cursor++ - '0');
    return value;
}

static int64_t parse_term(void) {
    int64_t value = parse_factor();
    for (;;) {
        skip_blanks();
        char op = *cursor;
        if (op != '*' && op != '/' && op != '%')
            return value;
        cursor++;
        int64_t right = parse_factor();
        if (op == '*')
            value *= right;
        else if (right == 0)
            parse_errors++;
        else if (op == '/')
            value /= right;
        else
            value %= right;
    }
}

static int64_t parse_expression(void) {
    int64_t value = parse_term();
    for (;;) {
        skip_blanks();
        if (*cursor == '+') {
            cursor++;
            value += parse_term();
        } else if (*cursor == '-') {
            cursor++;
            value -= parse_term();
        } else
            return value;
    }
}

static const char *const expressions[] = {
    "1+2*3", "(1+2)*3", " 10 - 4 - 3 ", "2*(3+4)*(5-6)", "-(-7)", "100/7%5", "((((((1))))))", "1/0", "(1+2", "",
    "12345678901*9", "-3*-(2+ 1) - 8 / (4 - 2)",
};

//@ cases: (0) (1) (2) (3) (4) (5) (6) (7) (8) (9) (10) (11)
//@ where: which=0..11
int64_t evaluate(uint8_t which) {
    cursor = expressions[which];
    parse_errors = 0;
    int64_t value = parse_expression();
    return parse_errors || *cursor ? -9999 - parse_errors : value;
}

// A JSON-like recogniser: returns the deepest nesting, or minus the offset of the first error.
static const char *text, *position;
static int deepest;

static _Bool value(int depth);

static _Bool string(void) {
    position++;
    while (*position != '"') {
        if (*position == '\\')
            position++;
        if (*position == 0)
            return 0;
        position++;
    }
    position++;
    return 1;
}

static _Bool members(int depth, char close, _Bool keys) {
    position++;
    if (*position == close) {
        position++;
        return 1;
    }
    for (;;) {
        if (keys) {
            if (*position != '"' || !string() || *position != ':')
                return 0;
            position++;
        }
        if (!value(depth + 1))
            return 0;
        if (*position == close) {
            position++;
            return 1;
        }
        if (*position != ',')
            return 0;
        position++;
    }
}

static _Bool value(int depth) {
    if (depth > deepest)
        deepest = depth;
    switch (*position) {
    case '[': return members(depth, ']', 0);
    case '{': return members(depth, '}', 1);
    case '"': return string();
    case '0' ... '9':
        while (*position >= '0' && *position <= '9')
            position++;
        return 1;
    default: return 0;
    }
}

static const char *const documents[] = {
    "[]", "{\"a\":[1,22,{\"b\":\"c\\\"d\"}],\"e\":3}", "[[[[[[1]]]]]]", "[1,", "{\"a\":}", "{1:2}", "17", "\"open", "[1]]",
};

//@ cases: (0) (1) (2) (3) (4) (5) (6) (7) (8)
//@ where: which=0..8
int nesting(int which) {
    text = position = documents[which];
    deepest = 0;
    if (!value(1) || *position)
        return -(int)(position - text);
    return deepest;
}

// Three states that hand over to each other by tail calls.
static __attribute__((noinline)) uint32_t state_a(uint32_t n, uint32_t x);
static __attribute__((noinline)) uint32_t state_b(uint32_t n, uint32_t x);
static __attribute__((noinline)) uint32_t state_c(uint32_t n, uint32_t x);

static uint32_t state_a(uint32_t n, uint32_t x) {
    return n == 0 ? x : x & 1 ? state_b(n - 1, x * 3 + 1) : state_c(n - 1, x >> 1);
}

static uint32_t state_b(uint32_t n, uint32_t x) {
    return n == 0 ? ~x : x & 2 ? state_c(n - 1, x + n) : state_a(n - 1, x ^ 0x5a5a);
}

static uint32_t state_c(uint32_t n, uint32_t x) {
    return n == 0 ? x * 7 : x & 4 ? state_a(n - 1, x - n) : state_b(n - 1, x << 3 | x >> 29);
}

//@ cases: (0, 1) (1, 1) (30, 12345) random:6
//@ where: n=0..60
//@ heavy: (1000, 99)
uint32_t tail_call_states(uint32_t n, uint32_t x) {
    return state_a(n, x);
}
