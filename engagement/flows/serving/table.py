"""What the rules of a placement look at: facts of many items as parallel arrays."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEPARATOR = " > "

Bytes = NDArray[np.bytes_]
Mask = NDArray[np.bool_]
Positions = NDArray[np.int64]


def as_bytes(values: Iterable[str]) -> Bytes:
    """Return UTF-8 strings of a fixed width: a tenth of the memory of Python's, and mappable."""
    encoded = [value.encode() for value in values]
    return np.array(encoded, dtype=np.bytes_) if encoded else np.empty(0, dtype="S1")


@dataclass(frozen=True, eq=False)
class Table:
    """
    Items by position: internal id, key, category path and group (empty: none) of each, and a
    number that items which differ in size alone have in common (0: none).

    Masks over a model's table are asked for again and again, so they are remembered as long as
    the table lives.
    """

    item_ids: NDArray[np.int64]
    keys: Bytes
    categories: Bytes
    groups: Bytes
    lookalikes: Positions

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(
        cls,
        item_ids: Sequence[int],
        keys: Sequence[str],
        categories: Sequence[str],
        groups: Sequence[str],
        lookalikes: Sequence[int] | None = None,
    ) -> Table:
        return cls(
            np.asarray(item_ids, dtype=np.int64),
            as_bytes(keys),
            as_bytes(categories),
            as_bytes(groups),
            np.zeros(len(keys), np.int64)
            if lookalikes is None
            else np.asarray(lookalikes, dtype=np.int64),
        )

    @functools.cached_property
    def _by_key(self) -> Positions:
        return np.argsort(self.keys, kind="stable")

    @functools.cached_property
    def _by_id(self) -> Positions:
        return np.argsort(self.item_ids, kind="stable")

    @functools.cached_property
    def has_groups(self) -> bool:
        return bool((self.groups != b"").any())

    @functools.cached_property
    def _group_numbers(self) -> tuple[Bytes, Positions]:
        """Return the names of all groups, sorted, and which of them each item belongs to."""
        names, numbers = np.unique(self.groups, return_inverse=True)
        return names, numbers.astype(np.int64)

    @functools.cached_property
    def _masks(self) -> dict[tuple[str, bytes], Mask]:
        return {}

    def positions_of(self, keys: Iterable[str]) -> Positions:
        """Return the position of each key, −1 for an unknown one."""
        return _find(self.keys, self._by_key, as_bytes(keys))

    def positions_of_ids(self, item_ids: Iterable[int]) -> Positions:
        wanted = np.fromiter(item_ids, dtype=np.int64)
        return _find(self.item_ids, self._by_id, wanted)

    def in_category(self, path: str) -> Mask:
        """Return the items of a category and of everything below it."""
        return self._mask("category", path.encode(), self._category)

    def of_category(self, path: str) -> Mask:
        """Return the items whose category is exactly ``path``."""
        return self._mask("exactly", path.encode(), lambda wanted: self.categories == wanted)

    def with_key(self, key: str) -> Mask:
        return self._mask("key", key.encode(), lambda wanted: self.keys == wanted)

    def in_group(self, group: str) -> Mask:
        return self._mask("group", group.encode(), lambda wanted: self.groups == wanted)

    def variants_of(self, positions: ArrayLike, groups: Iterable[str] = ()) -> Mask:
        """Return the items of ``groups`` and of the groups of some items; "" is no group."""
        names, numbers = self._group_numbers
        is_wanted = np.zeros(len(names), dtype=bool)
        is_wanted[numbers[np.asarray(positions, dtype=np.int64)]] = True
        wanted = _find(names, np.arange(len(names)), as_bytes(groups))
        is_wanted[wanted[wanted >= 0]] = True
        is_wanted[names == b""] = False
        found: Mask = is_wanted[numbers]
        return found

    def looking_like(self, positions: ArrayLike) -> Mask:
        """Return the items that are one of some items in another size, themselves included."""
        wanted = np.unique(self.lookalikes[np.asarray(positions, dtype=np.int64)])
        found: Mask = np.isin(self.lookalikes, wanted[wanted != 0])
        return found

    def lookalike(self, position: int) -> int:
        return int(self.lookalikes[position])

    def category(self, position: int) -> str:
        return bytes(self.categories[position]).decode()

    def group(self, position: int) -> str:
        return bytes(self.groups[position]).decode()

    def key(self, position: int) -> str:
        return bytes(self.keys[position]).decode()

    def _category(self, path: bytes) -> Mask:
        below: Mask = np.strings.startswith(self.categories, path + SEPARATOR.encode())
        same: Mask = self.categories == path
        return same | below

    def _mask(self, kind: str, value: bytes, compute: Any) -> Mask:
        mask = self._masks.get((kind, value))
        if mask is None:
            mask = np.asarray(compute(value), dtype=bool)
            if len(self._masks) >= 256:
                self._masks.clear()
            self._masks[kind, value] = mask
        return mask


def _find(values: NDArray[Any], order: Positions, wanted: NDArray[Any]) -> Positions:
    if not len(values) or not len(wanted):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.searchsorted(values, wanted, sorter=order)
    found = order[np.minimum(places, len(values) - 1)]
    return np.where(values[found] == wanted, found, -1).astype(np.int64)


EMPTY = Table.of((), (), (), ())
