"""The hints of composition: it succeeds, but something may not be meant. They are written down in ``codes.md``."""

from gateway.composition.codes import HINTS
from gateway.composition.issues import CompositionCode


def __getattr__(name: str) -> CompositionCode:
    if name in HINTS:
        return HINTS[name]
    raise AttributeError(f"codes.md has no hint {name}")
