"""What `armexec step` and `armexec trace` go through instruction by instruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armexec.debugger.target import Target
    from armexec.sources import Source

__all__ = ["opened_target"]


@contextmanager
def opened_target(
    source: Source, arguments: Sequence[str], *, function: str | None, signature: str | None, engine: str | None
) -> Iterator[Target]:
    """A source's program, or a call of one of its functions, where one is named or there is no main. The caller closes
    it.

    Raises:
        Error: see `armexec.debug`.
    """
    from armexec.api import load_source, source_image
    from armexec.cli.program import is_program, program_target

    image = source_image(source, engine)
    if function is None and signature is None and is_program(source, image):
        yield program_target(source, arguments, engine=engine)
        return
    from armexec.cli.call import prepare
    from armexec.debugger.open import target_of

    with load_source(source, engine, image=image) as module:
        called, _, values = prepare(module, function, signature, arguments, compiled=source.is_compiled)
        yield target_of(called, *values)
