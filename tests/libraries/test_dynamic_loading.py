"""Code that opens libraries: those that were loaded with it, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.objects.dynamic.libraries import shared

import armexec
from engines import AVAILABLE

HOST = """
typedef struct { const char *file; void *base; const char *name; void *address; } Dl_info;
extern void *dlopen(const char *, int), *dlsym(void *, const char *);
extern int dlclose(void *), dladdr(const void *, Dl_info *);
extern char *dlerror(void);
extern int needed(int);
int own(int x) { return x + 1; }
int opened(const char *library, const char *symbol, int x) {
    void *handle = dlopen(library, 2);
    if (!handle) return -1;
    int (*f)(int) = dlsym(handle, symbol);
    int result = f ? f(x) : -2;
    return dlclose(handle) ? -3 : result;
}
const char *why(void) { return dlerror(); }
int everywhere(const char *symbol, int x) { int (*f)(int) = dlsym(0, symbol); return f ? f(x) : -2; }
int next(void) { return dlsym((void *)-1L, "own") != 0; }
int closes(long handle) { return dlclose((void *)handle); }
const char *where(int *distance) {
    Dl_info info;
    if (!dladdr((const char *)own + 4, &info) || info.address != own) return 0;
    *distance = (const char *)own - (const char *)info.base;
    return info.name;
}
int nowhere(void) { Dl_info info; return dladdr(&info, &info); }
int calls_needed(int x) { return needed(x); }
"""
PLUGIN = """
extern int helper(int), own(int);
static int started;
__attribute__((constructor)) static void start(void) { started = 100; }
int plugin(int x) { return helper(own(x)) + started; }
__thread int local = 3;
int uses_local(void) { return local; }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plugins")
    shared(made, "libneeded.so", "int needed(int x) { return x * 2; }")
    shared(made, "libhelper.so", "int helper(int x) { return x * 1000; }")
    shared(made, "libplugin.so", PLUGIN, "libhelper.so")
    shared(made, "libhost.so", HOST, "libneeded.so", "-g")
    return made


@pytest.mark.parametrize("engine", [engine for engine in AVAILABLE if engine != "native"])
def test_plugins(folder: Path, engine: str) -> None:
    with armexec.load("libhost.so", search=[folder], dlopen=["libplugin.so"], engine=engine) as m:
        assert m.missing == {}
        assert m.why.returning(str)() is None
        assert m.opened("libplugin.so", "plugin", 4) == 5100
        assert m.opened("/usr/lib/libplugin.so", "plugin", 5) == 6100
        assert m.opened("libplugin.so", "helper", 3) == 3000  # of what it needs
        assert m.opened("libneeded.so", "needed", 3) == 6
        assert m.opened(None, "own", 3) == 4
        assert m.everywhere("helper", 2) == 2000
        assert m.why.returning(str)() is None

        assert m.opened("libneeded.so", "plugin", 3) == -2
        assert m.why.returning(str)().endswith("libneeded.so: undefined symbol: plugin")
        assert m.why.returning(str)() is None
        assert m.opened("libplugin.so", "local", 3) == -2
        assert "a thread-local variable" in m.why.returning(str)()
        assert m.next() == 0
        assert "RTLD_NEXT isn't supported" in m.why.returning(str)()
        assert m.closes(12345) == -1
        assert "0x3039 is no handle" in m.why.returning(str)()


@pytest.mark.parametrize("engine", AVAILABLE)
def test_what_was_not_named_is_refused(folder: Path, engine: str) -> None:
    with armexec.load("libhost.so", search=[folder], engine=engine) as m:
        assert m.opened("libneeded.so", "needed", 3) == 6
        assert m.opened("libplugin.so", "plugin", 4) == -1
        assert m.why.returning(str)() == (
            "libplugin.so: not loaded: name it with armexec.load(..., dlopen=['libplugin.so']), and its folder with"
            " search=[...]"
        )


@pytest.mark.parametrize("engine", AVAILABLE)
def test_addresses(folder: Path, engine: str) -> None:
    with armexec.load("libhost.so", search=[folder], engine=engine) as m:
        distance = bytearray(4)
        assert m.where.returning(str)(distance) == "own"
        assert int.from_bytes(distance, "little") == m.own.offset
        assert m.nowhere() == 0


def test_own_functions_instead(folder: Path) -> None:
    mine = armexec.callback(lambda path, mode: 0, "void *(const char *, int)")
    with armexec.load("libhost.so", search=[folder], imports={"dlopen": mine}) as m:
        assert m.opened("libneeded.so", "needed", 3) == -1


def test_a_plugin_that_is_not_there(folder: Path) -> None:
    with pytest.raises(armexec.LoadError, match=r"libhost\.so may open absent\.so, which isn't in .*search="):
        armexec.load("libhost.so", search=[folder], dlopen="absent.so")
    with pytest.raises(armexec.LoadError, match="dlopen is a list of shared libraries, not"):
        armexec.load("libhost.so", search=[folder], dlopen=3)  # type: ignore[arg-type]
