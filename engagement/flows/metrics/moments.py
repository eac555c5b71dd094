"""
Sums over visitors, by group, from their days: all that an effect needs, and never a row.

A visitor who signed in is one with what was browsed before. The statements are SQL that SQLite,
PostgreSQL and MySQL share; Django's ORM cannot join sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connections, router
from django.utils import timezone

from engagement.flows.experiments import holdout
from engagement.flows.metrics.days import midnight
from engagement.learning.experiments import Moments
from engagement.models import Experiment, Exposure, Measure, Visitor, VisitorDay

# A measure is a column, summed up per visitor, and what becomes of the sum.
COLUMNS: dict[str, tuple[str, str]] = {
    Measure.REVENUE: ("revenue", "{}"),
    Measure.CONVERSION: ("orders", "CASE WHEN {} > 0 THEN 1 ELSE 0 END"),
    Measure.ORDERS: ("orders", "{}"),
    Measure.ADD_TO_CART: ("carts", "CASE WHEN {} > 0 THEN 1 ELSE 0 END"),
    Measure.REPEAT: ("orders", "CASE WHEN {} > 1 THEN 1 ELSE 0 END"),
    Measure.SESSIONS: ("sessions", "{}"),
    Measure.DEPTH: ("views", "{}"),
    Measure.CLICKS: ("clicks", "{}"),
    Measure.REVIEWS: ("reviews", "{}"),
}
# What visitors were worth before an experiment is looked up in so many days.
DAYS_BEFORE = 28

Sums = dict[str, Moments]


def of_holdout(
    *, channel: str, since: date, until: date, measures: Sequence[str]
) -> tuple[Sums, Sums]:
    """
    Return the moments by measure of those held out, and of everybody else.

    A unit is a visitor who was there between ``since`` and ``until``, both included. What went
    before is left at 0: the hold-out was held out then, too, and it would take off the effect.
    """
    sql = f"""
        SELECT who, {_outer(measures)} FROM (
            SELECT CASE WHEN COALESCE(c.bucket, v.bucket) < %s THEN 1 ELSE 0 END AS who,
                   {_inner(measures, "1 = 1", "1 = 0")}
            FROM {_table(VisitorDay)} d
            JOIN {_table(Visitor)} v ON v.id = d.visitor_id
            LEFT JOIN {_table(Visitor)} c ON c.id = v.merged_into_id
            WHERE d.channel = %s AND d.day >= %s AND d.day <= %s
            GROUP BY COALESCE(v.merged_into_id, v.id),
                     CASE WHEN COALESCE(c.bucket, v.bucket) < %s THEN 1 ELSE 0 END
        ) units GROUP BY who"""  # noqa: S608  names of columns and tables, all of them ours
    limit = holdout.threshold()
    found = _read(sql, [limit, channel, since, until, limit], measures)
    nobody: Sums = {measure: Moments() for measure in measures}
    return found.get(1, nobody), found.get(0, nobody)


def of_experiment(
    experiment: Experiment, *, until: date, measures: Sequence[str]
) -> dict[int, Sums]:
    """
    Return the moments by variant id and measure, of visitors who met the experiment by ``until``.

    Outcomes count from the day a visitor met it; ``x`` is the same measure in the four weeks
    before it began. Visitors who were in two variants (before signing in and after) are left out.
    """
    if experiment.started_at is None:
        return {}
    start = timezone.localdate(experiment.started_at)
    connection = connections[router.db_for_read(VisitorDay)]
    zone = timezone.get_current_timezone_name()
    met, met_params = connection.ops.datetime_cast_date_sql("u.first_at", (), zone)
    after, before = f"d.day >= {met}", "d.day < %s"
    inner, inner_params = [], []
    for measure in measures:
        column, _shape = COLUMNS[measure]
        inner.append(f"COALESCE(SUM(CASE WHEN {after} THEN d.{column} END), 0) AS y_{measure}")
        inner.append(f"COALESCE(SUM(CASE WHEN {before} THEN d.{column} END), 0) AS x_{measure}")
        inner_params += [*met_params, start]
    sql = f"""
        SELECT who, {_outer(measures)} FROM (
            SELECT u.variant_id AS who, {", ".join(inner)}
            FROM ({_units()}) u
            LEFT JOIN (
                SELECT COALESCE(w.merged_into_id, w.id) AS root, e.day, {_columns(measures)}
                FROM {_table(VisitorDay)} e JOIN {_table(Visitor)} w ON w.id = e.visitor_id
                WHERE e.channel = %s AND e.day >= %s AND e.day <= %s
            ) d ON d.root = u.root
            WHERE u.variant_id = u.other_id
            GROUP BY u.root, u.variant_id
        ) units GROUP BY who"""  # noqa: S608  names of columns and tables, all of them ours
    params = [
        *inner_params,
        experiment.pk,
        _end(until),
        experiment.channel,
        start - timedelta(days=DAYS_BEFORE),
        until,
    ]
    return _read(sql, params, measures)


def n_in_two(experiment: Experiment, *, until: date) -> int:
    """Return how many visitors met two variants, and so count in neither."""
    sql = f"SELECT COUNT(*) FROM ({_units()}) u WHERE u.variant_id <> u.other_id"  # noqa: S608
    with connections[router.db_for_read(Exposure)].cursor() as cursor:
        cursor.execute(sql, [experiment.pk, _end(until)])
        return int(cursor.fetchone()[0])


def _units() -> str:
    return f"""
        SELECT COALESCE(v.merged_into_id, v.id) AS root, MIN(x.first_at) AS first_at,
               MIN(x.variant_id) AS variant_id, MAX(x.variant_id) AS other_id
        FROM {_table(Exposure)} x JOIN {_table(Visitor)} v ON v.id = x.visitor_id
        WHERE x.experiment_id = %s AND x.first_at < %s AND v.exclusion = ''
        GROUP BY COALESCE(v.merged_into_id, v.id)"""  # noqa: S608


def _end(until: date) -> Any:
    end = midnight(until + timedelta(days=1))
    connection = connections[router.db_for_read(Exposure)]
    return connection.ops.adapt_datetimefield_value(end)


def _columns(measures: Sequence[str]) -> str:
    names = dict.fromkeys(COLUMNS[measure][0] for measure in measures)
    return ", ".join(f"e.{name}" for name in names)


def _inner(measures: Sequence[str], after: str, before: str) -> str:
    return ", ".join(
        f"SUM(CASE WHEN {when} THEN d.{COLUMNS[measure][0]} ELSE 0 END) AS {letter}_{measure}"
        for measure in measures
        for letter, when in (("y", after), ("x", before))
    )


def _outer(measures: Sequence[str]) -> str:
    parts = ["COUNT(*)"]
    for measure in measures:
        shape = COLUMNS[measure][1]
        # Money has two decimals in the database; its squares need no more than a float has.
        y, x = (f"(1.0 * {shape.format(f'{letter}_{measure}')})" for letter in "yx")
        parts += [f"SUM({y})", f"SUM({y} * {y})", f"SUM({x})", f"SUM({x} * {x})", f"SUM({x} * {y})"]
    return ", ".join(parts)


def _read(sql: str, params: list[Any], measures: Sequence[str]) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    with connections[router.db_for_read(VisitorDay)].cursor() as cursor:
        cursor.execute(sql, params)
        for who, n, *sums in cursor.fetchall():
            values = [float(value or 0) for value in sums]
            found[int(who)] = {
                measure: Moments(float(n), *values[5 * i : 5 * i + 5])
                for i, measure in enumerate(measures)
            }
    return found


def _table(model: Any) -> str:
    connection = connections[router.db_for_read(model)]
    return str(connection.ops.quote_name(model._meta.db_table))
