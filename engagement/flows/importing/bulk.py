"""Inserting many events at once, column by column, without an object for each of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from engagement.models import Event

# Columns that are not given have these values.
DEFAULTS: dict[str, Any] = {
    "variant_id": "",
    "session_id": "",
    "quantity": 1,
    "value": None,
    "currency": "",
    "order_ref": "",
    "query": "",
    "placement": "",
    "recommendation_id": "",
    "rank": None,
    "promotion_id": "",
    "propensity": None,
}


@contextmanager
def room_for_indexes() -> Iterator[None]:
    """
    Let SQLite keep 64 MB of pages for the length of an import (its own measure is 2 MB).

    Keys are random, so every row touches another page of their index: once the index has outgrown
    the cache, each of them is read and written again and again.
    """
    connection = connections[router.db_for_write(Event)]
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA cache_size").fetchone()[0]
        cursor.execute("PRAGMA cache_size = -64000")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size = {int(before)}")


def insert_events(columns: Mapping[str, Sequence[Any]], *, channel: str, at: datetime) -> int:
    """
    Store events and return how many of them are new; known keys are passed over.

    ``columns`` holds equally long lists by field name. What is stored was checked before: on some
    databases a row that breaks a constraint would be passed over as well. Listeners of
    ``events_recorded`` are not called: the past is not news.
    """
    n = len(columns["key"])
    if not n:
        return 0
    connection = connections[router.db_for_write(Event)]
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    prepared = []
    for field in fields:
        name = field.attname if field.attname in columns else field.name
        if name in columns:
            prepared.append(_prepare(field, columns[name], connection))
        else:
            value = {"channel": channel, "recorded_at": at, **DEFAULTS}[name]
            prepared.append([field.get_db_prep_save(value, connection)] * n)
    names = [connection.ops.quote_name(str(field.column)) for field in fields]
    table = connection.ops.quote_name(Event._meta.db_table)
    with transaction.atomic(using=connection.alias):
        rows = zip(*prepared, strict=True)
        if connection.vendor == "postgresql":
            return _copy(connection, table, names, rows)
        statement = (
            f"{connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)} {table} "
            f"({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) "
            + connection.ops.on_conflict_suffix_sql(fields, OnConflict.IGNORE, [], [])
        )
        with connection.cursor() as cursor:
            cursor.executemany(statement, list(rows))
            new: int = cursor.rowcount
            return max(new, 0)


def _prepare(field: Any, values: Sequence[Any], connection: BaseDatabaseWrapper) -> list[Any]:
    """Return values as the database takes them; equal ones are converted once."""
    if not values:
        return []
    sample = next((value for value in values if value is not None), None)
    if isinstance(sample, uuid.UUID):
        if connection.features.has_native_uuid_field:
            return list(values)
        return [value.hex for value in values]
    if isinstance(sample, datetime | Decimal):
        return list(_once_each(lambda value: field.get_db_prep_save(value, connection), values))
    # Text and whole numbers go in as they are.
    return list(values)


def _once_each(convert: Callable[[Any], Any], values: Sequence[Any]) -> Iterator[Any]:
    known: dict[Any, Any] = {}
    for value in values:
        if value not in known:
            known[value] = convert(value)
        yield known[value]


def _copy(
    connection: BaseDatabaseWrapper,
    table: str,
    names: Sequence[str],
    rows: Iterator[tuple[Any, ...]],
) -> int:
    """Stream into a temporary table and move the new ones over: PostgreSQL's fastest way in."""
    columns = ", ".join(names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS engagement_incoming AS "  # noqa: S608
            f"SELECT {columns} FROM {table} WITH NO DATA"
        )
        cursor.execute("TRUNCATE engagement_incoming")
        with cursor.copy(f"COPY engagement_incoming ({columns}) FROM STDIN") as stream:
            for row in rows:
                stream.write_row(row)
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM engagement_incoming "  # noqa: S608
            "ON CONFLICT DO NOTHING"
        )
        new: int = cursor.rowcount
        cursor.execute("DROP TABLE engagement_incoming")
        return new
