"""A native method of an Android library, without a Java machine: its JNI functions are Python callables.

    python examples/jni.py

Native methods call the Java machine through a table of functions, `JNINativeInterface`. Here Python fills in the few
that the method needs. Each other entry is a function that raises an exception with its number, so one sees at once
what is missing.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
from collections.abc import Callable
from typing import Any

import armexec

# What a decompiler shows of such a method, compiled from C: the table's entries are known by their numbers (JNI
# specification, "JNI Functions").
LIBRARY = """
typedef void *jobject;
typedef struct JNIEnv_ { const void *const *functions; } JNIEnv;

#define CALL(env, number, type) ((type)(env)->functions[number])

long Java_com_example_Checker_check(JNIEnv *env, jobject self, jobject name, jobject digits) {
    const char *text = CALL(env, 169, const char *(*)(JNIEnv *, jobject, char *))(env, name, 0);
    int count = CALL(env, 171, int (*)(JNIEnv *, jobject))(env, digits);
    int *values = CALL(env, 187, int *(*)(JNIEnv *, jobject, char *))(env, digits, 0);
    long hash = 5381;
    for (const char *at = text; *at; at++)
        hash = hash * 33 + *at;
    for (int i = 0; i < count; i++)
        hash ^= (long)values[i] << (i % 8 * 8);
    CALL(env, 195, void (*)(JNIEnv *, jobject, int *, int))(env, digits, values, 2);
    CALL(env, 170, void (*)(JNIEnv *, jobject, const char *))(env, name, text);
    return hash;
}

void Java_com_example_Checker_report(JNIEnv *env, jobject self) {
    CALL(env, 14, int (*)(JNIEnv *, jobject, const char *))(env, self, "not today");
}
"""
ENTRIES = 232
"""Entries of the table of JNI 1.6."""


class Missing(Exception):
    """The method calls a JNI function that isn't here."""


class Machine:
    """Java objects by their handles, and the table of functions that native methods see."""

    def __init__(self, engine: str | None = None) -> None:
        self.module = armexec.compile(LIBRARY, "c", "-O1", engine=engine)
        self.calls: list[str] = []
        self._objects: dict[int, Any] = {}
        # What the guest has pointers to, by address.
        self._lent: dict[int, Any] = {}
        functions: dict[int, tuple[Callable[..., Any], str]] = {
            14: (self.throw_new, "int(void *, void *, const char *)"),
            169: (self.get_string_chars, "void *(void *, void *, void *)"),
            170: (self.release_string_chars, "void(void *, void *, void *)"),
            171: (self.get_array_length, "int(void *, void *)"),
            187: (self.get_int_elements, "void *(void *, void *, void *)"),
            195: (self.release_int_elements, "void(void *, void *, void *, int)"),
        }
        # Callbacks have addresses as long as they exist.
        self._callbacks = [
            armexec.callback(*functions.get(number, (missing(number), "void(void *)")), engine=self.module.engine)
            for number in range(ENTRIES)
        ]
        self._table = (ctypes.c_void_p * ENTRIES)(*(callback.address for callback in self._callbacks))
        self.environment = self.module.types["JNIEnv_"](functions=self._table)

    def object(self, value: Any) -> int:
        """A handle for a Java object."""
        handle = 0x1000 + len(self._objects)
        self._objects[handle] = value
        return handle

    def _lend(self, memory: Any) -> Any:
        self._lent[ctypes.addressof(memory)] = memory
        return memory

    # -- JNI functions: the first argument is the environment --------------------------------------------------------
    def throw_new(self, _env: int, _class: int, message: armexec.GuestPointer) -> int:
        raise RuntimeError(message.text())

    def get_string_chars(self, _env: int, string: int, _is_copy: int) -> Any:
        self.calls.append("GetStringUTFChars")
        return self._lend(ctypes.create_string_buffer(self._objects[string].encode()))

    def release_string_chars(self, _env: int, _string: int, chars: int) -> None:
        self.calls.append("ReleaseStringUTFChars")
        del self._lent[chars]

    def get_array_length(self, _env: int, array: int) -> int:
        self.calls.append("GetArrayLength")
        return len(self._objects[array])

    def get_int_elements(self, _env: int, array: int, _is_copy: int) -> Any:
        self.calls.append("GetIntArrayElements")
        values = self._objects[array]
        return self._lend((ctypes.c_int * len(values))(*values))

    def release_int_elements(self, _env: int, _array: int, elements: int, _mode: int) -> None:
        self.calls.append("ReleaseIntArrayElements")
        del self._lent[elements]


def missing(number: int) -> Callable[[int], None]:
    """A JNI function that isn't here."""

    def call(_env: int) -> None:
        raise Missing(f"the method calls entry {number} of JNINativeInterface, which this machine doesn't have")

    return call


def check(name: str, digits: list[int], engine: str | None = None) -> tuple[int, list[str]]:
    """What the native method gives for a string and an int array, and which JNI functions it has called."""
    machine = Machine(engine)
    method = machine.module.Java_com_example_Checker_check
    return method(machine.environment, None, machine.object(name), machine.object(digits)), machine.calls


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Call a native method of an Android library.")
    parser.add_argument("name", nargs="?", default="armexec")
    parser.add_argument("digits", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs it")
    options = parser.parse_args(arguments)
    result, calls = check(options.name, options.digits, options.engine)
    print(f"check({options.name!r}, {options.digits}) = {result}")
    print("it has called", ", ".join(calls))
    machine = Machine(options.engine)
    try:
        machine.module.Java_com_example_Checker_report(machine.environment, None)
    except RuntimeError as error:
        print(f"report() threw {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
