"""Programs that write code, make it executable by mmap and mprotect, and call it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import armexec

from .guest import needs_c

SEED = Path(__file__).parent.parent.parent / "examples" / "seed.c"
ENGINES = ["translated:O0", pytest.param("reference", marks=pytest.mark.long)]

START = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef int function(int);
enum { RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXEC, RWX = RW | PROT_EXEC };

static uint32_t *pages(size_t size, int protection) {
    void *found = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED) exit(99);
    return found;
}
/* mov w1, #value; add w0, w0, w1; ret */
static void put(uint32_t *place, int value) {
    place[0] = 0x52800001u | (uint32_t)value << 5;
    place[1] = 0x0b010000u;
    place[2] = 0xd65f03c0u;
    __builtin___clear_cache((char *)place, (char *)(place + 3));
}
static int call(void *place, int x) { return ((function *)place)(x); }
"""


def run(body: str, engine: str) -> str:
    done = armexec.run(START + body, language="c", engine=engine)
    assert (done.status, done.error) == (0, b"")
    return done.text


@pytest.mark.slow
@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_the_example(engine: str) -> None:
    assert armexec.run(SEED, engine=engine) == (0, 0, b"3\n", b"")


@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_other_code_at_the_same_address(engine: str) -> None:
    body = """
    int main(void) {
        uint32_t *page = pages(4096, RW);
        for (int i = 0; i < 30; i++) {
            mprotect(page, 4096, RW);
            put(page, i);
            mprotect(page, 4096, RX);
            if (call(page, 1000) != 1000 + i) return 1 + i;
        }
        return 0;
    }
    """
    assert run(body, engine) == ""


@pytest.mark.slow
@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_memory_that_is_writable_and_executable_is_data_to_the_host(engine: str) -> None:
    body = """
    int main(void) {
        uint32_t *page = pages(8192, RWX);
        for (int i = 0; i < 10; i++) {
            put(page + 1020, i);  /* over the border of two pages */
            if (call(page + 1020, 5) != 5 + i) return 1 + i;
        }
        FILE *maps = fopen("/maps", "r");
        char line[512];
        while (fgets(line, sizeof line, maps)) {
            unsigned long begin, end;
            char protection[8];
            sscanf(line, "%lx-%lx %7s", &begin, &end, protection);
            if (begin <= (unsigned long)page && (unsigned long)page < end) printf("%s", protection);
        }
        return 0;
    }
    """
    if sys.platform != "linux":
        pytest.skip("the program reads Linux's map of its memory")
    files = {"/proc": "/proc/self"}
    done = armexec.run(START + body.replace("/maps", "/proc/maps"), language="c", engine=engine, files=files)
    assert (done.status, done.text) == (0, "rw-p")


@pytest.mark.slow
@needs_c
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "undone", ["mprotect(page, 4096, RW)", "munmap(page, 4096)", "mprotect(page, 4096, PROT_NONE)"]
)
def test_code_that_is_executable_no_more(engine: str, undone: str) -> None:
    body = f"""
    int main(void) {{
        uint32_t *page = pages(4096, RW);
        put(page, 7);
        mprotect(page, 4096, RX);
        printf("%d %p", call(page, 1), (void *)page);
        fflush(stdout);
        {undone};
        return call(page, 1);
    }}
    """
    output = _Output()
    with pytest.raises(armexec.MemoryFault) as caught:
        _run_into(START + body, engine, output)
    result, place = output.data.decode().split()
    assert result == "8"
    assert (caught.value.access, caught.value.address) == ("execute", int(place, 16))


class _Output:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes, /) -> None:
        self.data += data


def _run_into(source: str, engine: str, output: _Output) -> None:
    from armexec.program.images import program_image, program_parts
    from armexec.program.process import Process
    from armexec.program.system_calls import SystemCalls
    from armexec.sources import Source

    image = program_image("program", program_parts([Source(source, "c", opt="-O0", target="linux")]))
    with Process(image, engine, lambda memory: SystemCalls(memory, output=output)) as process:
        process.run(["program"])


@pytest.mark.slow
@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_an_arena_that_grows_by_function(engine: str) -> None:
    """All of it is made writable for each new function; the others are the same afterwards, and still called."""
    body = """
    int main(void) {
        enum { COUNT = 20, WORDS = 64 };
        uint32_t *arena = pages(COUNT * WORDS * 4, RW);
        long sum = 0;
        for (int i = 0; i < COUNT; i++) {
            mprotect(arena, COUNT * WORDS * 4, RW);
            put(arena + i * WORDS, i);
            if (i > 10) put(arena + (i - 10) * WORDS, 100 + i);
            mprotect(arena, COUNT * WORDS * 4, RX);
            for (int j = 0; j <= i; j++) sum = 3 * sum + call(arena + j * WORDS, 1) & 0xffffff;
        }
        printf("%ld", sum);
        return 0;
    }
    """
    expected = 0
    values: dict[int, int] = {}
    for i in range(20):
        values[i] = i
        if i > 10:
            values[i - 10] = 100 + i
        for j in range(i + 1):
            expected = 3 * expected + 1 + values[j] & 0xFFFFFF
    assert run(body, engine) == str(expected)


@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_written_code_makes_system_calls(engine: str) -> None:
    """It writes, and it makes itself writable: then it can't go on."""
    body = """
    int main(void) {
        uint32_t *page = pages(4096, RW);
        static const uint32_t words[] = {
            0xd2800808, /* mov x8, #64: write */
            0xd4000001, /* svc #0 */
            0xd65f03c0, /* ret */
        };
        memcpy(page, words, sizeof words);
        mprotect(page, 4096, RX);
        return ((long (*)(int, const char *, long))page)(1, "written", 7) != 7;
    }
    """
    assert run(body, engine) == "written"
    body = """
    int main(void) {
        uint32_t *page = pages(4096, RW);
        static const uint32_t words[] = {
            0xd2801c48, /* mov x8, #226: mprotect */
            0xd4000001, /* svc #0 */
            0xd65f03c0, /* ret */
        };
        memcpy(page, words, sizeof words);
        mprotect(page, 4096, RX);
        return ((long (*)(void *, long, long))page)(page, 4096, RW);
    }
    """
    with pytest.raises(armexec.MemoryFault) as caught:
        armexec.run(START + body, language="c", engine=engine)
    assert caught.value.access == "execute"
    assert caught.value.address % 4096 == 8


@needs_c
@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_functions_of_a_module_with_the_c_library(engine: str) -> None:
    """As in programs: by the guest's own mmap and mprotect."""
    source = (
        START
        + """
    static uint32_t *page;
    int make(int value) {
        if (!page) page = pages(4096, RW);
        mprotect(page, 4096, RW);
        put(page, value);
        return mprotect(page, 4096, RX);
    }
    int use(int x) { return call(page, x); }
    """
    )
    mod = armexec.compile(source, "c", engine=engine)
    for value in (1, 2, 3):
        assert mod.make(value) == 0
        assert mod.use(10) == 10 + value


@pytest.mark.long
@needs_c
@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_thousand_functions_at_one_address(engine: str) -> None:
    body = """
    int main(void) {
        uint32_t *page = pages(4096, RW);
        for (int i = 0; i < 1000; i++) {
            mprotect(page, 4096, RW);
            put(page, i);
            mprotect(page, 4096, RX);
            if (call(page, 1000) != 1000 + i) return 1;
        }
        return 0;
    }
    """
    assert run(body, engine) == ""
