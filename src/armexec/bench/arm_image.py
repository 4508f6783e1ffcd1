"""The AArch64 image of a kernel, the same for all contenders."""

from __future__ import annotations

from functools import cache

from armexec.bench.kernels import FLAGS, Kernel
from armexec.compiler_rt import complete
from armexec.objects import Image, Prototype, load_image
from armexec.toolchain import compile_object

__all__ = ["LEVEL", "arm_image", "entry"]

LEVEL = "-O2"


@cache
def arm_image(kernel: Kernel) -> Image:
    """The kernel compiled for AArch64 and linked. Raises CompileError and LoadError."""
    compiled = compile_object(kernel.source, language="c", opt=LEVEL, flags=FLAGS, filename=kernel.filename)
    return complete(load_image(compiled.data, kernel.filename))


def entry(image: Image) -> tuple[int, Prototype]:
    """The offset of `kernel` in the image, in bytes, and its prototype. Raises LoadError."""
    offset = image.find("kernel").offset
    function = next(f for f in image.functions if f.offset == offset)
    assert function.prototype is not None
    return function.offset, function.prototype
