"""What the smallest coin of a currency is, and rounding to it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# ISO 4217: currencies whose smallest unit is not a hundredth.
WHOLE = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))

NOTHING = Decimal(0)


def unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency, a hundredth where it is not known: 0.01."""
    if currency in WHOLE:
        return Decimal(1)
    return Decimal("0.001") if currency in THOUSANDTHS else Decimal("0.01")


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return an amount as it can be paid; halves are rounded away from zero."""
    return amount.quantize(unit(currency), ROUND_HALF_UP)
