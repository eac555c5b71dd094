"""What is on sale, as simulated shoppers see it: departments, and in each some that sell well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from engagement.flows.deciding.tastes import widest
from engagement.models import Item
from shop_demo.models import Product

Float64 = NDArray[np.float64]


class NoCatalogue(Exception):
    """There is nothing to look at; the message says what fills the shop."""


@dataclass(frozen=True, slots=True)
class Good:
    """One product. ``path`` is its category in the catalogue mirror, ``weight`` how often it is
    looked at beside others of its department."""

    pk: UUID
    price: Decimal
    path: str
    weight: float

    @property
    def key(self) -> str:
        return str(self.pk)


class Goods:
    """Products by department (the first part of their category), departments by name."""

    def __init__(self, goods: Sequence[Good]) -> None:
        self.departments = sorted({widest(good.path) for good in goods})
        place = {name: number for number, name in enumerate(self.departments)}
        self._of: list[list[Good]] = [[] for _ in self.departments]
        for good in goods:
            self._of[place[widest(good.path)]].append(good)
        self._chances = [_shares([good.weight for good in some]) for some in self._of]
        self.sizes = _shares([sum(good.weight for good in some) for some in self._of])

    def place(self, department: str) -> int:
        return self.departments.index(department)

    def draw(self, rng: np.random.Generator, shares: Float64, n: int) -> list[Good]:
        """Return ``n`` products, departments by ``shares``, each product once."""
        found: dict[UUID, Good] = {}
        for department in rng.choice(len(shares), size=n, p=shares):
            number = rng.choice(len(self._of[department]), p=self._chances[department])
            good = self._of[department][number]
            found[good.pk] = good
        return list(found.values())


def _shares(weights: Sequence[float]) -> Float64:
    found = np.array(weights, dtype=np.float64)
    return np.asarray(found / found.sum())


def read(channel: str = "") -> Goods:
    """Return what is on sale and known to the catalogue mirror; raises NoCatalogue."""
    paths = dict(
        Item.objects.of_channel(channel)
        .sellable()
        .exclude(category="")
        .values_list("key", "category")
    )
    rows = Product.objects.on_sale().order_by("pk").values_list("pk", "price", "n_sold")
    goods = [
        Good(pk, price, paths[str(pk)], float(n_sold + 1) ** 0.5)
        for pk, price, n_sold in rows
        if str(pk) in paths
    ]
    if not goods:
        raise NoCatalogue("The shop has nothing to sell yet: manage.py shop_demo_seed fills it.")
    return Goods(goods)
