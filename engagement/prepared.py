"""Queries whose SQL is made once and asked again and again with other values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models import QuerySet


class Prepared:
    """
    The SQL of a queryset in which some values stand for others.

    For a query with window functions that every page view asks, turning the queryset into SQL
    takes several times as long as the database needs for the answer.
    """

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        self.using = rows.db
        compiler = rows.query.get_compiler(using=self.using)
        self.sql, self.params = compiler.as_sql()
        selected = [column for column, *_ in compiler.select[: compiler.col_count]]
        self.converters = compiler.get_converters(selected)

    def rows(self, values: Mapping[Any, Any]) -> list[list[Any]]:
        """Return the answer with each key of ``values`` replaced by its value."""
        return self.converted(self.fetch(values))

    def fetch(self, values: Mapping[Any, Any]) -> list[tuple[Any, ...]]:
        """Return the answer as the database driver gives it."""
        connection = connections[self.using]
        adapted = {
            _adapt(mark, connection): _adapt(value, connection) for mark, value in values.items()
        }
        return self.execute([adapted.get(param, param) for param in self.params])

    def execute(self, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the answer for other parameters, as the database driver gives it."""
        with connections[self.using].cursor() as cursor:
            cursor.execute(self.sql, params)
            return list(cursor.fetchall())

    def converted(self, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """Turn what :meth:`fetch` returned into Python's own types."""
        connection = connections[self.using]
        answer = [list(row) for row in rows]
        for place, (converters, expression) in self.converters.items():
            for row in answer:
                for convert in converters:
                    row[place] = convert(row[place], expression, connection)
        return answer


def _adapt(value: Any, connection: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


class Among:
    """
    One column of the rows whose ``field`` is one of some values, without making the SQL each time.

    ``rows`` gives the queryset to look in; it is asked for once for each number of values, so it
    must not depend on the moment or on who is asking.
    """

    # Numbers of values that are remembered.
    MOST = 200

    def __init__(self, rows: Callable[[], QuerySet[Any, Any]], field: str = "pk") -> None:
        self._rows = rows
        self._field = field
        self._made: dict[int, tuple[Prepared, int]] = {}

    def find(self, values: Sequence[Any]) -> list[Any]:
        """Return ``field`` of every row where it is one of ``values``, in no order."""
        wanted = list(dict.fromkeys(values))
        if not wanted:
            return []
        known = self._made.get(len(wanted))
        if known is None:
            known = self._make(wanted)
            if len(self._made) >= self.MOST:
                self._made.clear()
            self._made[len(wanted)] = known
        prepared, start = known
        params = list(prepared.params)
        params[start : start + len(wanted)] = self._adapted(wanted, prepared.using)
        return [row[0] for row in prepared.converted(prepared.execute(params))]

    def _make(self, wanted: Sequence[Any]) -> tuple[Prepared, int]:
        rows = self._rows().filter(**{f"{self._field}__in": wanted}).order_by()
        prepared = Prepared(rows.values_list(self._field))
        adapted, params = self._adapted(wanted, prepared.using), list(prepared.params)
        for start in range(len(params) - len(adapted) + 1):
            if params[start : start + len(adapted)] == adapted:
                return prepared, start
        raise LookupError(f"The values are not in {prepared.sql}")

    @functools.cached_property
    def _column(self) -> Any:
        meta: Any = self._rows().model._meta
        return meta.pk if self._field == "pk" else meta.get_field(self._field)

    def _adapted(self, values: Sequence[Any], using: str) -> list[Any]:
        adapt, connection = self._column.get_db_prep_value, connections[using]
        return [adapt(value, connection) for value in values]
