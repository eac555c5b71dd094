"""Which shelves the templates of a page show: learnt from the pages rendered before."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from engagement.flows.serving.visit import Visit

# A shelf that so many renderings of a page have left out is not prepared any more.
PATIENCE = 20
# Pages a process remembers; far more than a shop has kinds of pages.
MOST = 500


class _Page:
    """One kind of page: how often it was rendered, and when each shelf was last asked for."""

    def __init__(self) -> None:
        self.rendered = 0
        # Placement → (number of the rendering, how many items).
        self.asked: dict[str, tuple[int, int]] = {}


_pages: dict[Any, _Page] = {}
_lock = threading.Lock()


def forget() -> None:
    """Learn anew."""
    with _lock:
        _pages.clear()


def shown_with(visit: Visit, page: str, name: str, n: int, *, is_first: bool) -> Mapping[str, int]:
    """
    Note that a page shows ``n`` items of the placement ``name``; return all that it shows.

    A process that has not rendered the page before knows of this one alone.
    """
    match = getattr(visit.request, "resolver_match", None)
    kind = (visit.channel, page, getattr(match, "view_name", ""))
    with _lock:
        if len(_pages) >= MOST and kind not in _pages:
            _pages.clear()
        known = _pages.setdefault(kind, _Page())
        known.rendered += is_first
        known.asked[name] = (known.rendered, n)
        if is_first:
            known.asked = {
                other: (last, size)
                for other, (last, size) in known.asked.items()
                if known.rendered - last <= PATIENCE
            }
        return {other: size for other, (_, size) in known.asked.items()}
