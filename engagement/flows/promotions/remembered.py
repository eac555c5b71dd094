"""What a process has read lately, for as long as it is believed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# Campaigns that a process knows at a time.
MOST = 1000


class Remembered(Generic[T]):
    """One value a key; threads share it. Two that come at once may both read."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, T]] = {}
        self._lock = threading.Lock()

    def get(self, key: int, seconds: float, read: Callable[[], T]) -> T:
        """Return what was read less than ``seconds`` ago, else what ``read`` says now."""
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < seconds:
            return kept[1]
        value = read()
        with self._lock:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), value)
        return value

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
