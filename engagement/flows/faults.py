"""A part that breaks costs its own shelf and one line in the log, not the page and not a flood."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, connection, transaction

logger = logging.getLogger("engagement")

# The same fault is told again after this long.
QUIET_SECONDS = 60.0

_told: dict[str, float] = {}
_lock = threading.Lock()


def report(
    fault: str,
    message: str,
    *args: object,
    quiet: float = QUIET_SECONDS,
    to: logging.Logger = logger,
) -> None:
    """
    Log the exception being handled, unless ``fault`` was told within the last ``quiet`` seconds.

    ``fault`` names what is broken (``cache``, ``artifact:12``), not the request that met it. A
    database that does not answer is one fault, whoever asked it.
    """
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        fault = "database"
    now = time.monotonic()
    with _lock:
        last = _told.get(fault)
        if last is not None and now - last < quiet:
            return
        if len(_told) > 1000:
            _told.clear()
        _told[fault] = now
    to.error(message, *args, exc_info=True)


def forget() -> None:
    """Tell every fault again."""
    with _lock:
        _told.clear()


@contextmanager
def contained() -> Iterator[None]:
    """
    Keep a failing query from taking the shop's own transaction with it.

    Only PostgreSQL refuses everything after a failed statement, and only inside a transaction;
    nobody else pays for the savepoint.
    """
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        yield
