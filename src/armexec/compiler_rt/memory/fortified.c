// void *__memcpy_chk(void *to, const void *from, size_t size, size_t room) and the like: what _FORTIFY_SOURCE, which
// macOS's headers turn on, makes of copies.

#include "../stop.h"

typedef unsigned long u64;

void *memcpy(void *to, const void *from, u64 size);
void *memmove(void *to, const void *from, u64 size);
void *memset(void *to, int byte, u64 size);

#define CHECKED(name, type) \
    void *__##name##_chk(void *to, type from, u64 size, u64 room) \
    { \
        if (size > room) \
            stop(); \
        return name(to, from, size); \
    }

CHECKED(memcpy, const void *)
CHECKED(memmove, const void *)
CHECKED(memset, int)
