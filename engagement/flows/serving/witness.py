"""Which shelves a page asks for, those with nothing to show too: for whoever looks a shop over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[dict[str, int] | None] = ContextVar("engagement_asked", default=None)


def note(placement: str, n: int) -> None:
    """Tell the witness, if there is one, how many items a placement shows."""
    asked = _asked.get()
    if asked is not None:
        asked[placement] = max(n, asked.get(placement, 0))


@contextmanager
def watching() -> Iterator[dict[str, int]]:
    """Yield what the templates ask for meanwhile: placement → how many items it shows."""
    asked: dict[str, int] = {}
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)
