"""C declarations into prototypes and types: `int(int)`, `struct p { int x, y; }; int f(struct p p)`."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from armexec.abi.declarations.attributes import OF_MEMBER, OF_STRUCT, Attributes, mark, read_marks
from armexec.abi.declarations.constants import NotConstant, constant
from armexec.abi.declarations.layout import Member, lay_out
from armexec.abi.declarations.names import is_type_name, named_type
from armexec.errors import SignatureError
from armexec.objects import CType, Parameter, Prototype

__all__ = ["parse_prototype", "parse_type", "parse_types"]

_LONGEST = 1 << 16
_QUALIFIERS = re.compile(r"\b(?:__restrict__|__restrict|restrict|_Noreturn|noexcept|extern|inline|static)\b")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_NAMELESS = "__armexec_name"
_COMPLEX = "__armexec_complex"
_LARGEST = 1 << 40
"""Maximum size in bytes of an array."""


@lru_cache(maxsize=512)
def parse_prototype(text: str, *, apple: bool = False) -> Prototype:
    """The prototype of a C function declaration; the function's name may be left out (`int(int)`).

    Args:
        text: the declaration, with or without a semicolon; definitions of structs, unions, enums and typedefs may stand
            before it. The types of <stdint.h>, <stddef.h> and <arm_neon.h> are known; `bool` is `_Bool`.
        apple: for Apple's systems, where `char` and `wchar_t` are signed, and a `long double` is a `double`.

    Raises:
        SignatureError: it isn't the declaration of one function.
    """
    from pycparser import c_ast

    declaration = _prepared(text, "signature")
    if not declaration:
        raise SignatureError('the signature is empty: write a C prototype such as "int(int)"')
    before, last = _last(declaration)
    failure: Exception | None = None
    # `int(int)` has no name and isn't C: a name is inserted before the parameters.
    for attempt in (last, last.replace("(", f" {_NAMELESS}(", 1)):
        try:
            nodes = _parsed(f"{before}{attempt};")
        except Exception as error:
            failure = error
            continue
        function = nodes[-1] if nodes else None
        if isinstance(function, c_ast.Decl) and isinstance(function.type, c_ast.FuncDecl):
            break
        failure = None
    else:
        shown = repr(text if len(text) <= 200 else f"{text[:200]}...")
        if isinstance(failure, RecursionError):
            raise SignatureError(f"the signature {shown} is nested too deeply") from None
        raise SignatureError(
            f'can\'t read the signature {shown} as that of one function: write a C prototype such as "int(int)"'
        ) from failure
    name = function.name or ""
    reader = _Reader(text, apple)
    try:
        reader.define(nodes[:-1])
        result, parameters, variadic = reader.function(function.type)
        hash((result, parameters))
    except RecursionError:
        raise SignatureError(f"the signature {text[:200]!r}... is nested too deeply") from None
    return Prototype("" if name == _NAMELESS else name, result, parameters, variadic)


@lru_cache(maxsize=64)
def parse_types(text: str, *, apple: bool = False) -> MappingProxyType[str, CType]:
    """The types that C text defines, by their names: `struct point`, `enum color`, and the names of typedefs.

    Args:
        text: definitions, as in a header; see `parse_prototype`.
        apple: for Apple's systems.

    Raises:
        SignatureError: the text can't be read.
    """
    declarations = _prepared(text, "text")
    reader = _Reader(text, apple)
    try:
        reader.define(_parsed(f"{declarations};" if declarations else ""))
    except SignatureError:
        raise
    except RecursionError:
        raise SignatureError(f"the text {text[:200]!r}... is nested too deeply") from None
    except Exception as error:
        raise SignatureError(f"can't read {text[:200]!r} as definitions of types: {error}") from None
    return MappingProxyType(reader.tags | reader.typedefs)


@lru_cache(maxsize=64)
def parse_type(text: str, *, apple: bool = False) -> CType:
    """The type of a C type name, such as `int[4]` or `struct point { int x, y; } *`.

    Args:
        text: the type name; definitions of types may stand before it, see `parse_prototype`.
        apple: for Apple's systems.

    Raises:
        SignatureError: it isn't a type name.
    """
    from pycparser import c_ast

    before, last = _last(_prepared(text, "type"))
    reader = _Reader(text, apple)
    try:
        # The grammar has type names in expressions.
        *definitions, declaration = _parsed(f"{before}int {_NAMELESS} = sizeof({last});")
        operand = declaration.init
        if not isinstance(operand, c_ast.UnaryOp) or not isinstance(operand.expr, c_ast.Typename):
            raise SignatureError(f"{text[:200]!r} isn't the name of one type")
        reader.define(definitions)
        made = reader.type(operand.expr.type)
        hash(made)
    except SignatureError:
        raise
    except RecursionError:
        raise SignatureError(f"the type {text[:200]!r}... is nested too deeply") from None
    except Exception as error:
        raise SignatureError(f"can't read {text[:200]!r} as a type: write one of C's, such as \"int[4]\"") from error
    return made


def _prepared(text: str, what: str) -> str:
    """Declarations in the words of C's grammar, without the last semicolon. Raises SignatureError."""
    if len(text) > _LONGEST:
        raise SignatureError(f"the {what} has {len(text)} characters, and at most {_LONGEST} are read")
    if "__armexec_" in text:
        raise SignatureError(f"the {what} has a name with __armexec_, which is kept for armexec itself")
    declaration = _QUALIFIERS.sub(" ", _COMMENT.sub(" ", text)).strip().rstrip(";").strip()
    declaration = re.sub(r"\bbool\b", "_Bool", declaration)
    # `unsigned __int128` is two words to C, and one type name to the parser.
    declaration = re.sub(r"\bunsigned\s+__int128\b", "__uint128_t", declaration)
    declaration = re.sub(r"\bsigned\s+__int128\b", "__int128_t", declaration)
    # A type name of two words isn't one to the parser either.
    declaration = re.sub(r"\b_Complex\s+(_Float16|__bf16|float|double|long\s+double)\b", r"\1 _Complex", declaration)
    declaration = re.sub(r"\b(_Float16|__bf16)\s+_Complex\b", rf"\1{_COMPLEX}", declaration)
    return mark(declaration)


def _last(declarations: str) -> tuple[str, str]:
    """What stands before the last declaration, and the declaration."""
    depth = at = 0
    for position, character in enumerate(declarations):
        depth += (character in "({[") - (character in ")}]")
        if character == ";" and depth == 0:
            at = position + 1
    return declarations[:at], declarations[at:]


def _parsed(text: str) -> list[Any]:
    """pycparser's nodes of the declarations. Raises any of its exceptions."""
    from pycparser import CParser

    names = {name for name in _NAME.findall(text) if is_type_name(name) or name.endswith(_COMPLEX)}
    # What the text defines itself is no type before.
    defined = set(re.findall(r"\btypedef\b[^;{}]*?\b(\w+)\s*;", text)) | set(re.findall(r"\}\s*(\w+)\s*;", text))
    names -= defined if "typedef" in text else set()
    prelude = "".join(f"typedef int {name};" for name in sorted(names))
    return list(CParser().parse(prelude + text, filename="signature").ext[len(names) :])


class _Reader:
    """pycparser's tree into types."""

    def __init__(self, text: str, apple: bool) -> None:
        self.text = text
        self.apple = apple
        self.tags: dict[str, CType] = {}
        self.typedefs: dict[str, CType] = {}
        self.enumerators: dict[str, int] = {}
        self._copies: dict[int, list[CType]] = {}  # by id: copies of a struct that isn't laid out yet

    def define(self, nodes: list[Any]) -> None:
        """Read definitions of types. Raises SignatureError for anything else."""
        from pycparser import c_ast

        for node in nodes:
            if isinstance(node, c_ast.Typedef):
                made = self.type(node.type)
                named = made if made.kind == "function" else self._copy(made, name=node.name)
                align = self._align(node)
                self.typedefs[node.name] = self._copy(named, align=align) if align else named
            elif isinstance(node, c_ast.Decl) and node.name is None:
                self.type(node.type)
            elif not (isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl)):
                raise SignatureError(f"{self.text[:200]!r} has something other than types before the function")

    def _copy(self, made: CType, **changes: Any) -> CType:
        copy = replace(made, **changes)
        pending = self._copies.get(id(made))
        if pending is not None:
            pending.append(copy)
            self._copies[id(copy)] = pending
        return copy

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
        from pycparser import c_ast

        if isinstance(node, c_ast.TypeDecl):
            ctype = self.type(node.type)
            return self._copy(ctype, const=True) if "const" in node.quals else ctype
        if isinstance(node, c_ast.PtrDecl):
            return CType("pointer", 8, target=self.type(node.type), align=8, const="const" in node.quals)
        if isinstance(node, c_ast.ArrayDecl):
            return self._array(node)
        if isinstance(node, c_ast.FuncDecl):
            result, parameters, variadic = self.function(node)
            return CType("function", target=result, parameters=tuple(p.type for p in parameters), variadic=variadic)
        if isinstance(node, c_ast.IdentifierType):
            return self.named(node.names)
        if isinstance(node, c_ast.Enum):
            return self._enum(node)
        if isinstance(node, c_ast.Struct | c_ast.Union):
            return self._aggregate(node)
        raise SignatureError(f"the signature {self.text!r} has a type that can't be read")

    def named(self, words: list[str]) -> CType:
        name = " ".join(words)
        if name in self.typedefs:
            return self.typedefs[name]
        if name.endswith(_COMPLEX):
            words = ["_Complex", name.removesuffix(_COMPLEX)]
        found = named_type(words, self.apple)
        if found is None:
            raise SignatureError(f"the signature {self.text!r} has an unknown type {name!r}")
        return found

    def _constant(self, node: Any) -> int:
        try:
            return constant(node, self.enumerators, lambda type: self.type(type).size)
        except NotConstant:
            raise SignatureError(f"the signature {self.text[:200]!r} has a constant that can't be read") from None

    def _array(self, node: Any) -> CType:
        element = self.type(node.type)
        try:
            count = None if node.dim is None else self._constant(node.dim)
        except SignatureError:
            # `int a[n]` as a parameter; a member has another check.
            count = None
        if count is not None and not 0 <= count * max(element.size, 1) <= _LARGEST:
            raise SignatureError(f"the signature {self.text[:200]!r} has an array of {count} elements")
        return CType("array", element.size * (count or 0), target=element, count=count, align=element.align)

    def _enum(self, node: Any) -> CType:
        tag = f"enum {node.name}" if node.name else ""
        if node.values is None:
            # It may be defined elsewhere.
            return self.tags.get(tag) or CType("enum", 4, tag, align=4, tag=tag)
        given: list[tuple[str, int]] = []
        for enumerator in node.values.enumerators:
            value = given[-1][1] + 1 if given else 0
            if enumerator.value is not None:
                value = self._constant(enumerator.value)
            given.append((enumerator.name, value))
            self.enumerators[enumerator.name] = value
        values = [value for _, value in given]
        signed = min(values) < 0
        for size in (4, 8):
            low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
            if low <= min(values) and max(values) <= high:
                break
        else:
            raise SignatureError(f"the enumerators of {tag or 'an enum'} don't fit into 64 bits")
        words = ["int" if size == 4 else "long"] if signed else ["unsigned", "int" if size == 4 else "long"]
        under = named_type(words, self.apple)
        made = CType("enum", size, tag, signed, under, align=size, tag=tag, enumerators=tuple(given))
        if tag:
            self.tags[tag] = made
        return made

    def _aggregate(self, node: Any) -> CType:
        from pycparser import c_ast

        union = isinstance(node, c_ast.Union)
        keyword = "union" if union else "struct"
        tag = f"{keyword} {node.name}" if node.name else ""
        known = self.tags.get(tag) if tag else None
        if node.decls is None and known is not None:
            return known
        made = known or CType("union" if union else "struct", 0, tag or f"{keyword} {{...}}", tag=tag)
        if tag:
            self.tags[tag] = made
        pending = self._copies.setdefault(id(made), [made])
        if node.decls is None:
            return made
        if made.fields is not None:
            raise SignatureError(f"{tag} is defined twice")
        own = Attributes()
        members: list[Member] = []
        for declaration in node.decls:
            self._member(declaration, own, members)
        layout = lay_out(members, union=union, packed=own.packed, align=own.align, apple=self.apple)
        del self._copies[id(made)]
        for copy in pending:
            self._copies.pop(id(copy), None)
            object.__setattr__(copy, "size", layout.size)
            object.__setattr__(copy, "align", copy.align or layout.align)
            object.__setattr__(copy, "natural_align", layout.natural_align)
            object.__setattr__(copy, "fields", layout.fields)
        return made

    def _member(self, node: Any, own: Attributes, members: list[Member]) -> None:
        """Add a declaration in a struct to its members or to its attributes."""
        from pycparser import c_ast

        if not isinstance(node, c_ast.Decl):
            raise SignatureError(f"{self.text[:200]!r} has something other than members in a struct")
        of_struct = read_marks(node.name, OF_STRUCT)
        of_member = read_marks(node.name, OF_MEMBER)
        if of_struct is not None:
            own.add(of_struct)
        elif of_member is not None:
            attributes = Attributes()
            attributes.add(of_member)
            if not members:
                raise SignatureError("__attribute__ stands before the first member of a struct")
            last = members[-1]
            members[-1] = last._replace(
                align=max(last.align, attributes.align), packed=last.packed or attributes.packed
            )
        else:
            ctype = self.type(node.type)
            name = node.name or ""
            if isinstance(node.type, c_ast.ArrayDecl) and node.type.dim is not None and ctype.count is None:
                raise SignatureError(f"the array {name} has a number of elements that can't be read")
            if ctype.kind in ("void", "function") or (ctype.kind in ("struct", "union") and ctype.fields is None):
                raise SignatureError(f"the member {name} has type {ctype}, whose size isn't known")
            if name and any(member.name == name for member in members):
                raise SignatureError(f"a struct has two members {name!r}")
            bits = None if node.bitsize is None else self._constant(node.bitsize)
            if bits is not None:
                most = 1 if ctype.kind == "bool" else 8 * ctype.size
                if ctype.kind not in ("int", "enum", "bool") or not 0 <= bits <= most or (bits == 0 and name):
                    raise SignatureError(f"the bit-field {name or 'without a name'} of {ctype} has {bits} bits")
            members.append(Member(name, ctype, bits, self._align(node)))

    def _align(self, node: Any) -> int:
        """The alignment that _Alignas gives, or 0."""
        align = 0
        for given in getattr(node, "align", None) or ():
            alignment = given.alignment
            try:
                align = max(align, constant(alignment, self.enumerators, lambda type: self.type(type).size))
            except NotConstant:
                align = max(align, self.type(getattr(alignment, "type", alignment)).align)
        if align & (align - 1):
            raise SignatureError(f"an alignment of {align} bytes is no power of two")
        return align
