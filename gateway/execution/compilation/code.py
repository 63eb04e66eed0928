"""Python under construction: lines, blocks, and the global names they use."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import UNSET

from gateway.execution.compilation.shapes import NotCoveredError

MOST_LOOPS = 20
"""Loops within one another that Python compiles in one function, blocks of ``try`` included."""

MOST_BLOCKS = 95
"""Blocks of any kind within one another, a few less than Python's 100 levels of indentation."""

MOST_LINES = 100
"""Lines beyond which part of a function becomes one of its own: Python compiles some hundred in a millisecond."""

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
        self._loops = 0
        self._count = 0
        self._classes: dict[object, str] = {}

    def add(self, line: str) -> None:
        """One line at the current depth."""
        self._functions[-1].append("    " * self._depth + line)

    @contextmanager
    def block(self, line: str) -> Iterator[None]:
        """A line that opens a block, which holds at least ``pass``. Raises NotCoveredError for one too many."""
        self.add(line)
        before, loop = len(self._functions[-1]), line.startswith(("for ", "try:"))
        self._depth += 1
        self._loops += loop
        if self._loops > MOST_LOOPS or self._depth > MOST_BLOCKS:
            raise NotCoveredError("lists or objects stand too deep within one another")
        yield
        self._loops -= loop
        if len(self._functions[-1]) == before:
            self.add("pass")
        self._depth -= 1

    @contextmanager
    def function(self, head: str) -> Iterator[None]:
        """A function, beside the one that is being written."""
        (depth, self._depth), (loops, self._loops) = (self._depth, 0), (self._loops, 0)
        self._functions.append([])
        with self.block(f"def {head}:"):
            yield
        self._finished.append("\n".join(self._functions.pop()))
        self._depth, self._loops = depth, loops

    @property
    def line(self) -> int:
        """Where the next line of the function that is being written goes."""
        return len(self._functions[-1])

    def cut(self, since: int, names: Iterable[str]) -> int:
        """Make a function of the lines ``since`` some line, if they are many; the line from where to count on.

        They stand at the current depth or below it, use no more local variables than ``names`` and their own, and leave
        nothing in these.
        """
        lines = self._functions[-1]
        if len(lines) - since <= MOST_LINES:
            return since
        used = set(re.findall(r"\w+", "\n".join(lines[since:])))
        call = f"{self.fresh('part')}({', '.join(name for name in names if name in used)})"
        body = ["    " + line[4 * self._depth :] for line in lines[since:]]
        self._finished.append("\n".join([f"def {call}:", *body]))
        lines[since:] = []
        self.add(call)
        return len(lines)

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
