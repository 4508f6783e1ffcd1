"""C declarations into prototypes: `int(int)`, `uint64_t f(const char *text, size_t n)`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from armexec.errors import SignatureError
from armexec.objects import CType, Parameter, Prototype

__all__ = ["parse_prototype"]

# Sizes in bytes under LP64, for both Linux and Apple (AAPCS64, "Arm C and C++ language mappings"). Apple's differences
# (developer.apple.com, "Writing ARM64 code for Apple platforms") follow below.
_INTEGERS: dict[str, tuple[int, bool]] = {
    "signed char": (1, True),
    "unsigned char": (1, False),
    "short": (2, True),
    "unsigned short": (2, False),
    "int": (4, True),
    "unsigned int": (4, False),
    "long": (8, True),
    "unsigned long": (8, False),
    "long long": (8, True),
    "unsigned long long": (8, False),
    "__int128": (16, True),
    "unsigned __int128": (16, False),
}
_TYPEDEFS: dict[str, tuple[int, bool]] = {
    **{f"int{8 << n}_t": (1 << n, True) for n in range(4)},
    **{f"uint{8 << n}_t": (1 << n, False) for n in range(4)},
    "size_t": (8, False),
    "ssize_t": (8, True),
    "ptrdiff_t": (8, True),
    "intmax_t": (8, True),
    "uintmax_t": (8, False),
    "intptr_t": (8, True),
    "uintptr_t": (8, False),
    "wchar_t": (4, False),
    "char8_t": (1, False),
    "char16_t": (2, False),
    "char32_t": (4, False),
    "__int128_t": (16, True),
    "__uint128_t": (16, False),
}
_FLOATS = {
    "_Float16": 2,
    "__fp16": 2,
    "__bf16": 2,
    "float16_t": 2,
    "bfloat16_t": 2,
    "float": 4,
    "_Float32": 4,
    "float32_t": 4,
    "double": 8,
    "_Float64": 8,
    "_Float32x": 8,
    "float64_t": 8,
    "long double": 16,
    "_Float64x": 16,
    "_Float128": 16,
    "__float128": 16,
}
_BFLOAT16 = {"__bf16", "bfloat16_t"}
_APPLE_FLOATS = {**_FLOATS, "long double": 8}
_APPLE_SIGNED = {"char", "wchar_t"}
_NAMES = (*_TYPEDEFS, *(name for name in _FLOATS if name not in {"float", "double", "long double"}))
_LONGEST = 1 << 16
_QUALIFIERS = re.compile(r"\b(?:__restrict__|__restrict|restrict|_Noreturn|noexcept|extern|inline|static)\b")


@lru_cache(maxsize=512)
def parse_prototype(text: str, *, apple: bool = False) -> Prototype:
    """The prototype of a C function declaration; the function's name may be left out (`int(int)`).

    Args:
        text: the declaration, with or without a semicolon. The types of <stdint.h> and <stddef.h> are known;
            `bool` is `_Bool`.
        apple: for Apple's systems, where `char` and `wchar_t` are signed, and a `long double` is a `double`.

    Raises:
        SignatureError: it isn't the declaration of one function.
    """
    from pycparser import CParser, c_ast

    if len(text) > _LONGEST:
        raise SignatureError(f"the signature has {len(text)} characters, and at most {_LONGEST} are read")
    failure: Exception | None = None
    declaration = _QUALIFIERS.sub(" ", text).strip().rstrip(";").strip()
    if not declaration:
        raise SignatureError('the signature is empty: write a C prototype such as "int(int)"')
    declaration = re.sub(r"\bbool\b", "_Bool", declaration)
    prelude = "".join(f"typedef int {n};" for n in _NAMES)
    # `unsigned __int128` is two words to C, and one type name to the parser.
    declaration = re.sub(r"\bunsigned\s+__int128\b", "__uint128_t", declaration)
    declaration = re.sub(r"\bsigned\s+__int128\b", "__int128_t", declaration)
    # `int(int)` has no name and isn't C: a name is inserted before the parameters.
    for attempt in (declaration, declaration.replace("(", " __armexec_name(", 1)):
        try:
            tree = CParser().parse(f"{prelude}{attempt};", filename="signature")
        except Exception as error:
            failure = error
            continue
        nodes = tree.ext[len(_NAMES) :]
        if len(nodes) == 1 and isinstance(nodes[0], c_ast.Decl) and isinstance(nodes[0].type, c_ast.FuncDecl):
            break
        failure = None
    else:
        shown = repr(text if len(text) <= 200 else f"{text[:200]}...")
        if isinstance(failure, RecursionError):
            raise SignatureError(f"the signature {shown} is nested too deeply") from None
        raise SignatureError(
            f'can\'t read the signature {shown} as that of one function: write a C prototype such as "int(int)"'
        ) from failure
    name = nodes[0].name or ""
    reader = _Reader(text, apple)
    try:
        result, parameters, variadic = reader.function(nodes[0].type)
        hash((result, parameters))
    except RecursionError:
        raise SignatureError(f"the signature {text[:200]!r}... is nested too deeply") from None
    return Prototype("" if name == "__armexec_name" else name, result, parameters, variadic)


class _Reader:
    """pycparser's tree into types."""

    def __init__(self, text: str, apple: bool) -> None:
        self.text = text
        self.apple = apple

    def function(self, node: Any) -> tuple[CType, tuple[Parameter, ...], bool]:
        from pycparser import c_ast

        parameters: list[Parameter] = []
        variadic = False
        for parameter in node.args.params if node.args else ():
            if isinstance(parameter, c_ast.EllipsisParam):
                variadic = True
                continue
            if isinstance(parameter, c_ast.ID):
                raise SignatureError(
                    f"the signature {self.text!r} has a parameter {parameter.name!r} without a known type"
                )
            ctype = self.type(parameter.type)
            if ctype.kind == "array":
                ctype = CType("pointer", 8, target=ctype.target, align=8)
            elif ctype.kind == "function":
                ctype = CType("pointer", 8, target=ctype, align=8)
            parameters.append(Parameter(getattr(parameter, "name", None) or "", ctype))
        if len(parameters) == 1 and parameters[0].type.kind == "void":
            parameters = []
        if any(p.type.kind == "void" for p in parameters):
            raise SignatureError(f"the signature {self.text!r} has a parameter of type void")
        return self.type(node.type), tuple(parameters), variadic

    def type(self, node: Any) -> CType:
        from dataclasses import replace

        from pycparser import c_ast

        if isinstance(node, c_ast.TypeDecl):
            ctype = self.type(node.type)
            return replace(ctype, const=True) if "const" in node.quals else ctype
        if isinstance(node, c_ast.PtrDecl):
            return CType("pointer", 8, target=self.type(node.type), align=8, const="const" in node.quals)
        if isinstance(node, c_ast.ArrayDecl):
            element = self.type(node.type)
            count = int(node.dim.value, 0) if isinstance(node.dim, c_ast.Constant) else None
            return CType("array", element.size * (count or 0), target=element, count=count, align=element.align)
        if isinstance(node, c_ast.FuncDecl):
            result, parameters, variadic = self.function(node)
            return CType("function", target=result, parameters=tuple(p.type for p in parameters), variadic=variadic)
        if isinstance(node, c_ast.IdentifierType):
            return self.named(node.names)
        if isinstance(node, c_ast.Enum):
            return CType("enum", 4, f"enum {node.name}" if node.name else "", align=4)
        if isinstance(node, c_ast.Struct | c_ast.Union):
            kind = "struct" if isinstance(node, c_ast.Struct) else "union"
            return CType("struct" if kind == "struct" else "union", 0, f"{kind} {node.name or ''}".strip())
        raise SignatureError(f"the signature {self.text!r} has a type that can't be read")

    def named(self, words: list[str]) -> CType:
        name = " ".join(words)
        if name == "void":
            return CType("void", name="void")
        if name == "_Bool":
            return CType("bool", 1, "_Bool", align=1)
        if name in _TYPEDEFS:
            size, signed = _TYPEDEFS[name]
            signed |= self.apple and name in _APPLE_SIGNED
            return CType("int", size, name, signed, align=size)
        if name == "char":
            return CType("int", 1, "char", self.apple, align=1)
        # `double long` in any order.
        if "double" in words:
            name = " ".join(sorted(words, reverse=True))
        if name in _FLOATS:
            size = (_APPLE_FLOATS if self.apple else _FLOATS)[name]
            format: Literal["", "bfloat16"] = "bfloat16" if name in _BFLOAT16 else ""
            return CType("float", size, name, True, align=size, format=format)
        # `long unsigned int` in any order.
        rest = sorted(word for word in words if word not in ("int", "signed"))
        unsigned = "unsigned" in rest
        if unsigned:
            rest.remove("unsigned")
        key = " ".join(rest) or "int"
        if key == "char":
            key = "signed char" if not unsigned else "char"
        key = f"unsigned {key}" if unsigned else key
        if key in _INTEGERS:
            size, signed = _INTEGERS[key]
            return CType("int", size, key, signed, align=size)
        raise SignatureError(f"the signature {self.text!r} has an unknown type {name!r}")
