// The classes of type information and the types of the language itself: `typeid(int)`, `typeid(const char *)`.

#include "../stop.h"
#include "rtti.h"

static void called(void) { stop(); }

#define TABLE(name, symbol) \
    extern const Table name __asm__("_ZTV" symbol); \
    const Table name = {0, 0, {called, called, called, called, called, called, called, called, called, called}};

TABLE(type_infos, "St9type_info")
TABLE(fundamental_types, "N10__cxxabiv123__fundamental_type_infoE")
TABLE(pointer_types, "N10__cxxabiv119__pointer_type_infoE")
TABLE(plain_types, "N10__cxxabiv117__class_type_infoE")
TABLE(single_base_types, "N10__cxxabiv120__si_class_type_infoE")
TABLE(many_base_types, "N10__cxxabiv121__vmi_class_type_infoE")
TABLE(enum_types, "N10__cxxabiv116__enum_type_infoE")
TABLE(array_types, "N10__cxxabiv117__array_type_infoE")
TABLE(function_types, "N10__cxxabiv120__function_type_infoE")
TABLE(pointer_bases, "N10__cxxabiv117__pbase_type_infoE")
TABLE(member_pointer_types, "N10__cxxabiv129__pointer_to_member_type_infoE")

extern const char type_info_name[] __asm__("_ZTSSt9type_info");
extern const Type type_info __asm__("_ZTISt9type_info");
const char type_info_name[] = "St9type_info";
const Type type_info = {plain_types.methods, type_info_name};

#define CONST 1

#define TYPE(id, code) \
    extern const char id##_name[] __asm__("_ZTS" code); \
    extern const char id##_pointer_name[] __asm__("_ZTSP" code); \
    extern const char id##_const_pointer_name[] __asm__("_ZTSPK" code); \
    extern const Type id##_type __asm__("_ZTI" code); \
    extern const Pointer id##_pointer __asm__("_ZTIP" code); \
    extern const Pointer id##_const_pointer __asm__("_ZTIPK" code); \
    const char id##_name[] = code; \
    const char id##_pointer_name[] = "P" code; \
    const char id##_const_pointer_name[] = "PK" code; \
    const Type id##_type = {fundamental_types.methods, id##_name}; \
    const Pointer id##_pointer = {{pointer_types.methods, id##_pointer_name}, 0, &id##_type}; \
    const Pointer id##_const_pointer = {{pointer_types.methods, id##_const_pointer_name}, CONST, &id##_type};

// Itanium C++ ABI, 5.1.5.2, "Builtin types".
TYPE(v, "v") TYPE(b, "b") TYPE(w, "w")
TYPE(c, "c") TYPE(a, "a") TYPE(h, "h") TYPE(s, "s") TYPE(t, "t")
TYPE(i, "i") TYPE(j, "j") TYPE(l, "l") TYPE(m, "m") TYPE(x, "x") TYPE(y, "y") TYPE(n, "n") TYPE(o, "o")
TYPE(f, "f") TYPE(d, "d") TYPE(e, "e") TYPE(g, "g")
TYPE(Dn, "Dn") TYPE(Du, "Du") TYPE(Ds, "Ds") TYPE(Di, "Di")
TYPE(Dh, "Dh") TYPE(DF16_, "DF16_") TYPE(DF16b, "DF16b") TYPE(bf16, "u6__bf16")
TYPE(Dd, "Dd") TYPE(De, "De") TYPE(Df, "Df")
