"""What was decided for a person, for the person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engagement.models import Decision


def export(visitor_ids: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Return the decisions for these visitors, oldest first, as values for JSON."""
    rows = Decision.objects.filter(visitor__in=visitor_ids).select_related("point", "version")
    return {"decisions": [_told(row) for row in rows.order_by("decided_at", "pk").iterator(2000)]}


def _told(row: Decision) -> dict[str, Any]:
    told = {
        "at": row.decided_at.isoformat(),
        "place": row.point.name,
        "shown": row.arm,
        "could_have_been": row.arms,
        "chance": row.propensity,
        "policy": row.version.name,
        "known": row.context,
        "seen": row.shown_at and row.shown_at.isoformat(),
        "clicked": row.clicked_at and row.clicked_at.isoformat(),
        "orders": row.orders,
        "revenue": str(row.revenue),
    }
    return {name: value for name, value in told.items() if value is not None}
