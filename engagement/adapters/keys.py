"""Keys that come from outside, as values that a column can hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError


def fitting(column: Any, keys: Iterable[str]) -> list[Any]:
    """
    Return the keys as the column's own type; those that it cannot hold are left out.

    A key of another shop, of yesterday or of an attacker must not become a database error, and
    must not mean an item by another spelling than its own.
    """
    values = []
    for key in keys:
        try:
            value = column.to_python(key)
            if isinstance(value, int):
                # Larger than the column: SQLite would raise an OverflowError.
                column.run_validators(value)
        except (ValidationError, ValueError):
            continue
        # PostgreSQL refuses the whole query for one NUL.
        if str(value) == key and "\0" not in key:
            values.append(value)
    return values
