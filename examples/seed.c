/* A program that writes the words of a function, makes them executable, and calls it.

       armexec run examples/seed.c

   The words are those of `int fn(int num) { return num; }` for AArch64, as clang makes them at -O0. */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const uint32_t words[] = {
    0xD10043FF, /* sub sp, sp, #16    */
    0xB9000FE0, /* str w0, [sp, #12]  */
    0xB9400FE0, /* ldr w0, [sp, #12]  */
    0x910043FF, /* add sp, sp, #16    */
    0xD65F03C0, /* ret                */
};

int main(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_JIT
    flags |= MAP_JIT; /* as macOS wants it */
#endif
    void *page = mmap(NULL, sizeof words, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (page == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    memcpy(page, words, sizeof words);
    if (mprotect(page, sizeof words, PROT_READ | PROT_EXEC)) {
        perror("mprotect");
        return 1;
    }
    __builtin___clear_cache(page, (char *)page + sizeof words);

    int (*fn)(int) = (int (*)(int))page;
    printf("%d\n", fn(3));
    return 0;
}
