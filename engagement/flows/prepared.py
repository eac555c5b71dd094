"""A query whose SQL is made once and asked again and again with other values."""

from __future__ import annotations

from collections.abc import Mapping
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
        connection = connections[self.using]
        adapted = {
            _adapt(mark, connection): _adapt(value, connection) for mark, value in values.items()
        }
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [adapted.get(param, param) for param in self.params])
            answer = [list(row) for row in cursor.fetchall()]
        for place, (converters, expression) in self.converters.items():
            for row in answer:
                for convert in converters:
                    row[place] = convert(row[place], expression, connection)
        return answer


def _adapt(value: Any, connection: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
