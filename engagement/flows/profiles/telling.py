"""What is stored of a person's profile, for the person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engagement.models import VisitorProfile, VisitorTaste


def export(visitor_ids: Sequence[int]) -> dict[str, Any]:
    """Return profiles and tastes of some visitors as values for JSON."""
    tastes: dict[int, dict[str, float]] = {}
    rows = VisitorTaste.objects.filter(visitor__in=visitor_ids).order_by("-share", "category")
    for visitor, category, share in rows.values_list("visitor", "category", "share"):
        tastes.setdefault(visitor, {})[category] = share / 10_000
    profiles = VisitorProfile.objects.filter(visitor__in=visitor_ids).order_by("visitor")
    return {"profiles": [_told(row, tastes.get(row.visitor_id, {})) for row in profiles]}


def _told(row: VisitorProfile, tastes: dict[str, float]) -> dict[str, Any]:
    return {
        "first_visit": row.first_day.isoformat(),
        "last_visit": row.last_day.isoformat(),
        "last_order": row.last_order_day.isoformat() if row.last_order_day else None,
        "orders": row.n_orders,
        "refunds": row.n_refunds,
        "spent": str(row.spent),
        "order_value": str(row.mean_order_value),
        "sessions_30d": row.n_sessions_30d,
        "views_30d": row.n_views_30d,
        "carts_30d": row.n_carts_30d,
        "language": row.language,
        "tastes": tastes,
    }
