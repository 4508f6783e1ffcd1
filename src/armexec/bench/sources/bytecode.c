/* An interpreter of bytecode, a switch in a loop: its program adds up i * i % 7 for i from n down to 1. */
typedef unsigned char u8;
typedef unsigned long long u64;

enum { PUSH, LOAD, STORE, ADD, SUBTRACT, MULTIPLY, MODULO, JUMP, JUMP_IF_ZERO, DUPLICATE, HALT };
enum { COUNTER, SUM };

static const u8 program[] = {
    PUSH, 0, STORE, SUM,
    LOAD, COUNTER, JUMP_IF_ZERO, 26,                         /* 4: while the counter isn't 0 */
    LOAD, COUNTER, DUPLICATE, MULTIPLY, PUSH, 7, MODULO,     /* 8 */
    LOAD, SUM, ADD, STORE, SUM,                              /* 15 */
    LOAD, COUNTER, PUSH, 1, JUMP, 29,                        /* 20 */
    LOAD, SUM, HALT,                                         /* 26 */
    SUBTRACT, STORE, COUNTER, JUMP, 4,                       /* 29 */
};

__attribute__((noinline)) static u64 interpret(const u8 *code, u64 argument) {
  u64 stack[16], variables[2] = {argument, 0};
  u64 *top = stack;
  const u8 *at = code;
  for (;;) {
    switch (*at++) {
    case PUSH: *top++ = *at++; break;
    case LOAD: *top++ = variables[*at++]; break;
    case STORE: variables[*at++] = *--top; break;
    case ADD: top--; top[-1] += *top; break;
    case SUBTRACT: top--; top[-1] -= *top; break;
    case MULTIPLY: top--; top[-1] *= *top; break;
    case MODULO: top--; top[-1] %= *top; break;
    case JUMP: at = code + *at; break;
    case JUMP_IF_ZERO: at = *--top ? at + 1 : code + *at; break;
    case DUPLICATE: *top = top[-1]; top++; break;
    default: return *--top;
    }
  }
}

u64 kernel(u64 n) { return interpret(program, n); }
