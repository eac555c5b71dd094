"""Django's cache, for what may be missing: a dead cache makes shelves slower, never broken."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.cache import caches

from engagement.conf import app_settings
from engagement.flows import faults

# A cache server that is down answers by timing out. After a failure nobody asks for this long.
REST_SECONDS = 15.0

_resting_until = 0.0


def get(key: str) -> Any:
    """Return what is kept under ``key``, or None."""
    if is_resting():
        return None
    try:
        return caches[app_settings.CACHE].get(key)
    except Exception:
        _rest()
        return None


def put(key: str, value: object, *, seconds: float) -> None:
    """Keep ``value`` for a while, where the cache can."""
    if seconds <= 0 or is_resting():
        return
    try:
        caches[app_settings.CACHE].set(key, value, seconds)
    except Exception:
        _rest()


def get_many(keys: Sequence[str]) -> dict[str, Any]:
    """Return what is kept under some keys, by key; one question to the cache."""
    if not keys or is_resting():
        return {}
    try:
        found: dict[str, Any] = caches[app_settings.CACHE].get_many(keys)
        return found
    except Exception:
        _rest()
        return {}


def put_many(values: Mapping[str, object], *, seconds: float) -> None:
    """Keep values under their keys for a while, where the cache can."""
    if not values or seconds <= 0 or is_resting():
        return
    try:
        caches[app_settings.CACHE].set_many(dict(values), seconds)
    except Exception:
        _rest()


def is_resting() -> bool:
    """Return whether the cache failed a moment ago and is left alone."""
    return time.monotonic() < _resting_until


def drop(key: str) -> None:
    """Keep nothing under ``key``, where the cache can."""
    if is_resting():
        return
    try:
        caches[app_settings.CACHE].delete(key)
    except Exception:
        _rest()


def drop_many(keys: Sequence[str]) -> None:
    """Keep nothing under some keys, where the cache can."""
    if not keys or is_resting():
        return
    try:
        caches[app_settings.CACHE].delete_many(keys)
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
