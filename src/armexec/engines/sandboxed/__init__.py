"""The translated engine in a sandbox (`memory/sandbox`): its code reaches no memory but the sandbox's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.callbacks import HostFunction, HostFunctionRange, HostFunctions
from armexec.engines.translated import TranslatedEngine, process_runtime, translated_error
from armexec.memory import Sandbox
from armexec.memory.sandbox.layout import FUNCTIONS, LAST
from armexec.objects import Prototype
from armexec.translate.execute.runtime import Runtime
from armexec.translate.policy import Policy
from armexec.translate.tiers import AUTO

__all__ = ["SandboxedEngine"]


class SandboxedEngine(TranslatedEngine):
    """A sandbox, and what runs in it: code that finds nothing but itself, and the functions of Python given to it.

    Raises:
        HostError: there is no such tier, or the host gives no addresses.
    """

    def __init__(self, tier: str = AUTO, policy: Policy | None = None) -> None:
        super().__init__(tier, policy)
        self.sandbox = sandbox = Sandbox()
        self._functions = HostFunctionRange(FUNCTIONS, LAST - FUNCTIONS)
        memory = sandbox.memory
        self._own_runtime = Runtime(
            sandbox.stack,
            lambda fault, word_at=None: translated_error(fault, word_at=word_at, memory=memory),
            # Guards of static variables are found by addresses of the host.
            lambda begin, end: None,
            memory=memory,
            functions=self._functions,
            watch=process_runtime().watch,
        )

    def _runtime(self) -> Runtime:
        return self._own_runtime

    def _policy(self) -> Policy:
        # Addresses take registers: an unrolled loop has none left for what it computes (benchmarks/sandbox.py, sieve).
        return super()._policy().without("unrolling_by_cost", "cold_interpretation")

    def host_functions(self) -> HostFunctions:
        return self._functions

    def make_fast_callback(
        self,
        host: HostFunction,
        prototype: Prototype,
        function: Callable[..., Any],
        convert: Callable[[Any], Any],
    ) -> None:
        # Such code is shared by all, and knows the functions of the process.
        pass
