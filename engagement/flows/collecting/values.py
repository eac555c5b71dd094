"""Text, numbers, money and moments as strangers write them, and the refusal of what is none."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _

# Control characters (a database may not be able to hold NUL) and halves of surrogate pairs
# (nothing can encode them).
NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?\Z", re.ASCII)
CURRENCY = re.compile(r"[A-Za-z]{3}\Z", re.ASCII)
CENT = Decimal("0.01")
# Before shops were on the web, a moment is a mistake.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class Refused(ValueError):
    """An event cannot be taken. ``field`` is what is wrong with it, by the sender's name."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


def shown(value: object) -> str:
    """Return a value for a message: short, and of characters that any reader can take."""
    text = ascii(value)
    return text if len(text) <= 42 else f"{text[:40]}…"


def read_text(field: str, value: Any, length: int) -> str:
    """Return an identifier; whole numbers count as their digits, None as no text."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20:
        value = str(value)
    if not isinstance(value, str):
        raise Refused("not_text", field, _("This must be text."))
    text = value.strip(" ")
    if len(text) > length:
        raise Refused("too_long", field, _("This is longer than %(n)d characters.") % {"n": length})
    _refuse_control(field, text)
    return text


def read_words(field: str, value: Any, *, length: int | None) -> str:
    """Return text that a person has written: line breaks and tabs count as spaces."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("not_text", field, _("This must be text."))
    text = " ".join(value.split())
    if length is not None and len(text) > length:
        raise Refused("too_long", field, _("This is longer than %(n)d characters.") % {"n": length})
    _refuse_control(field, text)
    return text


def _refuse_control(field: str, value: str) -> None:
    if NOT_TEXT.search(value):
        raise Refused("control_characters", field, _("Control characters cannot be part of this."))


def _number(field: str, value: Any) -> Decimal:
    if isinstance(value, str) and NUMBER.match(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Refused("not_a_number", field, _("This must be a number."))
    if not math.isfinite(value) if isinstance(value, float) else not Decimal(value).is_finite():
        raise Refused("not_finite", field, _("This must be a finite number."))
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def read_whole(field: str, value: Any, *, least: int, most: int) -> int:
    """Return a whole number; ``2.0`` and ``"2"`` are whole."""
    number = _number(field, value)
    if number < least:
        raise Refused("too_small", field, _("This must be %(n)d or more.") % {"n": least})
    if number > most:
        raise Refused("too_large", field, _("This must be %(n)d or less.") % {"n": most})
    if number != int(number):
        raise Refused("not_whole", field, _("This must be a whole number."))
    return int(number)


def read_amount(field: str, value: Any, *, most: int) -> Decimal:
    """Return an amount of money as exact as it was given."""
    number = _number(field, value)
    if number < 0:
        raise Refused("negative", field, _("This must not be below zero."))
    if number > most:
        raise Refused("too_large", field, _("This must be %(n)d or less.") % {"n": most})
    return number


def read_money(field: str, value: Any, *, most: int) -> Decimal:
    """Return an amount of money in whole cents."""
    return to_cents(read_amount(field, value, most=most))


def to_cents(amount: Decimal) -> Decimal:
    """Return the amount in whole cents, half a cent rounded up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def read_currency(field: str, value: Any) -> str:
    """Return a currency's code in capitals."""
    if not isinstance(value, str) or not CURRENCY.match(value.strip()):
        raise Refused(
            "not_a_currency", field, _("This must be a currency's three letters, such as EUR.")
        )
    return value.strip().upper()


def read_moment(field: str, value: Any) -> datetime:
    """
    Return a moment from ISO 8601 or from unix seconds, milliseconds or microseconds.

    Text without an offset is UTC. The size of a number says what it counts: seconds reach the
    year 5138 before they look like milliseconds.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and not NUMBER.match(value.strip()):
        try:
            moment = datetime.fromisoformat(value.strip()[:64])
        except ValueError:
            raise Refused(
                "not_a_moment", field, _("This must be a moment as in 2026-05-17T10:30:00Z.")
            ) from None
    else:
        moment = _from_number(field, _number(field, value))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # Compared before it is converted: the year 1 has no earlier time zone to go to.
    if moment < EARLIEST:
        raise Refused("too_old", field, _("This is before any shop's time."))
    if moment.year > 9000:
        raise Refused("in_the_future", field, _("This moment has not come yet."))
    return moment.astimezone(UTC)


def _from_number(field: str, number: Decimal) -> datetime:
    if number < 0:
        raise Refused("too_old", field, _("This is before any shop's time."))
    for limit, divisor in ((10**11, 1), (10**14, 1_000), (10**17, 1_000_000)):
        if number < limit:
            return datetime.fromtimestamp(float(number / divisor), UTC)
    raise Refused("not_a_moment", field, _("This is no unix time."))
