"""
Recommendation ids that a client can hand back but cannot make up.

A token says which shelf was shown, by which model and when, signed together with the key of the
visitor it was shown to. What it stands for is stored with the events; the token itself is not.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.collecting.identity import Person

MAX_LENGTH = 200
# A tab may stay open over a weekend; older clicks say nothing about the shelf any more.
MAX_AGE = timedelta(days=7)
SEPARATOR = "~"
# A dot and 128 bits.
LENGTH_SIGNED = 23
MILLION = 1_000_000
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where an event came from: the shelf, and the model that filled it."""

    recommendation_id: str
    placement: str
    artifact_id: int | None
    # With what chance each rank was filled as it was, where chance had a share; 0: all others.
    propensities: Mapping[int, float] = field(default_factory=dict)

    def propensity(self, rank: int | None) -> float | None:
        """Return the chance of what was shown at ``rank``; None where chance had no say."""
        if rank is None or not self.propensities:
            return None
        return self.propensities.get(rank, self.propensities.get(0))


class InvalidToken(ValueError):
    """The token is not ours, not this visitor's, or too old. ``code`` says which."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def issue(
    *,
    placement: str,
    artifact_id: int | None,
    person: Person | None,
    at: datetime,
    usual: float | None = None,
    drawn: Mapping[int, float | None] | None = None,
) -> str:
    """
    Return a new token for a shelf shown to ``person``.

    ``drawn`` tells with what chance new items came to their ranks, ``usual`` the chance of all
    other places; of more than fit, the first are told.

    It is bound to a visitor whom the browser can prove to be. Nobody in particular (no consent,
    a cached page, a first visit whose cookie does not exist yet) gets a token that anyone may
    hand back: several shelves loaded at once on a first visit must not each mint a visitor.
    """
    parts = [
        _encode(secrets.token_bytes(15)),
        format(int(at.timestamp()), "x"),
        "" if artifact_id is None else format(artifact_id, "x"),
        placement,
    ]
    if usual is not None:
        chances = [(0, usual), *((rank, chance) for rank, chance in (drawn or {}).items())]
        room = (MAX_LENGTH - LENGTH_SIGNED) * 3 // 4 - len(SEPARATOR.join(parts)) - len(SEPARATOR)
        parts.append(_tell(chances, room))
    payload = SEPARATOR.join(parts)
    keys = person.known_keys if person is not None else ()
    body = _encode(payload.encode())
    token = f"{body}.{_signature(body, keys[0] if keys else '', settings.SECRET_KEY)}"
    if len(token) > MAX_LENGTH:
        raise ValueError(f"The placement's name is too long for a token: {placement!r}")
    return token


def verify(token: str, *, person: Person | None, at: datetime) -> Attribution:
    """Return what a token stands for; raises InvalidToken."""
    body, dot, signature = token.partition(".")
    if not dot or len(token) > MAX_LENGTH or not token.isascii():
        raise InvalidToken("malformed", _("This is not a recommendation id of this shop."))
    # All keys of the person: what was shown before signing in may be clicked afterwards.
    bindings = ("", *(person.keys if person is not None else ()))
    secret_keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(
        constant_time_compare(signature, _signature(body, binding, secret))
        for secret in secret_keys
        for binding in bindings
    ):
        raise InvalidToken("forged", _("The recommendation was not made for this visitor."))
    name, moment, artifact, placement, *told = _decode(body).decode().split(SEPARATOR)
    age = at.timestamp() - int(moment, 16)
    if age > MAX_AGE.total_seconds() or age < -app_settings.CLOCK_SKEW_SECONDS:
        raise InvalidToken("expired", _("The recommendation is too old."))
    chances = _read(told[0]) if told else {}
    return Attribution(name, placement, int(artifact, 16) if artifact else None, chances)


def _tell(chances: Iterable[tuple[int, float | None]], room: int) -> str:
    """Return ranks and chances in millionths, hexadecimal: "0-dbba0,3-1a4"."""
    told = ""
    for rank, chance in chances:
        one = f"{rank:x}-{max(round((chance or 0.0) * MILLION), 1):x}"
        if len(told) + len(one) + 1 > room:
            break
        told = f"{told},{one}" if told else one
    return told


def _read(told: str) -> dict[int, float]:
    pairs = (one.split("-") for one in told.split(",") if one)
    return {int(rank, 16): int(chance, 16) / MILLION for rank, chance in pairs}


def _signature(body: str, binding: str, secret: str | bytes) -> str:
    # What Django's ``salted_hmac`` gives, without deriving the same key each time.
    digest = hmac.digest(_key(secret), f"{body}.{binding}".encode(), "sha256")
    # 128 bits are out of reach of guessing and keep the token short.
    return _encode(digest[:16])


@functools.lru_cache(maxsize=8)
def _key(secret: str | bytes) -> bytes:
    salted = b"engagement.recommendation" + (secret.encode() if isinstance(secret, str) else secret)
    return hashlib.sha256(salted).digest()


def _encode(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
