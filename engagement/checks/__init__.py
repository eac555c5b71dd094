"""
Mistakes in the configuration, told at start-up with a hint.

``manage.py check`` reports them; those that need the database (what placements name) come with
``manage.py check --database default`` and after each ``migrate``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from engagement.checks import (
    classifiers,
    policies,
    recommenders,
    reviews,
    shop,
    surroundings,
    values,
)
from engagement.checks.hints import Messages, suggestion
from engagement.conf import app_settings
from engagement.flows.serving.placements import BUILT_IN
from engagement.models import DecisionPoint, Placement


@register("engagement")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check the ENGAGEMENT setting and what the app needs of the others."""
    given = getattr(settings, "ENGAGEMENT", {})
    if not isinstance(given, Mapping):
        return [
            Error(
                "ENGAGEMENT is not a dictionary.",
                hint='Write ENGAGEMENT = {"ADAPTER": "shop.adapter.Adapter"}, or leave it out.',
                id="engagement.E003",
            )
        ]
    parts: tuple[Callable[[], Messages], ...] = (
        values.unknown_names,
        values.values,
        recommenders.recommenders,
        classifiers.classifiers,
        policies.policies,
        shop.adapter,
        shop.discount,
        reviews.reviews,
        surroundings.aliases,
        surroundings.surroundings,
    )
    return [message for part in parts for message in part()]


@register("engagement", Tags.database)
def check_placements(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the strategies exist which stored placements and decision points name."""
    if not databases or Placement.objects.db not in databases:
        return []
    known = [*app_settings.RECOMMENDERS, *BUILT_IN]
    try:
        rows = list(Placement.objects.filter(is_active=True).order_by("channel", "name"))
        points = list(DecisionPoint.objects.filter(is_active=True).order_by("channel", "name"))
    except Exception:
        # Before the first migrate there is nothing to check.
        return []
    named: list[tuple[str, Any, Any]] = [
        *(("placement", row, strategy) for row in rows for strategy in row.strategies or ()),
        *(
            ("decision point", point, strategy)
            for point in points
            for arm in point.arms or ()
            for strategy in arm.get("strategies") or ()
        ),
    ]
    return [
        Warning(
            f"The {kind} {row.name} names the strategy {strategy!r}, which does not exist.",
            hint=suggestion(str(strategy), known),
            obj=row,
            id="engagement.W004",
        )
        for kind, row, strategy in named
        if strategy not in known
    ]
