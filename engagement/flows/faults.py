"""A part that breaks costs its own shelf and one line in the log, not the page and not a flood."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, transaction

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


class contained:  # noqa: N801
    """
    Keep a failing query from taking the shop's own transaction with it.

    Only PostgreSQL refuses everything after a failed statement, and only inside a transaction;
    nobody else pays for the savepoint. A class, because a request enters it several times and a
    generator costs more than all that it does there.
    """

    __slots__ = ("_savepoint",)

    def __enter__(self) -> None:
        self._savepoint: Any = None
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor == "postgresql" and connection.in_atomic_block:
            self._savepoint = transaction.atomic()
            self._savepoint.__enter__()

    def __exit__(self, *fault: Any) -> None:
        if self._savepoint is not None:
            self._savepoint.__exit__(*fault)
