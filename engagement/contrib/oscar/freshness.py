"""Products are read anew as soon as something about them is saved."""

from __future__ import annotations

from typing import Any

from oscar.core.loading import get_model

from engagement.contrib.oscar import products
from engagement.contrib.oscar.waiting import after_commit
from engagement.shortcuts import receiver_guard


@receiver_guard
def product_changed(*, instance: Any, **kwargs: Any) -> None:
    # Its key is taken from a product once it is deleted.
    _changed(key=instance.parent_id or instance.pk)


@after_commit
def _changed(*, key: Any, **kwargs: Any) -> None:
    products.read_anew([key])


@after_commit
def part_changed(*, instance: Any, **kwargs: Any) -> None:
    """Hear of stock and pictures."""
    _forget_with_parents([instance.product_id])


@after_commit
def stock_taken(*, order: Any, **kwargs: Any) -> None:
    """Hear of an order: Oscar allocates its stock without saving it."""
    _forget_with_parents(order.lines.values_list("product_id", flat=True))


def _forget_with_parents(keys: Any) -> None:
    rows = get_model("catalogue", "Product").objects.filter(pk__in=[key for key in keys if key])
    products.read_anew([parent or key for key, parent in rows.values_list("pk", "parent_id")])
