/* Macros of assembly that the preprocessor makes. */
#define L(label) .L ## label
#define ENTRY_ALIGN(name, alignment) \
  .global name; \
  .type name, %function; \
  .p2align alignment; \
  name: \
  .cfi_startproc; \
  hint 34;
#define ENTRY(name) ENTRY_ALIGN(name, 6)
#define ENTRY_ALIAS(name) \
  .global name; \
  .type name, %function; \
  name:
#define END(name) \
  .cfi_endproc; \
  .size name, .-name;
#define FEATURE_1_AND 0xc0000000
/* What the object says of branch target identification and pointer authentication. */
#define PROPERTIES \
  .pushsection .note.gnu.property, "a"; \
  .p2align 3; \
  .word 4; \
  .word 16; \
  .word 5; \
  .asciz "GNU"; \
  .word FEATURE_1_AND; \
  .word 4; \
  .word 3; \
  .word 0; \
  .popsection
