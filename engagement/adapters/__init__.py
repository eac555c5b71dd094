"""
The questions the app may ask its shop.

A shop answers them by subclassing :class:`ShopAdapter` and naming the class in
``ENGAGEMENT["ADAPTER"]``; a shop of plain models names its models instead and uses
:class:`ModelAdapter`. All questions about many things are asked in bulk.
"""

from engagement.adapters.base import ShopAdapter
from engagement.adapters.current import _adapter, get_adapter
from engagement.adapters.data import (
    ActivityData,
    ItemData,
    LineData,
    OrderData,
    PageData,
    guest,
    is_guest,
    typed_key,
)
from engagement.adapters.model_adapter import ModelAdapter
from engagement.adapters.model_reviews import ModelReviews

__all__ = [
    "ActivityData",
    "ItemData",
    "LineData",
    "ModelAdapter",
    "ModelReviews",
    "OrderData",
    "PageData",
    "ShopAdapter",
    "_adapter",
    "get_adapter",
    "guest",
    "is_guest",
    "typed_key",
]
