// State machines: protocol and text scanners by switch and by table, a bytecode interpreter, a stack machine, automata.
#include <stdint.h>

enum { OUTSIDE, IN_WORD, IN_NUMBER, IN_STRING, ESCAPED, COMMENT };

static const char *const texts[] = {
    "a 12 \"x\\\"y\" # end", "", "foo bar42 007", "\"open", "x=1+22*y3", "# only a comment",
};

//@ cases: (0) (1) (2) (3) (4) (5)
//@ where: which=0..5
uint32_t tokenize(uint8_t which) {
    uint32_t words = 0, numbers = 0, strings = 0, others = 0;
    int state = OUTSIDE;
    for (const char *s = texts[which];; s++) {
        unsigned char c = (unsigned char)*s;
        _Bool letter = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
        switch (state) {
        case IN_WORD:
            if (letter || digit)
                continue;
            state = OUTSIDE;
            break;
        case IN_NUMBER:
            if (digit)
                continue;
            state = OUTSIDE;
            break;
        case IN_STRING:
            if (c == '\\')
                state = ESCAPED;
            else if (c == '"')
                state = OUTSIDE;
            if (c)
                continue;
            return 0xffffffff;
        case ESCAPED:
            state = IN_STRING;
            continue;
        case COMMENT:
            if (c)
                continue;
            break;
        }
        if (c == 0)
            return words | numbers << 8 | strings << 16 | others << 24;
        if (letter) {
            words++;
            state = IN_WORD;
        } else if (digit) {
            numbers++;
            state = IN_NUMBER;
        } else if (c == '"') {
            strings++;
            state = IN_STRING;
        } else if (c == '#')
            state = COMMENT;
        else if (c != ' ')
            others++;
    }
}

//@ cases: (0) (1) (6) (7) (0xffffffff) random:6
_Bool divisible_by_three(uint32_t x) {
    static const uint8_t next[3][2] = {{0, 1}, {2, 0}, {1, 2}};
    uint8_t state = 0;
    for (int i = 31; i >= 0; i--)
        state = next[state][x >> i & 1];
    return state == 0;
}

// Register machine: opcode, destination, source bytes.
enum { HALT, LOAD, MOVE, ADD, SUB, MUL, JUMP, JUMP_IF_ZERO, DECREMENT, XOR, SHIFT };

static const uint8_t programs[][24] = {
    {LOAD, 1, 1, LOAD, 2, 0, ADD, 2, 1, MUL, 1, 0, HALT},
    // factorial of r0 in r2
    {LOAD, 2, 1, JUMP_IF_ZERO, 0, 15, MUL, 2, 0, DECREMENT, 0, 0, JUMP, 0, 3, HALT},
    // sum of 1..r0 in r2
    {LOAD, 2, 0, JUMP_IF_ZERO, 0, 15, ADD, 2, 0, DECREMENT, 0, 0, JUMP, 0, 3, HALT},
    {MOVE, 2, 0, SHIFT, 2, 3, XOR, 2, 0, SUB, 2, 0, HALT},
};

//@ cases: (0, 5) (1, 5) (1, 0) (2, 7) (3, 99) random:4
//@ where: which=0..3, input=0..8
//@ heavy: (2, 1000)
int64_t bytecode(uint8_t which, uint32_t input) {
    uint64_t r[4] = {input, 0, 0, 0};
    const uint8_t *program = programs[which], *pc = program;
    for (;;) {
        uint8_t a = pc[1], b = pc[2];
        switch (pc[0]) {
        case HALT: return (int64_t)r[2];
        case LOAD: r[a] = b; break;
        case MOVE: r[a] = r[b]; break;
        case ADD: r[a] += r[b]; break;
        case SUB: r[a] -= r[b]; break;
        case MUL: r[a] *= r[b]; break;
        case JUMP: pc = program + b; continue;
        case JUMP_IF_ZERO:
            if (r[a] == 0) {
                pc = program + b;
                continue;
            }
            break;
        case DECREMENT: r[a]--; break;
        case XOR: r[a] ^= r[b]; break;
        case SHIFT: r[a] <<= b; break;
        default: return -1;
        }
        pc += 3;
    }
}

//@ cases: (0, 5) (1, 5) (1, 0) (2, 7) (3, 99) random:4
//@ where: which=0..3, input=0..8
//@ heavy: (2, 1000)
int64_t bytecode_threaded(uint8_t which, uint32_t input) {
    static const void *const labels[] = {&&halt, &&load, &&move, &&add, &&sub, &&mul, &&jump, &&jump_if_zero,
                                         &&decrement, &&exclusive_or, &&shift};
    uint64_t r[4] = {input, 0, 0, 0};
    const uint8_t *program = programs[which], *pc = program;
    goto *labels[*pc];
#define NEXT                                                                                                           \
    pc += 3;                                                                                                           \
    goto *labels[*pc]
load:
    r[pc[1]] = pc[2];
    NEXT;
move:
    r[pc[1]] = r[pc[2]];
    NEXT;
add:
    r[pc[1]] += r[pc[2]];
    NEXT;
sub:
    r[pc[1]] -= r[pc[2]];
    NEXT;
mul:
    r[pc[1]] *= r[pc[2]];
    NEXT;
jump:
    pc = program + pc[2];
    goto *labels[*pc];
jump_if_zero:
    pc = r[pc[1]] == 0 ? program + pc[2] : pc + 3;
    goto *labels[*pc];
decrement:
    r[pc[1]]--;
    NEXT;
exclusive_or:
    r[pc[1]] ^= r[pc[2]];
    NEXT;
shift:
    r[pc[1]] <<= pc[2];
    NEXT;
halt:
    return (int64_t)r[2];
#undef NEXT
}

static const char *const postfix[] = {"34+2*", "99*9*9*", "12-3-4-", "7", "12+34+*", "5d*", "+", "123", "98s-"};

//@ cases: (0) (1) (2) (3) (4) (5) (6) (7) (8)
//@ where: which=0..8
int stack_machine(uint8_t which) {
    int stack[8], depth = 0;
    for (const char *s = postfix[which]; *s; s++) {
        if (*s >= '0' && *s <= '9') {
            if (depth == 8)
                return -1000;
            stack[depth++] = *s - '0';
            continue;
        }
        if (depth < (*s == 'd' ? 1 : 2))
            return -1001;
        int top = stack[depth - 1], below = depth > 1 ? stack[depth - 2] : 0;
        switch (*s) {
        case '+': stack[--depth - 1] = below + top; break;
        case '-': stack[--depth - 1] = below - top; break;
        case '*': stack[--depth - 1] = below * top; break;
        case 'd': stack[depth++] = top; break;
        case 's':
            stack[depth - 1] = below;
            stack[depth - 2] = top;
            break;
        default: return -1002;
        }
    }
    return depth == 1 ? stack[0] : -1003;
}

//@ cases: (30, 1, 4) (110, 1, 10) (90, 0x8000, 3) random:4
//@ where: steps=0..6
uint64_t cellular_automaton(uint8_t rule, uint64_t cells, uint8_t steps) {
    while (steps--) {
        uint64_t left = cells << 1 | cells >> 63, right = cells >> 1 | cells << 63, next = 0;
        for (int pattern = 0; pattern < 8; pattern++)
            if (rule >> pattern & 1)
                next |= (pattern & 4 ? left : ~left) & (pattern & 2 ? cells : ~cells) & (pattern & 1 ? right : ~right);
        cells = next;
    }
    return cells;
}

//@ cases: (0x1c0000, 0)
//@ heavy: (0x1c0000, 1) (0x0000001818000000, 2) (0x38382010, 12)
uint64_t game_of_life(uint64_t board, uint8_t generations) {
    while (generations--) {
        uint64_t next = 0;
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++) {
                int neighbours = 0;
                for (int d = 0; d < 9; d++)
                    if (d != 4)
                        neighbours += (int)(board >> (((y + d / 3 + 7) & 7) * 8 + ((x + d % 3 + 7) & 7)) & 1);
                _Bool alive = board >> (y * 8 + x) & 1;
                if (neighbours == 3 || (alive && neighbours == 2))
                    next |= 1ull << (y * 8 + x);
            }
        board = next;
    }
    return board;
}

// A door: each call is an event that may move it to another state.
static enum { CLOSED, OPENING, OPEN, CLOSING, LOCKED } door;
static unsigned transitions;

//@ cases: ()
void door_reset(void) {
    door = CLOSED;
    transitions = 0;
}

//@ before: door_reset
//@ cases: (0) (1) (2) (3) (0) (4) (0) (5) (3) (0) (1) (2) (3) random:10
//@ where: event=0..5
unsigned door_event(unsigned event) {
    int old = door;
    switch (door) {
    case CLOSED: door = event == 0 ? OPENING : event == 4 ? LOCKED : CLOSED; break;
    case OPENING: door = event == 1 ? OPEN : event == 2 ? CLOSING : OPENING; break;
    case OPEN: door = event == 2 ? CLOSING : OPEN; break;
    case CLOSING: door = event == 3 ? CLOSED : event == 0 ? OPENING : CLOSING; break;
    case LOCKED: door = event == 5 ? CLOSED : LOCKED; break;
    }
    transitions += (int)door != old;
    return door * 100 + transitions;
}
