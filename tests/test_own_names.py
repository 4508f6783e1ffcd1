"""Functions of the guest whose names a module has itself."""

from __future__ import annotations

import pickle

import pytest

import armexec
from armexec.errors import SignatureError

NAMES = ["assembly", "close", "disassembly", "engine", "functions", "name", "read"]
OTHERS = ["closed", "diagnostics", "image", "loaded", "memory_steps", "keys", "plain"]


@pytest.fixture(scope="module")
def module() -> armexec.Module:
    source = "".join(f"int {name}(int x) {{ return x + {i}; }}" for i, name in enumerate(NAMES + OTHERS))
    return armexec.compile(source, "c", filename="names.c")


@pytest.mark.parametrize("name", NAMES + OTHERS)
def test_every_function_is_found_by_index(module: armexec.Module, name: str) -> None:
    expected = 5 + (NAMES + OTHERS).index(name)
    assert module[name](5) == module.functions[name](5) == expected
    assert name in module
    assert name in module.functions
    assert name in module._ipython_key_completions_()


@pytest.mark.parametrize("name", NAMES)
def test_calling_the_attribute_says_where_the_function_is(module: armexec.Module, name: str) -> None:
    arguments = (3, "three") if name == "close" else (3,)
    with pytest.raises(
        SignatureError, match=rf'mod\.{name} is the module\'s own .*: the function .* is mod\["{name}"\]'
    ):
        getattr(module, name)(*arguments)
    assert not module.closed


def test_the_attributes_are_what_they_were(module: armexec.Module) -> None:
    assert module.name == "names.c"
    assert pickle.loads(pickle.dumps(module.name)) == "names.c"
    assert module.name in repr(module)
    assert list(module) == module.functions
    assert module.functions[0] in module.functions
    assert module.functions[1:3] == [module["close"], module["disassembly"]]
    assert len(module.read(0, 8)) == 8
    with pytest.raises(armexec.LoadError, match="no symbol 'nane'; did you mean name"):
        module.functions["nane"]


def test_without_such_functions_nothing_is_special() -> None:
    module = armexec.compile("int filename(int x) { return x; } int reader(int x) { return x; }", "c")
    assert type(module.name) is str
    with pytest.raises(SignatureError, match=r"Module\.read: .*'size'$"):
        module.read(3)  # type: ignore[call-arg]


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_names_of_cplusplus(target: str) -> None:
    source = "namespace n { int name(int x) { return x; } } int engine(double x) { return (int)x; }"
    module = armexec.compile(source, target=target)
    for name in ("name", "engine"):
        with pytest.raises(SignatureError, match=rf'is mod\["{name}"\]'):
            getattr(module, name)(3)
    assert {"n::name", "n::name(int)", "engine", "engine(double)"} == set(module._ipython_key_completions_())
    assert {"engine", "close"} <= set(dir(module))
