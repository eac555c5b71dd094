"""What an aspect is called in the reader's language."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

# Those of words/aspects.txt. A shop's own are called what the shop calls them.
NAMES: Final[dict[str, str | Promise]] = {
    "authenticity": pgettext_lazy("aspect", "authenticity"),
    "battery": pgettext_lazy("aspect", "battery"),
    "colour": pgettext_lazy("aspect", "colour"),
    "comfort": pgettext_lazy("aspect", "comfort"),
    "content": pgettext_lazy("aspect", "content"),
    "delivery": pgettext_lazy("aspect", "delivery"),
    "durability": pgettext_lazy("aspect", "durability"),
    "effect": pgettext_lazy("aspect", "effect"),
    "freshness": pgettext_lazy("aspect", "freshness"),
    "look": pgettext_lazy("aspect", "look"),
    "material": pgettext_lazy("aspect", "material"),
    "packaging": pgettext_lazy("aspect", "packaging"),
    "price": pgettext_lazy("aspect", "price"),
    "quality": pgettext_lazy("aspect", "quality"),
    "room": pgettext_lazy("aspect", "room"),
    "screen": pgettext_lazy("aspect", "screen"),
    "service": pgettext_lazy("aspect", "service"),
    "size": pgettext_lazy("aspect", "size"),
    "smell": pgettext_lazy("aspect", "smell"),
    "sound": pgettext_lazy("aspect", "sound"),
    "speed": pgettext_lazy("aspect", "speed"),
    "taste": pgettext_lazy("aspect", "taste"),
    "use": pgettext_lazy("aspect", "use"),
}


def aspect_name(aspect: str) -> str:
    """Return the name of an aspect; one that is not of the stock is its own name."""
    return str(NAMES.get(aspect, aspect))
