"""Programs with the guest's C library and C++ library."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

import armexec
from armexec.errors import LoadError
from armexec.libraries import FINISH, START
from armexec.program import SystemCalls, initial_stack
from samples import one_of

from . import guest
from .guest import needs_c, needs_cxx, program, run

HELLO = r"""
#include <stdio.h>
int main(int argc, char **argv) { printf("hello %s, %d\n", argv[argc - 1], argc); return argc; }
"""

SEED = r"""
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    unsigned words[] = {0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0};
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, words, sizeof words);
    __builtin___clear_cache((char *)page, (char *)page + sizeof words);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    printf("%d\n", ((int (*)(int))page)(3));
}
"""

MANY = r"""
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static int upwards(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static void last(void) { puts("last"); }
_Thread_local int own = 7;
_Thread_local char zeros[40];
__attribute__((constructor)) static void first(void) { puts("first"); }
int main(void) {
    int numbers[] = {5, 3, 9, 1};
    char line[32];
    atexit(last);
    qsort(numbers, 4, sizeof *numbers, upwards);
    printf("%d %d %d %d\n", numbers[0], numbers[1], numbers[2], numbers[3]);
    printf("%.17g %a %Lg\n", strtod("0.1", 0), sin(1.0), 1.5L);
    char *block = malloc(100000), *more = realloc(block, 3000000);
    memset(more, 'x', 3000000);
    printf("%zu %c\n", strnlen(more, 2999999), more[2000000]);
    free(more);
    errno = 0;
    strtol("99999999999999999999", 0, 10);
    printf("%s %d %d\n", strerror(errno), own++, zeros[39]);
    struct timespec now;
    printf("%d\n", clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec > 1600000000);
    while (fgets(line, sizeof line, stdin)) printf("line: %s", line);
    fprintf(stderr, "own %d\n", own);
    printf("%s\n", getenv("NAME"));
    return 3;
}
"""

CXX = r"""
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
struct Noisy {
    const char *name;
    explicit Noisy(const char *n) : name(n) { std::cout << "+" << name << "\n"; }
    ~Noisy() { std::cout << "-" << name << "\n"; }
};
static Noisy global("global");
thread_local std::string mine = "mine";
struct Shape { virtual ~Shape() = default; virtual int area() const = 0; };
struct Square : Shape {
    int side;
    explicit Square(int s) : side(s) {}
    int area() const override { return side * side; }
};
static int deep(int n) {
    Noisy local("local");
    if (n == 0) throw std::out_of_range("deep " + std::to_string(42));
    return deep(n - 1) + 1;
}
int main() {
    std::vector<std::string> words{"pear", "apple", "fig"};
    std::sort(words.begin(), words.end());
    for (auto &word : words) std::cout << word << ' ';
    std::map<std::string, int> counts;
    for (auto &word : words) counts[word] += int(word.size());
    std::cout << counts["apple"] << ' ' << mine << ' ' << 1.5 << std::endl;
    std::unique_ptr<Shape> shape = std::make_unique<Square>(7);
    std::cout << shape->area() << '\n';
    try { deep(2); } catch (const std::exception &error) { std::cout << "caught " << error.what() << '\n'; }
    try { throw 5; } catch (int number) { std::cout << number << '\n'; }
    try { dynamic_cast<Square &>(*shape).side = 1; std::vector<int>(3).at(9); }
    catch (std::out_of_range &) { std::cout << "range\n"; }
    return 0;
}
"""
CXX_OUTPUT = (
    "+global\napple fig pear 5 mine 1.5\n49\n+local\n+local\n+local\n-local\n-local\n-local\n"
    "caught deep 42\n5\nrange\n-global\n"
)


@needs_c
@pytest.mark.parametrize("engine", ["reference", "translated"])
def test_hello(engine: str) -> None:
    assert run(program(HELLO), "world", engine=engine) == (2, 0, "hello world, 2\n", "")


@needs_c
def test_the_seed_of_the_project() -> None:
    assert run(program(SEED)) == (0, 0, "3\n", "")


@needs_c
@pytest.mark.parametrize("opt", one_of(2, ["-O2", "-O0"]))
def test_much_of_the_library(opt: str) -> None:
    done = run(program(MANY, opt=opt), input=b"one\ntwo", environment={"NAME": "value"})
    assert done.output.splitlines() == [
        "first",
        "1 3 5 9",
        "0.10000000000000001 0x1.aed548f090ceep-1 1.5",
        "2999999 x",
        "Result not representable 7 0",
        "1",
        "line: one",
        "line: twovalue",
        "last",
    ]
    assert (done.status, done.error) == (3, "own 8\n")


@needs_c
def test_abort_is_a_signal() -> None:
    assert run(program("#include <stdlib.h>\nint main(void) { abort(); }"))[:2] == (134, 6)


@needs_c
@pytest.mark.parametrize("model", ["local-exec", "initial-exec", "local-dynamic", "global-dynamic"])
def test_models_of_thread_local_storage(model: str) -> None:
    main = f"""
    #include <stdio.h>
    #define MODEL __attribute__((tls_model("{model if model != "local-dynamic" else "initial-exec"}")))
    extern _Thread_local int other MODEL; _Thread_local long large[600] MODEL = {{1, 2, 3}};
    _Thread_local char small MODEL = 4; extern _Thread_local int nowhere __attribute__((weak)) MODEL;
    int next(void);
    int main(void) {{ other += 1; printf("%d %ld %d %d\\n", next(), large[2], small, (int)large[599]); }}
    """
    image = program(main, "_Thread_local int other = 41; int next(void) { return other; }", flags=("-fPIC",))
    assert run(image).output == "42 3 4 0\n"
    assert image.thread_local is not None
    assert image.thread_local.size >= 4800


@pytest.mark.slow
@needs_c
def test_qemu_runs_the_same_image(tmp_path: Path) -> None:
    qemu = shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("qemu-aarch64 is not installed")
    path = tmp_path / "program"
    path.write_bytes(guest.elf(program(MANY)))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        [qemu, path], input=b"one\ntwo", env={"NAME": "value"}, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (3, b"own 8\n")
    assert done.stdout.decode() == run(program(MANY), input=b"one\ntwo", environment={"NAME": "value"}).output


@needs_c
def test_functions_without_main() -> None:
    source = """
    #include <stdio.h>
    #include <stdlib.h>
    static int made; __attribute__((constructor)) static void first(void) { made = 5; }
    __attribute__((destructor)) static void last(void) { printf("last %d\\n", made); }
    int f(int x) { printf("%d ", x); return made++ + abs(x); }
    """
    image = program(source)
    assert "f" in [function.name for function in image.functions]
    assert {function.name for function in image.functions} <= {"f", "first", "last"}  # none of the library's
    space, cpu = guest.placed(image)
    output = io.BytesIO()
    guest.serve(space, SystemCalls(guest.Memory(space), output=output))
    stack = initial_stack(image, guest.BASE, guest.TOP, ["library"])
    space.write(stack.sp, stack.data)

    def call(name: str, argument: int) -> int:
        cpu.sp, cpu.pc, cpu.x[0], cpu.x[30] = stack.sp, guest.BASE + guest.offset(image, name), argument, 0x1000
        assert cpu.run(until=0x1000, time_limit=60).reason == "until"
        return cpu.x[0]

    call(START, stack.sp)
    assert [call("f", 10), call("f", 20)] == [15, 26]
    assert output.getvalue() == b""  # it is in stdio's buffer
    call(FINISH, 0)
    assert output.getvalue() == b"10 20 last 7\n"


@needs_c
def test_denied_calls_are_named() -> None:
    source = "#include <unistd.h>\n#include <sys/socket.h>\nint main(void) { return socket(1, 1, 0); }"
    with pytest.raises(armexec.Error, match=r"system call socket \(198\)"):
        run(program(source))


@needs_c
def test_files_below_the_folders_given(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("7 8")
    source = r"""
    #include <dirent.h>
    #include <stdio.h>
    int main(int argc, char **argv) {
        int a = 0, b = 0;
        FILE *in = fopen("/data/in", "r");
        fscanf(in, "%d %d", &a, &b);
        fseek(in, 0, SEEK_END);
        printf("%d %d %ld\n", a, b, ftell(in));
        FILE *out = fopen("/data/out", "w");
        if (!out) perror("out");
        else { fprintf(out, "%d\n", a * b); fclose(out); }
        DIR *folder = opendir("/data");
        int count = 0;
        while (readdir(folder)) count++;
        printf("%d\n", count);
        return 0;
    }
    """
    image = program(source)
    assert run(image, files={"/data": str(tmp_path)}) == (0, 0, "7 8 3\n3\n", "out: Read-only file system\n")
    assert run(image, files={"/data": f"{tmp_path}:rw"}) == (0, 0, "7 8 3\n4\n", "")
    assert (tmp_path / "out").read_text() == "56\n"
    with pytest.raises(armexec.Error, match="the program wants the file /data/in, and no folder was given for it"):
        run(image)


@needs_c
def test_missing_symbols_are_all_named() -> None:
    main = '#include <stdio.h>\nint away(void), gone(int); int main(void) { puts(""); return away() + gone(1); }'
    other = "extern int lost; int use(void) { return lost; }"
    with pytest.raises(LoadError) as error:
        program(main, other)
    text = str(error.value)
    assert "3 undefined symbols" in text
    assert "away, wanted by main (a.o)" in text
    assert "gone, wanted by main (a.o)" in text
    assert "lost, wanted by use (b.o)" in text


@pytest.mark.slow
@needs_cxx
@pytest.mark.parametrize("opt", [pytest.param("-O0", marks=pytest.mark.long), "-O2"])
def test_cplusplus(opt: str) -> None:
    assert run(program(CXX, language="c++", opt=opt)) == (0, 0, CXX_OUTPUT, "")


@needs_cxx
def test_an_exception_that_nobody_catches() -> None:
    source = '#include <stdexcept>\nint main() { throw std::runtime_error("why"); }'
    done = run(program(source, language="c++"))
    assert (done.status, done.signal) == (134, 6)
    assert "uncaught exception of type std::runtime_error: why" in done.error


@pytest.mark.long
def test_the_libraries_can_be_built() -> None:
    from armexec.libraries.archives import library_files

    assert {"crt1.o", "libc.a"} <= library_files("c").keys()
    assert set(library_files("c++")) == {"libc++abi.a", "libc++.a", "libunwind.a"}
    assert run(program(CXX, language="c++")) == (0, 0, CXX_OUTPUT, "")
