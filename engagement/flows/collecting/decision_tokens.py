"""
What a browser hands back with a promotion that it has shown: it cannot be made up.

A token is a decision's key, signed together with the key of the visitor it was made for. When the
decision was made, and whether it was told of before, the database knows.
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from engagement.flows.collecting.identity import Person
from engagement.flows.collecting.tokens import InvalidToken

# 16 bytes of key, a dot, 16 bytes of signature.
LENGTH = 22 + 1 + 22


def issue(key: str, *, person: Person) -> str:
    """Return the token of the decision ``key`` (hexadecimal), for the visitor it was made for."""
    body = _encode(uuid.UUID(key).bytes)
    return f"{body}.{_signature(body, person.known_keys[0], settings.SECRET_KEY)}"


def is_token(text: str) -> bool:
    """Return whether ``text`` has the form of a token, whoever made it."""
    return len(text) == LENGTH and text[22] == "." and text.isascii()


def verify(token: str, *, person: Person | None) -> str:
    """Return the key of the decision, hexadecimal; raises InvalidToken."""
    if not is_token(token):
        raise InvalidToken("malformed", _("This is not a promotion id of this shop."))
    body, _dot, signature = token.partition(".")
    # All keys of the person: what was shown before signing in may be clicked afterwards.
    bindings = person.keys if person is not None else ()
    secret_keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(
        constant_time_compare(signature, _signature(body, binding, secret))
        for secret in secret_keys
        for binding in bindings
    ):
        raise InvalidToken("forged", _("The promotion was not made for this visitor."))
    return urlsafe_b64decode(body + "==").hex()


def _signature(body: str, binding: str, secret: str | bytes) -> str:
    digest = salted_hmac(
        "engagement.decision", f"{body}.{binding}", secret=secret, algorithm="sha256"
    ).digest()
    return _encode(digest[:16])


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
