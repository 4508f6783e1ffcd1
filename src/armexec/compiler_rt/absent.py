"""Functions of compilers' own libraries that are absent here, with reasons."""

from __future__ import annotations

import re

__all__ = ["why_absent"]

_FORMATS = "f|l|f128|h|x|q|"
_MATHEMATICS = (
    "acos|asin|atan|atan2|ceil|cos|cosh|erf|exp|exp2|exp10|expm1|fabs|floor|fma|fmax|fmin|fmod|hypot|ldexp|log|log10|"
    "log1p|log2|lrint|lround|llrint|llround|nearbyint|pow|remainder|rint|round|roundeven|scalbn|sin|sincos|sincospi|sinh|"
    "sqrt|tan|tanh|tgamma|trunc"
)
_OPERATIONS = "add|sub|mul|div|neg|cmp|eq|ne|lt|le|gt|ge|unord|powi|extend|trunc|fix|float"
_WHERE = "which only code of ELF objects can have, on the engines translated and reference"
_REASONS = [
    (rf"(__)?({_MATHEMATICS})({_FORMATS})(_stret)?", f"it is the mathematical library's, {_WHERE}"),
    (r"__(mem|str|st|[sv]n?printf|f?printf)\w*_chk|__strncat_chk", f"it is the C library's, {_WHERE}"),
    (r"__eprintf|atomic_\w+|pthread_\w+", f"it is the C library's, {_WHERE}"),
    (r"_Unwind_\w+|__(de)?register_frame\w*|__frame_state_for", f"it is the unwinder's, {_WHERE}"),
    (
        r"__cxa_(get_globals(_fast)?|\w*dependent_exception|init_primary_exception|tm_cleanup|throw_bad_array_length)",
        f"C++ exceptions need the C++ library, {_WHERE}",
    ),
    (
        r"__emutls_\w+|__tls_get_addr|_tlv_bootstrap|__cxa_thread_atexit(_impl)?",
        "armexec has no thread-local variables yet",
    ),
    (r"_ZT[IS](P|PK)?u\d+__SV\w+", "armexec doesn't have SVE"),
    (
        r"_Z(GTt)?(T[VIST])?N?K?(St|S[sabiod]|10__cxxabiv1|9__gnu_cxx)\w*|__cxa_(demangle|vec_\w+)|__gcclibcxx\w+|DW\.ref\..*",
        f"it is the C++ library's, {_WHERE}",
    ),
    (r"__(u?(div|mod)(mod)?ei[45]|fix(uns)?[hsdt]fei|float(un)?ei[hsdt]f)", "only Zig calls it"),
    (r"__\w*(bitint)\w*", "_BitInt of more than 128 bits isn't supported yet"),
    (rf"__({_OPERATIONS})\w*x[fc]\w*", "it is of x87's format, which AArch64 doesn't have"),
    (r"__arm_(sme|tpidr2|za|sc)\w*|__aarch64_sme\w*", "armexec doesn't have SME"),
    (r"__(ubsan|asan|hwasan|msan|tsan|sanitizer|lsan)_\w+", "it is the sanitizers' (-fsanitize-trap needs no library)"),
    (
        r"__(gcov|llvm_profile|llvm_gcov|cyg_profile|sanitizer_cov)_\w+|_?mcount",
        "it is a profiler's, which armexec hasn't",
    ),
    (r"__(hardcfr|strub)_\w+|__morestack\w*", "it is gcc's own library's, and isn't supported"),
]
_INTERNAL = {
    "__CTOR_LIST__",
    "__DTOR_LIST__",
    "__clz_tab",
    "__popcount_tab",
    "__sfp_handle_exceptions",
    "__udiv_w_sdiv",
}


def why_absent(name: str) -> str:
    """The reason why a function is absent, by its linkage name; empty if it belongs to no library."""
    if name in _INTERNAL:
        return "it belongs to libgcc's own functions"
    return next((reason for pattern, reason in _REASONS if re.fullmatch(pattern, name)), "")
