"""A cart as offers see it: what is in it, at which prices, in which categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from engagement.flows.promotions import money


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """So many pieces of one item. ``price`` is that of one piece, ``category`` a path."""

    key: str
    price: Decimal
    quantity: int = 1
    category: str = ""

    def __post_init__(self) -> None:
        if not self.price.is_finite() or self.price < 0 or self.quantity < 0:
            raise ValueError(f"{self.quantity} × {self.key} at {self.price} is no line of a cart")


@dataclass(frozen=True, slots=True)
class Cart:
    """
    Lines in an order of their own, so that the order they came in decides nothing; equal ones are
    one. ``shipping`` is what delivery costs, None where that is not known yet.
    """

    lines: tuple[Line, ...] = ()
    currency: str = ""
    shipping: Decimal | None = None

    @classmethod
    def of(
        cls, lines: Iterable[Line], *, currency: str = "", shipping: Decimal | None = None
    ) -> Cart:
        pieces: dict[tuple[str, Decimal, str], int] = {}
        for line in lines:
            same = (line.key, line.price, line.category)
            pieces[same] = pieces.get(same, 0) + line.quantity
        merged = (Line(key, price, n, category) for (key, price, category), n in pieces.items())
        return cls(tuple(sorted(line for line in merged if line.quantity)), currency, shipping)

    def value(self, line: Line) -> Decimal:
        """Return what a line costs, as it can be paid."""
        return money.rounded(line.price * line.quantity, self.currency)

    @property
    def subtotal(self) -> Decimal:
        return sum((self.value(line) for line in self.lines), money.NOTHING)
