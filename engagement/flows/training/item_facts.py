"""What the catalogue mirror knows of items, as arrays that models learn from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from engagement.flows.training.text_vectors import vectors_of
from engagement.learning.interactions import Int64, Interactions
from engagement.learning.recommenders.content import text_features
from engagement.learning.recommenders.features import Catalogue
from engagement.models import Item

FIELDS = ("pk", "title", "text", "category", "price", "attributes", "created_at")
CHUNK = 5_000
# A long description says no more of an item than its beginning, and costs more to read.
MOST_TEXT = 2_000
# Scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese.
UNSPACED = re.compile(r"[぀-ヿ㐀-鿿฀-໿က-႟ក-៿]")


def describe(item_ids: Int64, *, channel: str) -> tuple[Catalogue, int]:
    """
    Return what is known of the items, by their position in ``item_ids`` (ascending), and how many
    have a text beside their title.

    A margin is the attribute ``margin``, or the price less the attribute ``cost``.
    """
    n = len(item_ids)
    prices, margins = np.full((2, n), np.nan, dtype=np.float32)
    created = np.full(n, np.iinfo(np.int64).max, dtype=np.int64)
    names = np.full(n, "", dtype=object)
    texts = [""] * n
    n_described = 0
    for rows in _chunks(Item.objects.of_channel(channel).order_by("pk"), FIELDS):
        places = np.searchsorted(item_ids, [row[0] for row in rows])
        for place, (pk, title, text, category, price, attributes, at) in zip(
            places.tolist(), rows, strict=True
        ):
            if place == n or item_ids[place] != pk:
                continue
            texts[place] = f"{title} {text[:MOST_TEXT]}"
            names[place] = category
            n_described += bool(text.strip())
            created[place] = int(at.timestamp())
            if price is not None:
                prices[place] = price
            margins[place] = _margin(price, attributes)
    catalogue = Catalogue(
        prices=prices if np.isfinite(prices).any() else None,
        margins=margins if np.isfinite(margins).any() else None,
        categories=_numbers(names),
        texts=compared_texts(texts),
        embeddings=vectors_of(texts),
        created=created,
    )
    return catalogue, n_described


def _chunks(items: QuerySet[Item], fields: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for row in items.values_list(*fields).iterator(chunk_size=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _margin(price: Any, attributes: Any) -> float:
    facts = attributes if isinstance(attributes, dict) else {}
    margin, cost = _number(facts.get("margin")), _number(facts.get("cost"))
    if np.isfinite(margin):
        return margin
    return float(price) - cost if price is not None else float("nan")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _numbers(names: NDArray[Any]) -> NDArray[np.int32] | None:
    """Number the category paths from 0, -1 for none."""
    found, codes = np.unique(names.astype(str), return_inverse=True)
    if not len(found) or list(found) == [""]:
        return None
    return np.asarray(codes - (found[0] == ""), dtype=np.int32)


def compared_texts(texts: list[str]) -> Any:
    if not any(text.strip() for text in texts):
        return None
    sample = "".join(texts[:: max(len(texts) // 500, 1)])
    unspaced = len(UNSPACED.findall(sample)) > len(sample) / 5
    return text_features(texts, words=not unspaced)


def with_items_on_sale(interactions: Interactions, *, channel: str, limit: int) -> Interactions:
    """
    Return ``interactions`` with columns also for items on sale that nobody has met, the newest
    first, up to ``limit`` columns in all.
    """
    known = np.asarray(interactions.column_keys, dtype=np.int64)
    room = limit - len(known)
    if room <= 0:
        return interactions
    on_sale = Item.objects.of_channel(channel).sellable().order_by("-created_at", "-pk")
    # Among the newest so many there are at least ``room`` that are not known.
    newest = on_sale.values_list("pk", flat=True)[:limit]
    met = set(known.tolist())
    unmet = np.array([pk for pk in newest if pk not in met][:room], dtype=np.int64)
    return _renumbered(interactions, np.union1d(known, unmet))


def _renumbered(interactions: Interactions, keys: Int64) -> Interactions:
    places = np.searchsorted(keys, np.asarray(interactions.column_keys, dtype=np.int64))
    return Interactions(
        rows=interactions.rows,
        columns=places.astype(np.int32)[interactions.columns],
        moments=interactions.moments,
        weights=interactions.weights,
        n_rows=interactions.n_rows,
        n_columns=len(keys),
        row_keys=interactions.row_keys,
        column_keys=keys,
    )
