"""Telling the shop what has happened, once it is in the database for good."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal


def announce(signal: Signal, sender: Any, **kwargs: Any) -> None:
    """Send a signal after the transaction; a listener's mistake reaches nobody."""
    transaction.on_commit(partial(signal.send_robust, sender=sender, **kwargs), robust=True)
