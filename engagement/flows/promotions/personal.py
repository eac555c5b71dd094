"""What offers know of a person: told to the person, and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engagement.flows.promotions import vouchers
from engagement.models import Grant, Redemption


def export(visitor_ids: Sequence[int]) -> dict[str, Any]:
    """Return offers that were given to some visitors, and used by them, as values for JSON."""
    grants = Grant.objects.filter(visitor__in=visitor_ids).select_related("promotion")
    used = Redemption.objects.filter(visitor__in=visitor_ids).select_related("promotion")
    return {
        "offers": [
            {
                "offer": row.promotion.name,
                "code": row.code,
                "given": row.granted_at.isoformat(),
                "until": row.expires_at.isoformat(),
                "used": row.used_at.isoformat() if row.used_at else None,
            }
            for row in grants.order_by("pk")
        ],
        "used_offers": [
            {
                "offer": row.promotion.name,
                "order": row.order_ref,
                "at": row.redeemed_at.isoformat(),
                "taken_off": str(row.discount),
                "currency": row.currency,
                "taken_back": row.reversed_at.isoformat() if row.reversed_at else None,
            }
            for row in used.order_by("pk")
        ],
    }


def drop(visitor_ids: Sequence[int]) -> None:
    """
    Delete the offers given to some visitors; what was used stays as the campaign's cost, without
    saying whose it was.
    """
    grants = Grant.objects.filter(visitor__in=visitor_ids)
    unused = grants.exclude(shop_ref="").filter(used_at__isnull=True)
    vouchers.revoke(list(unused.values_list("shop_ref", flat=True)))
    Redemption.objects.filter(visitor__in=visitor_ids).update(visitor=None)
    grants.delete()
