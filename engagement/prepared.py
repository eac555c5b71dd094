"""Queries whose SQL is made once and asked again and again with other values."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import QuerySet

from engagement import direct

# Answers of one connection before PostgreSQL keeps a plan: some shops open one a request.
KEPT_AFTER = 2
# Failures of a query after which its plan is relied on no more.
PATIENCE = 3


class Prepared:
    """
    The SQL of a queryset in which some values stand for others.

    For a query with window functions that every page view asks, turning the queryset into SQL
    takes several times as long as the database needs for the answer.

    ``planned``: of that, planning takes the most. PostgreSQL keeps the plan for a connection,
    unless ``DATABASES`` says with ``DISABLE_SERVER_SIDE_CURSORS`` that a pooler hands every
    transaction to another session. For queries that look up by an index whatever the values are: a
    plan that does not know its values compares long lists of them one by one.

    ``planned_directly``: the same outside of transactions alone, for querysets of the shop's: one
    that PostgreSQL does not take with values of their own (:mod:`engagement.direct`) is asked
    through Django's cursor then and there.
    """

    def __init__(
        self,
        rows: QuerySet[Any, Any],
        *,
        planned: bool = False,
        planned_directly: bool = False,
    ) -> None:
        self.using = rows.db
        compiler = rows.query.get_compiler(using=self.using)
        self.sql, self.params = compiler.as_sql()
        selected = [column for column, *_ in compiler.select[: compiler.col_count]]
        self.converters = compiler.get_converters(selected)
        self._failed = 0 if planned else PATIENCE
        self._planned_directly = planned or planned_directly
        self._failed_directly = 0
        # Where each value that stands for another one is among the parameters.
        self._places: dict[Any, tuple[int, ...]] = {}

    def rows(self, values: Mapping[Any, Any]) -> list[list[Any]]:
        """Return the answer with each key of ``values`` replaced by its value."""
        return self.converted(self.fetch(values))

    def fetch(self, values: Mapping[Any, Any]) -> list[tuple[Any, ...]]:
        """Return the answer as the database driver gives it."""
        connection = connections[self.using]
        params = list(self.params)
        for mark, value in values.items():
            places = self._places.get(mark)
            if places is None:
                adapted = _adapt(mark, connection)
                found = (place for place, param in enumerate(self.params) if param == adapted)
                places = self._places[mark] = tuple(found)
            if places:
                value = _adapt(value, connection)
            for place in places:
                params[place] = value
        return self.execute(params)

    def execute(self, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the answer for other parameters, as the database driver gives it."""
        connection = connections[self.using]
        if self._failed_directly < PATIENCE and direct.may_ask(connection):
            kept_after = KEPT_AFTER if self._planned_directly and _may_keep(connection) else None
            try:
                return direct.ask(connection, self.sql, params, kept_after=kept_after)
            except direct.NoAnswer:
                self._failed_directly += 1
        if self._failed < PATIENCE and _keeps_plans(connection):
            try:
                return _execute_planned(connection, self.sql, params)
            except DatabaseError:
                # A pooler that mixes sessions, a table that has changed: soon as ever.
                self._failed += 1
                raise
        with connection.cursor() as cursor:
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


def _keeps_plans(connection: Any) -> bool:
    return (
        connection.vendor == "postgresql"
        # Django's log of queries shows them with their values, which the server has here.
        and not connection.queries_logged
        and _may_keep(connection)
        and _binding_cursor() is not None
    )


def _may_keep(connection: Any) -> bool:
    """Return whether the same session answers the next time: no pooler changes it."""
    return not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")


@functools.cache
def _binding_cursor() -> Any:
    """Return the cursor that binds in the server, without which there are no plans to keep."""
    base = importlib.import_module("django.db.backends.postgresql.base")
    # Not with psycopg 2.
    return getattr(base, "ServerBindingCursor", None)


def _execute_planned(connection: Any, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return all rows; queries are wrapped and refused as by any cursor of Django's."""
    connection.ensure_connection()
    driver = connection.connection
    cursor = _binding_cursor()(driver)
    usual, driver.prepare_threshold = driver.prepare_threshold, KEPT_AFTER
    try:
        with connection.make_cursor(cursor) as wrapped:
            wrapped.execute(sql, params)
            return list(wrapped.fetchall())
    finally:
        driver.prepare_threshold = usual


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
    # So many values of a unique field are looked up one by one, by any plan.
    FEW = 32

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
        is_looked_up = bool(self._column.unique) and len(wanted) <= self.FEW
        prepared = Prepared(rows.values_list(self._field), planned_directly=is_looked_up)
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
