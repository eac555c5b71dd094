"""
What one offer takes off a cart: arithmetic with decimals, and nothing else.

Everything is counted in the currency's smallest unit; no line is ever taken below zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from engagement.flows.promotions import money
from engagement.flows.promotions.carts import Cart, Line


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offer gives and on what; the words and figures of :class:`models.Promotion`."""

    kind: str
    value: Decimal | None = None
    set_price: Decimal | None = None
    buy_n: int = 0
    pay_m: int = 0
    gift_key: str = ""
    scope: str = "cart"
    scope_keys: tuple[str, ...] = ()
    min_spend: Decimal | None = None
    max_discount: Decimal | None = None
    cost: Decimal = money.NOTHING
    currency: str = ""

    def covers(self, line: Line) -> bool:
        """Return whether a line is among what the offer is for."""
        if self.scope == "items" or self.kind == "bundle":
            return line.key in self.scope_keys
        if self.scope == "category":
            return any(
                line.category == path or line.category.startswith(f"{path} > ")
                for path in self.scope_keys
            )
        return True


@dataclass(frozen=True, slots=True)
class Missing:
    """
    Why a cart does not fit: "currency", "min_spend" (``amount`` more), "pieces" (``n`` more),
    "items" (``keys`` are not there) or "nothing" of what the offer is for.
    """

    code: str
    amount: Decimal = money.NOTHING
    n: int = 0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discount:
    """
    What is taken off, line by line of ``Cart.lines``, and off the delivery; the present, if any.
    ``cost`` is all of it and the offer's further cost.
    """

    lines: tuple[Decimal, ...] = ()
    shipping: Decimal = money.NOTHING
    gift_key: str = ""
    further: Decimal = money.NOTHING

    @property
    def amount(self) -> Decimal:
        return sum(self.lines, money.NOTHING)

    @property
    def cost(self) -> Decimal:
        return self.amount + self.shipping + self.further


def missing(terms: Terms, cart: Cart) -> Missing | None:
    """Return what a cart lacks for an offer; None where it fits."""
    if terms.currency and cart.currency and terms.currency != cart.currency:
        return Missing("currency")
    covered = [line for line in cart.lines if terms.covers(line)]
    if terms.kind == "bundle":
        there = {line.key for line in covered}
        keys = tuple(key for key in terms.scope_keys if key not in there)
        if keys:
            return Missing("items", keys=keys)
    elif not covered:
        return Missing("nothing")
    if terms.min_spend:
        lacks = terms.min_spend - sum(map(cart.value, covered), money.NOTHING)
        if lacks > 0:
            return Missing("min_spend", amount=lacks)
    if terms.kind == "n_for_m":
        n = sum(line.quantity for line in covered)
        if n < terms.buy_n:
            return Missing("pieces", n=terms.buy_n - n)
    return None


def discount(terms: Terms, cart: Cart, left: Sequence[Decimal] | None = None) -> Discount:
    """
    Return what an offer takes off a cart that it fits.

    ``left`` is what other offers have left of each line; the whole line without it.
    """
    values = [cart.value(line) for line in cart.lines] if left is None else list(left)
    further = money.rounded(terms.cost, cart.currency)
    nothing = tuple(money.NOTHING for _ in values)
    if terms.kind == "free_shipping":
        off = money.rounded(_capped(terms, cart.shipping or money.NOTHING), cart.currency)
        return Discount(nothing, shipping=off, further=further)
    if terms.kind == "gift":
        return Discount(nothing, gift_key=terms.gift_key, further=further)
    if terms.kind == "message":
        return Discount(nothing)
    unit = money.unit(cart.currency)
    # From here on in whole coins.
    coins = [int(value / unit) for value in values]
    taken = _taken(terms, cart, coins, unit)
    if terms.max_discount is not None:
        taken = shared(min(sum(taken), int(terms.max_discount / unit)), taken)
    return Discount(tuple(n * unit for n in taken), further=further)


def _capped(terms: Terms, amount: Decimal) -> Decimal:
    return amount if terms.max_discount is None else min(amount, terms.max_discount)


def _taken(terms: Terms, cart: Cart, coins: list[int], unit: Decimal) -> list[int]:
    """Return how many coins go of each line."""
    covered = [n if terms.covers(line) else 0 for line, n in zip(cart.lines, coins, strict=True)]
    match terms.kind:
        case "percentage":
            return shared(_percent(sum(covered), terms.value), covered)
        case "amount":
            return shared(min(_coins(terms.value, unit), sum(covered)), covered)
        case "n_for_m":
            return _free_pieces(terms, cart, covered)
        case "bundle":
            return _sets(terms, cart, covered, unit)
    raise ValueError(f"There is no kind of offer {terms.kind!r}")


def _percent(coins: int, share: Decimal | None) -> int:
    part = Decimal(coins) * (share or money.NOTHING) / 100
    return min(int(part.quantize(Decimal(1), ROUND_HALF_UP)), coins)


def _coins(amount: Decimal | None, unit: Decimal) -> int:
    return int((amount or money.NOTHING) / unit)


def shared(total: int, limits: Sequence[int]) -> list[int]:
    """Share ``total`` coins out in proportion to ``limits``, none above its own."""
    whole = sum(limits)
    if not whole or total <= 0:
        return [0] * len(limits)
    shares = [total * limit // whole for limit in limits]
    # What rounding has left goes to where it cut most, the first of equals.
    order = sorted(range(len(limits)), key=lambda i: (-(total * limits[i] % whole), i))
    rest = total - sum(shares)
    for i in order:
        if rest and shares[i] < limits[i]:
            shares[i] += 1
            rest -= 1
    return shares


def _free_pieces(terms: Terms, cart: Cart, covered: list[int]) -> list[int]:
    """Of every n pieces n - m are free: the cheapest of all."""
    pieces = [line.quantity if terms.covers(line) else 0 for line in cart.lines]
    free = sum(pieces) // terms.buy_n * (terms.buy_n - terms.pay_m)
    taken = [0] * len(pieces)
    for i in sorted(
        (i for i, n in enumerate(pieces) if n), key=lambda i: (Fraction(covered[i], pieces[i]), i)
    ):
        n = min(pieces[i], free)
        taken[i] = covered[i] * n // pieces[i]
        free -= n
    return taken


def _sets(terms: Terms, cart: Cart, covered: list[int], unit: Decimal) -> list[int]:
    """As many whole sets as there are, the dearest pieces of each item first."""
    of_key: dict[str, list[int]] = {key: [] for key in terms.scope_keys}
    for i, line in enumerate(cart.lines):
        if line.key in of_key:
            of_key[line.key].append(i)
    n_sets = min(sum(cart.lines[i].quantity for i in places) for places in of_key.values())
    worth = [0] * len(covered)
    for places in of_key.values():
        wanted = n_sets
        for i in sorted(places, key=lambda i: (-cart.lines[i].price, i)):
            n = min(wanted, cart.lines[i].quantity)
            worth[i] = covered[i] * n // cart.lines[i].quantity
            wanted -= n
    total = sum(worth)
    if terms.set_price is not None:
        return shared(max(total - n_sets * _coins(terms.set_price, unit), 0), worth)
    return shared(_percent(total, terms.value), worth)
