"""
What came of decisions, written down once each: from then on they are learnt from.

Every decision of a point that is learnt from gets the next number. The numbers are the order of
learning: whoever replays them comes to the same state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, router, transaction
from django.db.models import Max, Q, QuerySet

from engagement.flows.deciding import orders
from engagement.flows.deciding.orders import Bought
from engagement.models import Decision, DecisionPoint, PolicyState, Visitor

# Decisions that are settled in one transaction.
PIECE = 500
COLUMNS = ("orders", "revenue", "cost", "reward", "settled_at", "settled_number")


def due(point: DecisionPoint, *, at: datetime) -> QuerySet[Decision]:
    """
    Return the decisions whose reward is final: the window is over, or, where a click is the reward,
    there was one.
    """
    is_final = Q(decided_at__lte=at - timedelta(hours=point.window_hours))
    if point.reward == DecisionPoint.Reward.CLICK:
        is_final |= Q(clicked_at__isnull=False)
    rows = Decision.objects.filter(is_final, point=point, settled_at__isnull=True)
    return rows.only("point_id", "visitor_id", "decided_at", "clicked_at").order_by(
        "decided_at", "pk"
    )


def settle(point: DecisionPoint, *, at: datetime, most: int | None = None) -> int:
    """
    Settle what is due, ``most`` of it at most; return how many decisions that were.

    Only one process may be at it for a point (:mod:`~engagement.flows.locks`). Killed half-way, it
    goes on where it was.
    """
    total = 0
    while most is None or total < most:
        wanted = PIECE if most is None else min(PIECE, most - total)
        n = _settle(point, wanted, at)
        total += n
        if n < wanted:
            break
    return total


def _settle(point: DecisionPoint, n: int, at: datetime) -> int:
    with transaction.atomic(using=router.db_for_write(Decision)):
        rows = list(due(point, at=at).select_for_update()[:n])
        if not rows:
            return 0
        bought: Mapping[int, Bought] = {}
        if point.reward != DecisionPoint.Reward.CLICK:
            window = timedelta(hours=point.window_hours)
            bought = orders.after(rows, channel=point.channel, window=window, at=at)
        excluded = _excluded(rows)
        number = _highest(point)
        for row in rows:
            found = bought.get(row.pk, Bought())
            row.orders = found.n
            row.revenue = found.revenue
            row.cost = found.cost
            row.reward = _reward(point, row, found)
            row.settled_at = max(at, row.decided_at)
            if row.visitor_id not in excluded:
                number += 1
                row.settled_number = number
        _write(rows)
    return len(rows)


def _highest(point: DecisionPoint) -> int:
    """
    Return the last number that was given, also where its decision was erased or is too old to be
    kept: what a policy has learnt until must never come again.
    """
    given = Decision.objects.filter(point=point).aggregate(most=Max("settled_number"))
    learnt = PolicyState.objects.filter(version__point=point).aggregate(most=Max("learnt_until"))
    return max(given["most"] or 0, learnt["most"] or 0)


def _write(rows: Sequence[Decision]) -> None:
    """Store what was settled: one statement for all, which ``bulk_update`` spells out a row."""
    connection = connections[router.db_for_write(Decision)]
    quoted, meta = connection.ops.quote_name, Decision._meta
    fields: list[Any] = [meta.get_field(name) for name in COLUMNS]
    changes = ", ".join(f"{quoted(field.column)} = %s" for field in fields)
    sql = f"UPDATE {quoted(meta.db_table)} SET {changes} WHERE {quoted('id')} = %s"  # noqa: S608
    values = [
        [*(one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields), row.pk]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


def _reward(point: DecisionPoint, row: Decision, found: Bought) -> float:
    match point.reward:
        case DecisionPoint.Reward.CLICK:
            return float(row.clicked_at is not None)
        case DecisionPoint.Reward.CONVERSION:
            return float(found.n > 0)
        case DecisionPoint.Reward.REVENUE:
            return float(found.revenue)
    return round(found.margin - float(row.cost), 4)


def _excluded(rows: Sequence[Decision]) -> set[int]:
    """Return the visitors among these from whom nothing is learnt: machines, and who works here."""
    some = {row.visitor_id for row in rows}
    left_out = Visitor.objects.filter(pk__in=some).exclude(
        Q(exclusion="") & (Q(merged_into__isnull=True) | Q(merged_into__exclusion=""))
    )
    return set(left_out.values_list("pk", flat=True))
