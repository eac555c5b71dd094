from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop_demo import carts
from shop_demo.models import Category


def shop(request: HttpRequest) -> dict[str, Any]:
    """What every page of the shop shows. Asked only when a template looks at it."""
    return {
        "departments": SimpleLazyObject(
            lambda: list(Category.objects.filter(parent=None).order_by("position"))
        ),
        "cart_count": SimpleLazyObject(
            lambda: sum(line.quantity for line in carts.lines_of(request))
        ),
        "cart_quantities": SimpleLazyObject(
            lambda: {line.product_id: line.quantity for line in carts.lines_of(request)}
        ),
    }
