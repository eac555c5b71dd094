"""Comparisons of whole numbers with any number, as comparisons of whole numbers."""

from __future__ import annotations

import math
from decimal import Decimal


def whole(by: str, value: Decimal) -> tuple[str, int] | bool:
    """
    Return the same question about whole numbers: (">", 2) for "> 2.5"; True or False where every
    whole number, or none, answers it.
    """
    if value == value.to_integral_value():
        return by, int(value)
    if by in (">", "<="):
        return by, math.floor(value)
    if by in (">=", "<"):
        return by, math.ceil(value)
    return by == "!="
