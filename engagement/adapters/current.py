"""The adapter in charge."""

from __future__ import annotations

import functools
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from engagement.adapters.base import ShopAdapter
from engagement.conf import app_settings


@functools.cache
def _adapter(path: str) -> ShopAdapter:
    adapter: ShopAdapter = import_string(path)()
    return adapter


def get_adapter() -> ShopAdapter:
    """Return the shop's adapter, built once a process."""
    return _adapter(app_settings.ADAPTER)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "ENGAGEMENT":
        _adapter.cache_clear()


setting_changed.connect(_forget, dispatch_uid="engagement.adapters")
