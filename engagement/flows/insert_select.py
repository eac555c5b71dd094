"""INSERT … SELECT, which the ORM does not speak: rows are made where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models, router
from django.db.models import QuerySet
from django.db.models.constants import OnConflict


def insert_select(
    table: type[models.Model],
    columns: Sequence[str],
    rows: QuerySet[Any, Any],
    *,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
) -> int:
    """
    Store what ``rows`` select under the names of ``columns``; return how many rows that was.

    Where a row with the same ``unique`` columns is there, its ``update`` columns are renewed.
    """
    connection = connections[router.db_for_write(table)]
    select, params = compiled(rows.values_list(*columns), using=connection.alias)
    return execute(table, columns, select, params, unique=unique, update=update)


def compiled(rows: QuerySet[Any, Any], *, using: str) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL of a query and its parameters."""
    select, params = rows.query.get_compiler(using=using).as_sql()
    return select, tuple(params)


def execute(
    table: type[models.Model],
    columns: Sequence[str],
    select: str,
    params: Sequence[Any],
    *,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
) -> int:
    """Store what a SELECT written by hand selects."""
    connection = connections[router.db_for_write(table)]
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    suffix = ""
    if unique:
        suffix = connection.ops.on_conflict_suffix_sql(
            [table._meta.get_field(name) for name in columns], OnConflict.UPDATE, update, unique
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(table._meta.db_table)} ({names}) {select} {suffix}", params
        )
        return max(int(cursor.rowcount), 0)
