"""What the catalogue mirror says of a few items: one query whose SQL is made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import get_language

from engagement.models import Item
from engagement.prepared import Prepared

# Questions are padded to one of these lengths, so that few forms of the query are needed.
LENGTHS = (8, 32, 128, 512)

_CHANNEL = "<channel>"
_prepared: dict[Any, Prepared] = {}


class Mirrored(NamedTuple):
    """What the mirror knows of an item."""

    category: str = ""
    group: str = ""
    title: str = ""
    url: str = ""
    image_url: str = ""
    price: Any = None
    currency: str = ""

    @property
    def card(self) -> Mapping[str, Any]:
        return {
            "title": self.title,
            "url": self.url,
            "image_url": self.image_url,
            "price": self.price,
            "currency": self.currency,
        }


def forget() -> None:
    """Make the queries anew at the next need."""
    _prepared.clear()


def speaks() -> bool:
    """
    Return whether the mirror's words may be shown.

    It holds titles and addresses in the shop's main language; in any other one the shop's own
    objects answer.
    """
    return get_language() in (None, settings.LANGUAGE_CODE)


def describe(channel: str, keys: Sequence[str]) -> dict[str, Mirrored]:
    """Return what is known of each key; unknown ones are absent."""
    found: dict[str, Mirrored] = {}
    for start in range(0, len(keys), LENGTHS[-1]):
        some = keys[start : start + LENGTHS[-1]]
        length = next(length for length in LENGTHS if length >= len(some))
        marks = [f"<{number}>" for number in range(length)]
        values = {mark: some[min(place, len(some) - 1)] for place, mark in enumerate(marks)}
        for key, *facts in _query(length, marks).rows({_CHANNEL: channel, **values}):
            found[key] = Mirrored(*facts)
    return found


def _query(length: int, marks: Sequence[str]) -> Prepared:
    if length not in _prepared:
        rows = Item.objects.of_channel(_CHANNEL).filter(key__in=marks).order_by()
        columns = ("key", "category", "group_key", "title", "url", "image_url", "price", "currency")
        _prepared[length] = Prepared(rows.values_list(*columns))
    return _prepared[length]
