// void *__dynamic_cast(const void *object, const type_info *from, const type_info *to, ptrdiff_t hint)
//
// ISO C++, [expr.dynamic.cast]: down to a class that the object is a public base of, if it is one of a single object of
// that class; else to the whole object's only public base of that class, if the object is a public base as well.

#include "rtti.h"

#define VIRTUAL 1
#define PUBLIC 2

typedef struct {
    const void *object;
    const Type *from, *to;
    // Whether the object is a public base of the whole.
    int from_is_public;
    // Objects of the class asked for: one of them, how many, and whether it is a public base of the whole.
    const void *target;
    int targets, target_is_public;
    // Those among them that the object is a base of, and whether it is a public one.
    const void *derived;
    int deriving, derived_is_public;
} Search;

static int same(const Type *a, const Type *b)
{
    // On macOS the highest bit says that a name isn't the only one of its type.
    const char *x = (const char *)((u64)a->name << 1 >> 1), *y = (const char *)((u64)b->name << 1 >> 1);
    if (x == y)
        return 1;
    while (*x && *x == *y)
        x++, y++;
    return *x == *y;
}

// Calls `visit` for each base of what is of a type and at an address.
typedef int (*Visit)(const Type *type, const char *at, int is_public, Search *search);

static int each_base(const Type *type, const char *at, int is_public, Search *search, Visit visit)
{
    if (type->methods == single_base_types.methods)
        return visit(((const SingleBase *)type)->base, at, is_public, search);
    if (type->methods != many_base_types.methods)
        return 0;
    const ManyBases *many = (const ManyBases *)type;
    int all = 0;
    for (unsigned i = 0; i < many->count; i++) {
        long offset = many->bases[i].offset_and_flags >> 8, flags = many->bases[i].offset_and_flags;
        if (flags & VIRTUAL)
            offset = *(const long *)(*(const char *const *)at + offset);
        all |= visit(many->bases[i].base, at + offset, is_public && flags & PUBLIC, search);
    }
    return all;
}

// 1 if the object is a base of what is given, 3 if a public one.
static int contains(const Type *type, const char *at, int is_public, Search *search)
{
    int found = at == search->object && same(type, search->from) ? 1 | is_public << 1 : 0;
    return found | each_base(type, at, is_public, search, contains);
}

static int look(const Type *type, const char *at, int is_public, Search *search)
{
    if (at == search->object && same(type, search->from))
        search->from_is_public |= is_public;
    if (same(type, search->to)) {
        if (search->target != at) {
            search->targets++;
            search->target = at;
            search->target_is_public = 0;
        }
        search->target_is_public |= is_public;
        int derived = contains(type, at, 1, search);
        if (derived && search->derived != at) {
            search->deriving++;
            search->derived = at;
            search->derived_is_public = derived >> 1;
        }
    }
    return each_base(type, at, is_public, search, look);
}

void *__dynamic_cast(const void *object, const Type *from, const Type *to, long hint)
{
    (void)hint;
    const long *methods = *(const long *const *)object;
    Search search = {.object = object, .from = from, .to = to};
    look((const Type *)methods[-1], (const char *)object + methods[-2], 1, &search);
    if (search.deriving == 1 && search.derived_is_public)
        return (void *)search.derived;
    if (search.targets == 1 && search.target_is_public && search.from_is_public)
        return (void *)search.target;
    return 0;
}
