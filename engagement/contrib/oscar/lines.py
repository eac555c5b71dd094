"""Products of Oscar as items of an event."""

from __future__ import annotations

from typing import Any


def line_of(product: Any) -> dict[str, Any]:
    """Return an item of an event: the product, and which variant of it."""
    line: dict[str, Any] = {"item": product}
    if product.parent_id is not None:
        line["variant_id"] = str(product.pk)
    return line
