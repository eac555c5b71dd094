"""
Small questions put to PostgreSQL past the cursors of Django and psycopg.

A page view asks its database two or three questions of a few rows. Cursors take several times as
long for one as the database and the network do: they wait in Python, wrap each call and forget what
they knew. Here psycopg turns values and answers into each other, as in its own cursors, and libpq
does the rest in one call, other threads running meanwhile. Where anything is out of the ordinary
(a transaction, a log of queries, another driver), nobody is asked here.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import re
import sys
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

# Wrappers of connections that add nothing of their own to the way to a cursor.
USUAL = (
    "django.db.backends.postgresql.base",
    "django.contrib.gis.db.backends.postgis.base",
)
# Forms of questions that one connection keeps a plan of.
MOST_KEPT = 100


class NoAnswer(Exception):
    """The database has not answered here; a cursor will, or will say why not."""


def may_ask(connection: Any) -> bool:
    """Return whether a question may be put past the cursors of Django's ``connection`` now."""
    if (
        connection.vendor != "postgresql"
        or connection.in_atomic_block
        or connection.queries_logged
        or connection.execute_wrappers
        or type(connection).__module__ not in USUAL
        or _psycopg() is None
    ):
        return False
    # The same as before a cursor is made.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    driver = connection.connection
    # Neither within a transaction nor before one that the driver would begin first.
    return bool(driver.autocommit) and driver.pgconn.transaction_status == 0


def ask(connection: Any, sql: str, params: Sequence[Any], *, kept_after: int | None) -> list[Any]:
    """
    Return all rows; raises NoAnswer, which changes nothing.

    ``sql`` has ``%s`` for each of ``params``. The plan is kept once there were ``kept_after``
    answers; None: never.
    """
    driver = connection.connection
    line = _lines.get(driver)
    if line is None:
        line = _lines[driver] = _Line(driver)
    return line.ask(sql, params, kept_after)


class _Form:
    """A question with the types of its values: asked how often, under which name it is kept."""

    __slots__ = ("asked", "name")

    def __init__(self) -> None:
        self.asked = 0
        self.name = b""


class _Line:
    """One connection, and what its server keeps."""

    def __init__(self, driver: Any) -> None:
        self._pgconn = driver.pgconn
        self._transformer = _psycopg().adapt.Transformer(driver)
        self._auto = _psycopg().adapt.PyFormat.AUTO
        self._forms: dict[tuple[str, tuple[int, ...]], _Form] = {}

    def ask(self, sql: str, params: Sequence[Any], kept_after: int | None) -> list[Any]:
        transformer, pgconn = self._transformer, self._pgconn
        try:
            values = transformer.dump_sequence(params, [self._auto] * len(params))
            types, formats = transformer.types or (), transformer.formats
            form = None if kept_after is None else self._form(sql, types)
            if form is None or form.asked < (kept_after or 0):
                found = pgconn.exec_params(_numbered(sql), values, types, formats)
            else:
                if not form.name:
                    self._keep(form, sql, types)
                found = pgconn.exec_prepared(form.name, values, formats)
            if found.status != _psycopg().pq.ExecStatus.TUPLES_OK:
                raise NoAnswer(found.error_message)
            if form is not None:
                form.asked += 1
            transformer.set_pgresult(found)
            rows: list[Any] = transformer.load_rows(0, found.ntuples, tuple)
        except NoAnswer:
            self._forms.clear()
            raise
        except Exception as error:
            self._forms.clear()
            raise NoAnswer(str(error)) from error
        return rows

    def _form(self, sql: str, types: tuple[int, ...]) -> _Form | None:
        key = (sql, types)
        form = self._forms.get(key)
        if form is None and len(self._forms) < MOST_KEPT:
            form = self._forms[key] = _Form()
        return form

    def _keep(self, form: _Form, sql: str, types: tuple[int, ...]) -> None:
        # Never a name twice: after a failure nobody knows what the server still has.
        name = f"engagement_{next(_numbers)}".encode()
        made = self._pgconn.prepare(name, _numbered(sql), types)
        if made.status != _psycopg().pq.ExecStatus.COMMAND_OK:
            raise NoAnswer(made.error_message)
        form.name = name


_numbers = itertools.count(1)
_lines: WeakKeyDictionary[Any, _Line] = WeakKeyDictionary()


@functools.lru_cache(maxsize=512)
def _numbered(sql: str) -> bytes:
    """Return ``sql`` with PostgreSQL's own marks: ``$1`` for the first ``%s``."""
    numbers = itertools.count(1)
    return re.sub(
        "%[s%]", lambda mark: "%" if mark[0] == "%%" else f"${next(numbers)}", sql
    ).encode()


@functools.cache
def _psycopg() -> Any:
    """Return the driver; None without psycopg 3, or where waiting for a socket has to switch."""
    for name, patched in (
        ("gevent.monkey", "is_module_patched"),
        ("eventlet.patcher", "is_monkey_patched"),
    ):
        module = sys.modules.get(name)
        if module is not None and getattr(module, patched)("select"):
            # libpq would hold up all other greenlets while it waits.
            return None
    try:
        return importlib.import_module("psycopg")
    except ImportError:
        return None
