"""
Keeps two processes, on one machine or on several, from doing the same work at once.

A lock that its holder must give back is worth little: a worker that is killed in the middle of a
training never does, and waiting for an expiry would cost the shop that night's model. So each kind
of lock here is one that the operating system or the database takes back by itself as soon as the
process that holds it is gone:

- PostgreSQL: an advisory lock of a transaction, on a connection of its own (a transaction's lock,
  because a pooler such as PgBouncer hands sessions around);
- MySQL and MariaDB: a named lock, on a connection of its own;
- anything else, which is to say SQLite: a locked file beside the database.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.core.files import locks as file_locks
from django.db import DatabaseError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from engagement.models import ModelArtifact

GUARD = ".engagement.lock"


class AlreadyRunning(Exception):
    """Someone else is at it. Give way: the work is being done."""


@contextmanager
def lock(name: str, *, seconds: float) -> Iterator[None]:
    """
    Hold the lock ``name`` during a ``with`` block; raise AlreadyRunning when another one holds it.

    ``seconds`` is how long the work can possibly take: a holder that is stuck for longer loses the
    lock to whoever asks next. One that dies loses it at once. Never waits.
    """
    using = router.db_for_write(ModelArtifact)
    kinds = {"postgresql": _transaction, "mysql": _named}
    connection = connections[using]
    with kinds.get(connection.vendor, _file)(connection, name, seconds):
        yield


@contextmanager
def _transaction(connection: BaseDatabaseWrapper, name: str, seconds: float) -> Iterator[None]:
    with _own_connection(connection) as own, own.cursor() as cursor:
        # A transaction without writes or an open query holds back neither vacuum nor anyone else.
        own.set_autocommit(False)
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, true)",
            [str(min(int(seconds * 1000), 2**31 - 1))],
        )
        number = int.from_bytes(_digest(name)[:8], "big", signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning(name)
        yield


@contextmanager
def _named(connection: BaseDatabaseWrapper, name: str, seconds: float) -> Iterator[None]:
    with _own_connection(connection) as own, own.cursor() as cursor:
        cursor.execute("SET SESSION wait_timeout = %s", [max(int(seconds), 1)])
        # Names are shared by all databases of the server and hold at most 64 characters.
        digest = _digest(f"{connection.settings_dict['NAME']}\n{name}").hex()[:48]
        cursor.execute("SELECT GET_LOCK(%s, 0)", [f"engagement:{digest}"])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning(name)
        yield


@contextmanager
def _own_connection(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """Yield a second connection to the same database; closing it is what ends the lock."""
    own = connections.create_connection(connection.alias)
    try:
        yield own
    finally:
        # The server may have hung up meanwhile; the lock is gone either way.
        with suppress(DatabaseError):
            if not own.get_autocommit():
                own.rollback()
        with suppress(DatabaseError):
            own.close()


@contextmanager
def _file(connection: BaseDatabaseWrapper, name: str, seconds: float) -> Iterator[None]:
    path = _path(connection, name)
    with _guarded(path):
        held = _open_locked(path)
        if held is None and _is_overdue(path):
            path.unlink()
            held = _open_locked(path)
        if held is None:
            raise AlreadyRunning(name)
        held.write(str(time.time() + seconds))
        held.flush()
    try:
        yield
    finally:
        with _guarded(path):
            # Only the file that is ours: after an expiry, another one stands in its place.
            if path.exists() and os.path.samestat(os.fstat(held.fileno()), path.stat()):
                path.unlink()
            held.close()


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Look at lock files and remove them one process at a time; takes microseconds."""
    with (path.parent / GUARD).open("a") as guard:
        file_locks.lock(guard, file_locks.LOCK_EX)
        yield


def _open_locked(path: Path) -> IO[str] | None:
    opened = path.open("a")
    if not file_locks.lock(opened, file_locks.LOCK_EX | file_locks.LOCK_NB):
        opened.close()
        return None
    # What a killed holder wrote.
    opened.truncate(0)
    return opened


def _is_overdue(path: Path) -> bool:
    until = path.read_text()
    return bool(until) and float(until) < time.time()


def _path(connection: BaseDatabaseWrapper, name: str) -> Path:
    database = str(connection.settings_dict["NAME"])
    is_in_memory = getattr(connection, "is_in_memory_db", lambda: False)()
    # A database in memory belongs to this process alone.
    owner = f"{os.getpid()}\n" if is_in_memory else ""
    digest = _digest(f"{owner}{database}\n{name}").hex()[:16]
    folder = Path(tempfile.gettempdir())
    if connection.vendor == "sqlite" and not is_in_memory:
        folder = Path(database).resolve().parent
    return folder / f".engagement-{digest}.lock"


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=32, person=b"engagement").digest()
