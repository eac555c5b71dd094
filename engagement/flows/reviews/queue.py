"""
What a moderator has in front of them: reviews of ours and of the shop, posts from elsewhere,
pictures, questions and answers in one order, however many kinds of rows they are.

Each kind answers with the same columns and the database puts them in order, so that page 400 of
ten thousand costs one statement. What belongs to the rows of a page is read by ``entries``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, F, FloatField, IntegerField, QuerySet, Value
from django.db.models.functions import Cast, Coalesce

from engagement.flows.reviews.figures import kept
from engagement.flows.reviews.queue_kinds import (
    ATTENDED,
    MOMENT,
    MOOD,
    OPEN,
    REPORTABLE,
    WAITING,
    Place,
    Wanted,
    rows_of,
)
from engagement.models import ReviewAnalysis, SubjectKind


def page(wanted: Wanted, *, at: datetime, start: int, n: int) -> list[Place]:
    """Return ``n`` rows from position ``start`` on. One statement."""
    rows = _combined(wanted, at)
    if rows is None:
        return []
    found: Any = rows.order_by(*_order(wanted.order))[start : start + n]
    return [Place(SubjectKind(kind), pk) for kind, pk, *_sorted_by in found]


def count(wanted: Wanted, *, at: datetime) -> int:
    """Return how many rows there are. One statement."""
    rows = _combined(wanted, at)
    return 0 if rows is None else rows.count()


def waiting(*, channel: str, at: datetime) -> dict[SubjectKind, int]:
    """Return how many rows of each kind wait for a person; kinds without any are absent."""
    return {
        kind: n for (kind, status), n in totals(channel=channel, at=at).items() if status == WAITING
    }


def totals(*, channel: str, at: datetime) -> dict[tuple[SubjectKind, str], int]:
    """Return how many rows there are by kind and status (WAITING or decided). One statement."""
    found: dict[tuple[SubjectKind, str], int] = {}
    parts = [_counted(kind, channel, at) for kind in SubjectKind]
    for kind, status, n in parts[0].union(*parts[1:], all=True):
        if status in OPEN and (kind != SubjectKind.POST):
            status = WAITING
        slot = (SubjectKind(kind), str(status))
        if n:
            found[slot] = found.get(slot, 0) + n
    return found


def languages(*, channel: str) -> list[str]:
    """Return the languages that anything was written in, the most frequent first; kept a while."""
    return kept(f"languages:{channel}", lambda: _languages(channel))


def _languages(channel: str) -> list[str]:
    rows = (
        ReviewAnalysis.objects.filter(channel=channel)
        .exclude(language="")
        .order_by()
        .values("language")
        .annotate(n=Count("pk"))
        .order_by("-n", "language")
    )
    return [row["language"] for row in rows[:20]]


# -- all kinds together ---------------------------------------------------------------------
def _combined(wanted: Wanted, at: datetime) -> QuerySet[Any, Any] | None:
    parts = [
        _columns(kind, rows, wanted.order)
        for kind in SubjectKind
        if (rows := rows_of(kind, wanted, at)) is not None
    ]
    if not parts:
        return None
    first, *others = parts
    # A part of its own has no columns of that name to be ordered by unless it is a union as well.
    return first.union(*others, all=True)


def _order(order: str) -> Sequence[str]:
    by = {
        "oldest": ("moment",),
        "newest": ("-moment",),
        "worst": ("mood", "moment"),
        "reported": ("-reported", "moment"),
    }
    return (*by.get(order, by["oldest"]), "kind", "row")


def _columns(kind: SubjectKind, rows: QuerySet[Any, Any], order: str) -> QuerySet[Any, Any]:
    moment = F(MOMENT[kind])
    mood: Any = Value(0.0, output_field=FloatField())
    if order == "worst" and kind in MOOD:
        # Joined only where it decides: what nobody has analysed stands in the middle.
        mood = Coalesce(F(MOOD[kind]), 0.0, output_field=FloatField())
    reported: Any = Value(0, output_field=IntegerField())
    if kind in REPORTABLE:
        reported = Cast("n_reports", IntegerField())
    found: QuerySet[Any, Any] = (
        rows.order_by()
        .annotate(
            kind=Value(kind.value, output_field=CharField()),
            row=F("pk"),
            moment=moment,
            mood=mood,
            reported=reported,
        )
        .values_list("kind", "row", "moment", "mood", "reported")
    )
    return found


def _counted(kind: SubjectKind, channel: str, at: datetime) -> QuerySet[Any, Any]:
    wanted = Wanted(channel=channel, status=WAITING if kind in ATTENDED else "all")
    rows = rows_of(kind, wanted, at)
    assert rows is not None  # noqa: S101  nothing narrows it
    status: Any = F("shop_status") if kind == SubjectKind.SHOP else F("status")
    if kind in ATTENDED:
        status = Value(WAITING, output_field=CharField())
    found: QuerySet[Any, Any] = (
        rows.order_by()
        .annotate(of=Value(kind.value, output_field=CharField()), now=status)
        .values("of", "now")
        .annotate(n=Count("pk"))
        .values_list("of", "now", "n")
    )
    return found
