"""Products of Oscar, and what was paid for them, as items of an event."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from oscar.core.loading import get_model

from engagement.contrib.oscar import vouchers


def line_of(product: Any) -> dict[str, Any]:
    """Return an item of an event: the product, and which variant of it."""
    line: dict[str, Any] = {"item": product}
    if product.parent_id is not None:
        line["variant_id"] = str(product.pk)
    return line


def value_of(line: Any) -> Decimal:
    """
    Return what a line of an order cost before offers of ours: what they took off an order is
    counted by itself. No query for a line of which nothing was taken off.
    """
    paid: Decimal = line.line_price_incl_tax
    before = line.line_price_before_discounts_incl_tax
    if before == paid or not before:
        return paid
    prefetched = getattr(line, "_prefetched_objects_cache", {})
    rows = line.discounts.all() if "discounts" in prefetched else taken_off().filter(line=line)
    off = Decimal(0)
    for row in rows:
        if row.is_of_ours:
            net = line.line_price_before_discounts_excl_tax
            off += row.amount if row.is_incl_tax or not net else row.amount * before / net
    return min(paid + off.quantize(Decimal("0.01")), before)


def taken_off() -> QuerySet[Any]:
    """Return what was taken off lines of orders, and whether that were offers of ours."""
    mine = vouchers.ours().filter(pk=OuterRef("order_discount__offer_id"))
    found: QuerySet[Any] = get_model("order", "OrderLineDiscount").objects.annotate(
        is_of_ours=Exists(mine)
    )
    return found
