"""Django's cache, for what may be missing: a dead cache makes shelves slower, never broken."""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import caches

from engagement.conf import app_settings
from engagement.flows import faults

# A cache server that is down answers by timing out. After a failure nobody asks for this long.
REST_SECONDS = 15.0

_resting_until = 0.0


def get(key: str) -> Any:
    """Return what is kept under ``key``, or None."""
    if time.monotonic() < _resting_until:
        return None
    try:
        return caches[app_settings.CACHE].get(key)
    except Exception:
        _rest()
        return None


def put(key: str, value: object, *, seconds: float) -> None:
    """Keep ``value`` for a while, where the cache can."""
    if seconds <= 0 or time.monotonic() < _resting_until:
        return
    try:
        caches[app_settings.CACHE].set(key, value, seconds)
    except Exception:
        _rest()


def forget() -> None:
    """Ask the cache again at once."""
    global _resting_until
    _resting_until = 0.0


def _rest() -> None:
    global _resting_until
    _resting_until = time.monotonic() + REST_SECONDS
    faults.report("cache", "The cache does not answer; shelves are computed each time")
