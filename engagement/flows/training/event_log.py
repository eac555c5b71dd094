"""Reading the event log in bulk: from the database straight into arrays of integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.expressions import Combinable, Value
from django.db.models.functions import Cast, Coalesce, Round
from numpy.typing import NDArray

from engagement.learning.cleaning import EventLog
from engagement.learning.interactions import Int64
from engagement.models import Event, EventName

# Rows that are Python objects at one time, where the database cannot hand over arrays. Few, so
# that they are still in the processor's cache when they become numbers.
CHUNK = 500
# Rows that are cut off PostgreSQL's stream at a time.
PIECE = 20_000
NAMES = ("visitors", "items", "events", "moments", "quantities", "values", "orders", "sessions")


class Epoch(models.Func):
    """Seconds since 1970 of a moment, fractions cut off, computed by the database."""

    output_field = BigIntegerField()

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return super().as_sql(compiler, connection, template=template, **extra)

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        # UNIX_TIMESTAMP would read the stored UTC as if it were in the session's time zone.
        template = "TIMESTAMPDIFF(SECOND, '1970-01-01', %(expressions)s)"
        return super().as_sql(compiler, connection, template=template, **extra)


class TextNumber(models.Func):
    """
    A number that stands for a text: 0 for an empty one.

    PostgreSQL hashes by itself; elsewhere the text arrives and Python hashes it.
    """

    output_field = BigIntegerField()
    template = "%(expressions)s"

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = (
            "(CASE WHEN %(expressions)s = '' THEN 0 ELSE hashtextextended(%(expressions)s, 0) END)"
        )
        return super().as_sql(compiler, connection, template=template, **extra)


def read(
    *,
    channel: str,
    events: Sequence[int],
    since: datetime | None,
    until: datetime,
    with_sessions: bool = False,
) -> EventLog:
    """
    Return the events about items from ``since`` to ``until``, both included.

    A refund of a whole order names no item: its item is -1.

    Orders are numbered from 0 in the order of the log, -1 without one. So are the sessions that
    the shop named itself, if asked for; otherwise all are -1.
    """
    rows = window(channel=channel, events=events, since=since, until=until)
    query = rows.values_list(*_columns(with_sessions))
    connection = connections[router.db_for_read(Event)]
    if connection.vendor == "postgresql":
        table = _copy(query, connection)
    else:
        pieces = list(_fetch(query, connection, with_sessions))
        table = np.concatenate(pieces) if pieces else np.empty((0, len(NAMES)), dtype=np.int64)
    columns = dict(zip(NAMES, np.ascontiguousarray(table.T), strict=True))
    columns["orders"] = _number(columns["orders"])
    columns["sessions"] = _number(columns["sessions"])
    return EventLog(**columns)


def window(
    *, channel: str, events: Sequence[int], since: datetime | None, until: datetime
) -> QuerySet[Event]:
    """Return the rows that training reads; the index ``engagement_event_window`` serves them."""
    rows = Event.objects.filter(
        Q(item__isnull=False) | Q(event=EventName.REFUND),
        channel=channel,
        event__in=list(events),
        event_time__lte=until,
    )
    return rows if since is None else rows.filter(event_time__gte=since)


def _columns(with_sessions: bool) -> list[Combinable]:
    hundredths = Cast(Round(models.F("value") * 100), BigIntegerField())
    return [
        Coalesce(Cast("visitor_id", BigIntegerField()), Value(-1, BigIntegerField())),
        Coalesce(Cast("item_id", BigIntegerField()), Value(-1, BigIntegerField())),
        Cast("event", BigIntegerField()),
        Epoch("event_time"),
        Cast("quantity", BigIntegerField()),
        Coalesce(hundredths, Value(-1, BigIntegerField())),
        TextNumber("order_ref"),
        TextNumber("session_id") if with_sessions else Cast(Value(0), BigIntegerField()),
    ]


def _fetch(
    query: QuerySet[Any, Any], connection: BaseDatabaseWrapper, with_sessions: bool
) -> Iterator[NDArray[np.int64]]:
    sql, params = query.query.get_compiler(connection=connection).as_sql()
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql, params)
        while rows := cursor.fetchmany(CHUNK):
            *numbers, orders, sessions = zip(*rows, strict=True)
            piece = np.empty((len(rows), len(NAMES)), dtype=np.int64)
            for place, column in enumerate(numbers):
                piece[:, place] = column
            piece[:, -2] = np.fromiter(map(hash, orders), dtype=np.int64, count=len(rows))
            piece[:, -1] = (
                np.fromiter(map(hash, sessions), dtype=np.int64, count=len(rows))
                if with_sessions
                else 0
            )
            yield piece


def _copy(query: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> NDArray[np.int64]:
    """
    Read through PostgreSQL's binary COPY: eight big integers a row become one array, no objects.

    The stream is a header of 19 bytes, for each row the number of fields and each field behind
    its length, and -1 at the end.
    """
    sql, params = query.query.get_compiler(connection=connection).as_sql()
    # Every column has to be a bigint by its own type: a plain 0 would be four bytes long.
    row = np.dtype([("n", ">i2"), ("fields", [("length", ">i4"), ("value", ">i8")], len(NAMES))])
    # psycopg binds parameters of COPY on this side.
    statement = f"COPY ({sql}) TO STDOUT (FORMAT BINARY)"
    pieces: list[NDArray[np.int64]] = []
    buffer = bytearray()
    # Below Django's cursor: the one that counts queries under DEBUG takes no parameters here.
    with closing(connection.cursor()) as cursor, cursor.cursor.copy(statement, params) as stream:
        is_first = True
        for data in stream:
            buffer += data
            if is_first and len(buffer) >= 19:
                del buffer[:19]
                is_first = False
            if not is_first and len(buffer) >= PIECE * row.itemsize:
                pieces.append(_take(buffer, row))
    pieces.append(_take(buffer, row))
    return np.concatenate(pieces)


def _take(buffer: bytearray, row: np.dtype[Any]) -> NDArray[np.int64]:
    """Cut complete rows off the front of ``buffer``."""
    n = len(buffer) // row.itemsize
    table = np.frombuffer(bytes(buffer[: n * row.itemsize]), dtype=row)["fields"]["value"]
    del buffer[: n * row.itemsize]
    return table.astype(np.int64)


def _number(hashes: Int64) -> Int64:
    """
    Number equal hashes from 0 in the order of their first appearance, -1 for 0.

    Python's hashes differ from process to process; the numbers must not.
    """
    names, first, places = np.unique(hashes, return_index=True, return_inverse=True)
    first = np.where(names == 0, -1, first)
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(len(names)) - int(np.any(names == 0))
    return ranks[places]
