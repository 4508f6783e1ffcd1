// Run-time type information. Itanium C++ ABI, 2.9.5.

#pragma once

typedef unsigned long u64;

typedef struct Type {
    const void *const *methods;
    const char *name;
} Type;

typedef struct {
    Type type;
    const Type *base;
} SingleBase;

typedef struct {
    Type type;
    unsigned flags, count;
    struct {
        const Type *base;
        long offset_and_flags;
    } bases[];
} ManyBases;

typedef struct {
    Type type;
    unsigned flags;
    const Type *pointee;
} Pointer;

// The classes of type information, by which a type tells what follows its name. A table of virtual functions begins
// with the offset to the whole object and its type; nobody but a C++ library calls the functions.
typedef struct {
    long offset_to_top;
    const Type *type;
    const void *methods[10];
} Table;

extern const Table fundamental_types __asm__("_ZTVN10__cxxabiv123__fundamental_type_infoE");
extern const Table pointer_types __asm__("_ZTVN10__cxxabiv119__pointer_type_infoE");
extern const Table single_base_types __asm__("_ZTVN10__cxxabiv120__si_class_type_infoE");
extern const Table many_base_types __asm__("_ZTVN10__cxxabiv121__vmi_class_type_infoE");
