"""Functions that try to reach what is outside of their sandbox: by addresses, by jumps, and through Python."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import armexec
from armexec.libraries.calls import CAUGHT
from armexec.machines.llvm.memory import REACH
from armexec.memory.sandbox.layout import FIRST, FUNCTIONS, GUARD, SIZE

MASK64 = (1 << 64) - 1
SECRET = b"never to be seen"


@pytest.fixture(scope="module")
def canary() -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(SECRET * 4096)


@pytest.fixture(scope="module")
def mod() -> armexec.Module:
    return armexec.compile(
        """
        typedef unsigned char u8; typedef unsigned long u64;
        void *memcpy(void *, const void *, u64); void *memset(void *, int, u64);
        void *memmove(void *, const void *, u64);
        int memcmp(const void *, const void *, u64);
        u64 buffer[64];
        void copy(u64 to, u64 from, u64 size) { memcpy((void *)to, (void *)from, size); }
        void move(u64 to, u64 from, u64 size) { memmove((void *)to, (void *)from, size); }
        void set(u64 to, u64 size) { memset((void *)to, 0x55, size); }
        int compare(u64 one, u64 other, u64 size) { return memcmp((void *)one, (void *)other, size); }
        void stride(u64 at, u64 step, u64 n) { for (u64 i = 0; i < n; i++) *(volatile u8 *)(at + i * step) = 1; }
        void doubles(double *at, u64 count) { for (u64 i = 0; i < count; i++) at[i] = at[i] * 3.0 + 1.0; }
        u64 sum(const u64 *at, u64 count) { u64 sum = 0; for (u64 i = 0; i < count; i++) sum += at[i]; return sum; }
        u64 peek(u64 at) { return *(volatile u64 *)at; }
        void poke(u64 at, u64 value) { *(volatile u64 *)at = value; }
        u64 add(u64 at) { return __atomic_fetch_add((u64 *)at, 1, 5); }
        void jump(u64 to) { ((void (*)(void))to)(); }
        void come_back_to(u64 to) { __asm__ volatile("mov x30, %0; ret" : : "r"(to) : "x30"); }
        u64 own(void) { return (u64)&own; }
        u64 stack(void) { return (u64)__builtin_frame_address(0); }
        u64 where(void) { return (u64)buffer; }
        const char *text(u64 at) { return (const char *)at; }
        typedef struct { long a, b, c; } big;
        void call(int (*f)(const int *), u64 at) { f((const int *)at); }
        """,
        "c",
        opt="-O2",
        sandbox=True,
        flags="-fno-builtin",
    )


ADDRESSES = (0, 8, FIRST - 8, 1 << 31, FUNCTIONS, SIZE - 8, SIZE, SIZE + 8, 1 << 63, MASK64 - 7, MASK64)


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_isnt_mapped_is_a_fault(mod: armexec.Module, address: int) -> None:
    for function, arguments in ((mod.peek, (address,)), (mod.poke, (address, 1)), (mod.add, (address & -8,))):
        with pytest.raises(armexec.MemoryFault) as found:
            function(*arguments)
        assert found.value.address == (arguments[0] & SIZE - 1)
    # The module is as good as before.
    assert mod.peek(mod.where()) == 0


def test_addresses_of_the_host_are_others_in_a_sandbox(
    mod: armexec.Module, canary: ctypes.Array[ctypes.c_char]
) -> None:
    start = ctypes.addressof(canary)
    for address in range(start, start + 4096, 512):
        with pytest.raises(armexec.MemoryFault):
            mod.peek(address)
        with pytest.raises(armexec.MemoryFault):
            mod.poke(address, 0)
    assert canary.raw[:-1] == SECRET * 4096


def test_only_the_low_bits_of_an_address_count(mod: armexec.Module) -> None:
    place = mod.where()
    mod.poke(place | 0xABCD << 48, 5)
    assert mod.peek(place) == mod.peek(place + SIZE) == mod.peek(place - (1 << 63) & MASK64) == 5
    mod.poke(place, 0)


@pytest.mark.parametrize("size", [1 << 24, 1 << 31, SIZE - 1, SIZE, 1 << 40, 1 << 63, MASK64 - 1, MASK64])
def test_copies_of_any_size_end_in_the_sandbox(
    mod: armexec.Module, canary: ctypes.Array[ctypes.c_char], size: int
) -> None:
    host = ctypes.addressof(canary)
    place = mod.where()
    for function, arguments in (
        (mod.copy, (place, place + 64, size)),
        (mod.copy, (host, place, size)),
        (mod.move, (place + 64, place, size)),
        (mod.move, (place, place + 64, size)),
        (mod.set, (place + 8, size)),
        (mod.compare, (place, place, size)),
        (mod.stride, (place, 4096, size)),
        (mod.stride, (place, (1 << 32) - 4096, size)),
        (mod.stride, (place, (1 << 47) + 4096, size)),
        (mod.doubles, (place, size >> 3)),
        (mod.sum, (place, size >> 3)),
    ):
        with armexec.limits(time_limit=5.0), pytest.raises(armexec.MemoryFault):
            function(*arguments)
    assert canary.raw[:-1] == SECRET * 4096
    # What the guest has done to its own variables is its own business.
    assert mod.own() == mod.own.address


def test_code_outside_isnt_found(mod: armexec.Module) -> None:
    other = armexec.compile("int secret(void) { return 5; }", "c", engine="translated")
    libc = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p).value or 0
    mine = armexec.callback(lambda: 1, "int(void)", engine="translated")
    targets = [
        other.secret.address,
        libc,
        mine.address,
        id(print),
        mod.where(),
        mod.own() + 2,
        FUNCTIONS,
        FUNCTIONS + 1,
    ]
    for target in [*targets, *ADDRESSES]:
        for function in (mod.jump, mod.come_back_to):
            with pytest.raises(armexec.ExecutionError):
                function(target)
    assert other.secret() == 5


def test_two_sandboxes_are_two_worlds() -> None:
    text = (
        "long v = 1; void put(long *p, long n) { *p = n; } long *own(void) { return &v; } long get(void) { return v; }"
    )
    one, other = (armexec.compile(text, "c", sandbox=True) for _ in range(2))
    assert one.own() == other.own()
    one.put(one.own(), 7)
    assert (one.get(), other.get()) == (7, 1)
    assert one.get.address == other.get.address


@pytest.mark.parametrize("sp", [0, 16, 1 << 31, SIZE - 16, SIZE, 1 << 47, 1 << 63, MASK64 - 15, 0x7FFF_FFFF_F000])
def test_a_stack_pointer_may_be_anything(sp: int) -> None:
    store = armexec.function(
        "mov x9, sp; mov sp, x0; str x0, [sp, #-16]!; stp x0, x0, [sp, #8]; mov sp, x9; ret", "void(long)", sandbox=True
    )
    call = armexec.function(
        "f: mov x9, sp; mov x10, x30; mov sp, x0; bl g; mov sp, x9; mov x30, x10; ret\n"
        "g: stp x29, x30, [sp, #-32]!; ldp x29, x30, [sp], #32; ret",
        "void(long)",
        name="f",
        sandbox=True,
    )
    for function in (store, call):
        with pytest.raises(armexec.MemoryFault):
            function(sp - (1 << 64) if sp >> 63 else sp)


def test_a_deep_recursion_is_an_overflow() -> None:
    mod = armexec.compile(
        "long f(long n) { volatile long a[64]; a[0] = n; return f(n + 1) + a[0]; }", "c", sandbox=True
    )
    with pytest.raises(armexec.StackOverflow):
        mod.f(0)
    with pytest.raises(armexec.StackOverflow):
        mod.f(0)


def test_python_follows_pointers_in_the_sandbox_only(mod: armexec.Module, canary: ctypes.Array[ctypes.c_char]) -> None:
    host = ctypes.addressof(canary)
    for address in (host, 8, SIZE - 1, MASK64, id(mod), host & SIZE - 1):
        with pytest.raises(armexec.MemoryFault):
            mod.text.returning(str)(address)
    seen: list[object] = []

    def look(p: armexec.GuestPointer) -> int:
        seen.append(p)
        for attempt in (lambda: p[0], p.text, lambda: p.array(4), lambda: p.cast("long *")[1]):
            with pytest.raises(armexec.Error):
                attempt()
        with pytest.raises(armexec.Error):
            p[0] = 1
        return 0

    for address in (host, 8, MASK64):
        mod.call(look, address)
    assert len(seen) == 3
    assert canary.raw[:-1] == SECRET * 4096


def test_arguments_of_callbacks_are_read_in_the_sandbox(canary: ctypes.Array[ctypes.c_char]) -> None:
    """Structs by reference, arguments on the stack and results in memory: the guest gives their addresses."""
    host = ctypes.addressof(canary)
    seen: list[object] = []
    words = "; ".join(f"mov x{n}, x1" for n in range(2, 9))
    for signature, result in (
        ("long(struct { long a, b, c; })", 0),
        ("long(long, long, long, long, long, long, long, long, long)", 0),
        ("struct { long a, b, c; }(long)", (1, 2, 3)),
    ):
        text = f"mov x16, x0; mov x29, x30; mov x28, sp; {words}; mov x0, x1; mov sp, x1; blr x16; mov sp, x28; ret x29"
        function = armexec.function(text, "void(void *, long)", sandbox=True)

        def look(*arguments: object, result: object = result) -> object:
            seen.append(arguments)
            return result

        made = function.module._links.callback(look, armexec.api.prototype_of(signature))
        for address in (host & -16, 16, (1 << 63) - 16):
            with pytest.raises(armexec.Error):
                function(made.address, address)
    assert b"never" not in repr(seen).encode()
    assert canary.raw[:-1] == SECRET * 4096


def test_system_calls_reach_the_sandbox_only(canary: ctypes.Array[ctypes.c_char]) -> None:
    host = ctypes.addressof(canary)
    program = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        #include <errno.h>
        #include <time.h>
        #include <sys/mman.h>
        int main(int argc, char **argv) {
            char *host = (char *)strtoul(argv[1], 0, 0);
            int failures = 0;
            failures += write(1, host, 64) < 0 && errno == EFAULT;
            failures += read(0, host, 64) < 0 && errno == EFAULT;
            failures += clock_gettime(CLOCK_REALTIME, (struct timespec *)host) < 0 && errno == EFAULT;
            failures += write(1, (char *)-4, 64) < 0 && errno == EFAULT;
            failures += munmap(host - ((long)host & 4095), 4096) < 0 || 1;
            failures += mprotect(host - ((long)host & 4095), 4096, PROT_READ) < 0;
            char *made = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            failures += (unsigned long)made < 0xF0000000 && made[8191] == 0;
            int flags = MAP_PRIVATE | MAP_ANONYMOUS;
            failures += mmap(host - ((long)host & 4095), 4096, 3, flags | MAP_FIXED, -1, 0) == MAP_FAILED;
            failures += mmap((void *)0x10000, 4096, 3, flags | MAP_FIXED, -1, 0) == MAP_FAILED;
            failures += mmap(0, 1L << 32, 3, flags, -1, 0) == MAP_FAILED;
            printf("%d", failures);
            return 0;
        }
    """
    result = armexec.run(program, [hex(host)], language="c", input=b"x" * 64, sandbox=True)
    assert result.text == "10"
    assert canary.raw[:-1] == SECRET * 4096


def test_what_python_looks_at_stays_there() -> None:
    mod = armexec.compile(
        """
        #include <sys/mman.h>
        void *map(void) { int *p = mmap(0, 65536, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); *p = 42; return p; }
        int unmap(void *p) { return munmap(p, 65536); }
        int hide(void *p) { return mprotect(p, 65536, 0); }
        void look(void (*f)(int *), int *p) { f(p); }
        """,
        "c",
        sandbox=True,
    )
    place = mod.map()
    kept = []
    mod.look(lambda p: kept.append(p.array(16384)), place)
    assert mod.hide(place) == mod.unmap(place) == -1
    kept[0][:] = 7
    assert int(kept[0].sum()) == 7 * 16384
    kept.clear()
    assert mod.unmap(place) == 0


def test_a_thread_pointer_may_be_anything() -> None:
    """A program's thread pointer is what its start-up code says; here that of a library that has been tampered with."""
    mod = armexec.compile(
        '#include <stdio.h>\n_Thread_local int mine = 7; int get(void) { printf(""); return mine; }', "c", sandbox=True
    )
    assert mod.get() == mod.globals["mine"] == 7
    for pointer in (0, 8, SIZE - 16, 1 << 47, MASK64 - 15):
        mod.loaded.thread.pointer = pointer  # type: ignore[union-attr]
        with pytest.raises(armexec.Error):
            mod.globals["mine"]
        with pytest.raises(armexec.ExecutionError):
            mod.get()


def test_the_layout_keeps_what_displacements_reach_unmapped() -> None:
    assert FIRST >= REACH
    assert SIZE - FUNCTIONS >= REACH
    # The largest access is one of 64 bytes.
    assert GUARD >= REACH + 64


def test_lent_arrays_are_all_that_changes() -> None:
    mod = armexec.compile(
        "void fill(const long *q, long *p, long n) { for (long i = -16; i < n + 16; i++) p[i] = i; }",
        "c",
        opt="-O2",
        sandbox=True,
    )
    room = np.full(1000, -1)
    mod.fill(np.zeros(100, int), room[100:200], 100)
    assert (room[100:200] == np.arange(100)).all()
    assert (room[:100] == -1).all()
    assert (room[200:] == -1).all()


def test_the_last_instructions_before_a_limit_are_in_the_sandbox(canary: ctypes.Array[ctypes.c_char]) -> None:
    """They are interpreted, by Python."""
    host = ctypes.addressof(canary)
    text = "1: " + "; ".join(["ldr x2, [x0]; str x2, [x0]; ldr x3, [x1]"] + ["nop"] * 40) + "; b 1b"
    function = armexec.function(text, "void(long *, long)", sandbox=True)
    inside = function.module.empty(4, np.int64)
    inside[:] = 5
    assert function.sandbox is not None
    place = function.sandbox.memory.guest_address(inside.ctypes.data)
    assert place is not None
    for limit in (2, 20, 45, 1000):
        with armexec.limits(instruction_limit=limit), pytest.raises(armexec.InstructionLimitExceeded):
            function(inside, place | 7 << 40)
        with armexec.limits(instruction_limit=limit), pytest.raises(armexec.Error) as found:
            function(host, host)
        assert not isinstance(found.value, armexec.InstructionLimitExceeded)
        with armexec.limits(instruction_limit=3), pytest.raises(armexec.MemoryFault):
            function(inside, host)
    assert canary.raw[:-1] == SECRET * 4096


def test_code_that_the_guest_writes_isnt_found_in_a_sandbox(mod: armexec.Module) -> None:
    writer = armexec.compile(
        """
        #include <sys/mman.h>
        void *make(void) { return mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
        int run(unsigned *p) { p[0] = 0x52800540; p[1] = 0xd65f03c0; __builtin___clear_cache(p, p + 2);
            return ((int (*)(void))p)(); }
        """,
        "c",
        engine="translated",
    )
    place = writer.make()
    assert writer.run(place) == 42
    for function in (mod.jump, mod.come_back_to):
        with pytest.raises(armexec.ExecutionError):
            function(place)
    inside = armexec.compile(
        """
        #include <sys/mman.h>
        void *make(void) { return mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
        """,
        "c",
        sandbox=True,
    )
    with pytest.raises(armexec.SystemCallDenied, match="sandbox"):
        inside.make()


@pytest.mark.slow
def test_exceptions_of_the_guest_are_read_in_the_sandbox(canary: ctypes.Array[ctypes.c_char]) -> None:
    mod = armexec.compile(
        """
        #include <stdexcept>
        extern "C" int work(int n) { if (n > 2) throw std::runtime_error("too many"); return n; }
        extern "C" long caught(long name, long text, long thrown, long frames) {
            register long x8 __asm__("x8") = NUMBER;
            register long x0 __asm__("x0") = name; register long x1 __asm__("x1") = text;
            register long x2 __asm__("x2") = thrown; register long x3 __asm__("x3") = frames;
            __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
            return x0;
        }
        """.replace("NUMBER", str(CAUGHT)),
        sandbox=True,
    )
    assert mod.work(2) == 2
    with pytest.raises(armexec.GuestException) as thrown:
        mod.work(3)
    assert thrown.value.what == "too many"
    host = ctypes.addressof(canary)
    with pytest.raises(armexec.Error):
        mod.caught(host, host, host, host)
    assert mod.work(1) == 1


def test_variable_arguments_are_read_in_the_sandbox(canary: ctypes.Array[ctypes.c_char]) -> None:
    host = ctypes.addressof(canary) & -16
    text = "mov x29, x30; mov x28, sp; mov sp, x1; blr x0; mov sp, x28; ret x29"
    function = armexec.function(text, "void(void *, long)", sandbox=True)

    def look(first: int, rest: armexec.VariableArguments) -> int:
        for _ in range(20):
            rest.next("long")
        return 0

    made = function.module._links.callback(look, armexec.api.prototype_of("long(long, ...)"))
    with pytest.raises(armexec.Error):
        function(made.address, host)
