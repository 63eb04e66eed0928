"""Python under construction: lines, blocks, and the global names they use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import UNSET

encode = msgspec.json.Encoder().encode


class MismatchError(Exception):
    """An answer is not as the compiled form expects it; the general path takes over."""


class IncompleteError(Exception):
    """Part of a key is null: the object cannot be represented."""


class Code:
    """Lines of a module under construction, and the global names they use."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"UNSET": UNSET, "MismatchError": MismatchError, "encode": encode}
        self._functions: list[list[str]] = [[]]
        self._finished: list[str] = []
        self._depth = 0
        self._count = 0
        self._classes: dict[object, str] = {}

    def add(self, line: str) -> None:
        """One line at the current depth."""
        self._functions[-1].append("    " * self._depth + line)

    @contextmanager
    def block(self, line: str) -> Iterator[None]:
        """A line that opens a block, which holds at least ``pass``."""
        self.add(line)
        before = len(self._functions[-1])
        self._depth += 1
        yield
        if len(self._functions[-1]) == before:
            self.add("pass")
        self._depth -= 1

    @contextmanager
    def function(self, head: str) -> Iterator[None]:
        """A function, beside the one that is being written."""
        depth, self._depth = self._depth, 0
        self._functions.append([])
        with self.block(f"def {head}:"):
            yield
        self._finished.append("\n".join(self._functions.pop()))
        self._depth = depth

    def fresh(self, stem: str = "v") -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{stem}{self._count}"

    def named(self, stem: str, value: object) -> str:
        """A fresh global name for a value."""
        name = self.fresh(stem)
        self.scope[name] = value
        return name

    def name_class(self, shape: object, structure: type) -> None:
        """Give the structure of a shape its global name."""
        self._classes[shape] = self.named("C", structure)

    def class_of(self, shape: object) -> str:
        """The global name of a shape's structure."""
        return self._classes[shape]

    @property
    def text(self) -> str:
        """The module so far."""
        return "\n".join(self._finished)

    def run(self) -> dict[str, Any]:
        """Execute the module; its globals. No other thread runs while Python compiles, so that is done in pieces."""
        for function in self._finished:
            exec(compile(function, "<compiled plan>", "exec"), self.scope)
        return self.scope
