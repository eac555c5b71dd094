"""Items that a shelf shows one of: the same product in another size or pack."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from engagement.learning.interactions import Int64

# What an amount is counted in. A bare number stays: the second volume is not the first.
UNITS = (
    "ml|cl|dl|l|lt|ltr|litres?|liters?|fl oz|oz|lbs?|gal|gallons?|qt|pt|mg|g|gr|grams?|kg|kilos?|"
    "mm|cm|m|inch|in|ft|ct|count|pcs?|pieces?|pk|packs?|pack of|rolls?|sheets?|tabs|tablets|"
    "capsules|caps|bags?|cans?|bottles?|doz|dozen|gb|tb|毫升|升|克|千克|公斤|包|瓶|盒|片|支|粒|袋|罐"
)
_NUMBER = r"\d*[.,/]?\d+"
_AMOUNT = re.compile(
    rf"(?<![\w.]){_NUMBER}(?:\s*[x×*-]\s*{_NUMBER})?\s*-?(?:{UNITS})(?![a-z])", re.IGNORECASE
)
_SIZES = frozenset(
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "small", "medium", "large")
)
_WORD = re.compile(r"[^\W_]+")


def kind(category: str, attributes: object) -> str:
    """Return what two items must share to be sizes of one: the category and, if told, the brand."""
    brand = attributes.get("brand") if isinstance(attributes, dict) else None
    return f"{category}\0{brand or ''}"


def signatures(titles: Sequence[str], kinds: Sequence[str]) -> Int64:
    """
    Return a number for each item: equal where titles differ in nothing but size, 0 for no title.

    ``kinds`` is what else has to be the same, such as category and brand. The order of the words
    and their case do not matter.
    """
    pairs = zip(titles, kinds, strict=True)
    return np.fromiter((_signature(*pair) for pair in pairs), np.int64, count=len(titles))


def _signature(title: str, kind: str) -> int:
    words = _WORD.findall(_AMOUNT.sub(" ", title.casefold()))
    kept = sorted(word for word in words if word not in _SIZES)
    if not kept:
        return 0
    text = "\0".join((kind, *kept)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little", signed=True)
