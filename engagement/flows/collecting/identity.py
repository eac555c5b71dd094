"""
Who is behind a request, under which pseudonym.

A customer's key is an HMAC of the shop's customer id. Anyone else gets a random key in a signed
first-party cookie; it reaches the browser only once something was stored under it, so that
reading a page sets no cookie and stays cacheable.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.collecting import consent

ANONYMOUS_KEY = re.compile(r"a[0-9a-f]{32}\Z")
# A key and its signature are far shorter.
LONGEST_COOKIE = 200
DAY = 86_400


@dataclass(slots=True)
class Claim:
    """What becomes of a person's anonymous key while the request lasts."""

    # The key is new: no browser has it yet.
    minted: bool = False
    # Something was stored under it: the browser has to be told.
    used: bool = False


@dataclass(frozen=True)
class Person:
    """
    Whoever is asking. ``key`` is the anonymous key, ``customer_key`` that of a signed-in customer.

    Both are empty where nothing may be known of the person. ``refusal`` says why nothing may be
    stored ("no_consent", "staff", "bot"); ``consent`` is the person's own answer.
    """

    channel: str
    key: str
    customer_key: str
    user_id: Any
    may_store: bool
    is_staff: bool
    consent: bool | None = None
    refusal: str = ""
    claim: Claim = field(default_factory=Claim, compare=False, repr=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys that there are, the customer's first."""
        if not self.customer_key:
            return (self.key,) if self.key else ()
        return (self.customer_key, self.key) if self.key else (self.customer_key,)

    @property
    def known_keys(self) -> tuple[str, ...]:
        """Return the keys under which something may be stored already: none that is brand-new."""
        if not self.claim.minted:
            return self.keys
        return (self.customer_key,) if self.customer_key else ()


def customer_key(customer: str, channel: str) -> str:
    """Return the pseudonym of one of the shop's customers."""
    return "c" + _pseudonym("customer", customer, channel)


def outside_key(visitor: str, channel: str) -> str:
    """Return the pseudonym of a visitor that another system has named (an app's device, say)."""
    return "v" + _pseudonym("visitor", visitor, channel)


def _pseudonym(kind: str, name: str, channel: str) -> str:
    secret = app_settings.VISITOR_SECRET or settings.SECRET_KEY
    text = "\0".join(("engagement", kind, channel, name))
    return hmac.new(str(secret).encode(), text.encode(), hashlib.sha256).hexdigest()[:40]


def new_key() -> str:
    """Return a random anonymous key."""
    return "a" + secrets.token_hex(16)


def person_of_customer(customer: str, channel: str) -> Person:
    """
    Return a customer whom the shop names itself, without a request to ask about consent.

    Where visitors must agree first, what is stored of such a person depends on the answer kept
    with the visitor.
    """
    agreed = app_settings.CONSENT != "opt_in"
    return Person(
        channel=channel,
        key="",
        customer_key=customer_key(customer, channel),
        user_id=None,
        may_store=agreed,
        is_staff=False,
        refusal="" if agreed else "no_consent",
    )


# -- requests -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _State:
    """What is kept on the request."""

    person: Person | None = None
    # An answer given in this very request; its cookie is still to be set.
    answer: bool | None = None
    # The cookie that came in counts no more: signed out, withdrawn, or somebody else's.
    drop_cookie: bool = False


def _state(request: HttpRequest) -> _State:
    # REST framework wraps the request; what is kept must survive the wrapper.
    plain: Any = getattr(request, "_request", request)
    state: _State | None = getattr(plain, "_engagement_identity", None)
    if state is None:
        state = plain._engagement_identity = _State()
    return state


def person_from_request(request: HttpRequest) -> Person:
    """Return who is asking; worked out once a request and without touching our tables."""
    state = _state(request)
    if state.person is None:
        state.person = _work_out(getattr(request, "_request", request), state)
    return state.person


def _work_out(request: HttpRequest, state: _State) -> Person:
    adapter = get_adapter()
    answer = state.answer if state.answer is not None else adapter.get_consent(request)
    is_staff = adapter.is_staff(request)
    channel = adapter.get_channel(request)
    refusal = consent.refusal(request, answer=answer, is_staff=is_staff)
    if refusal:
        return Person(channel, "", "", None, False, is_staff, answer, refusal)
    customer = adapter.get_customer(request)
    key = cookie_key(request)
    user = getattr(request, "user", None)
    return Person(
        channel=channel,
        key=key or new_key(),
        customer_key=customer_key(customer, channel) if customer else "",
        user_id=user.pk if user is not None and user.is_authenticated else None,
        may_store=True,
        is_staff=False,
        consent=answer,
        claim=Claim(minted=not key),
    )


def cookie_key(request: HttpRequest) -> str:
    """Return the anonymous key in the request's cookie; "" without one that we have signed."""
    if _state(request).drop_cookie:
        return ""
    return read_cookie(request.COOKIES.get(app_settings.VISITOR_COOKIE, ""))


def read_cookie(value: str) -> str:
    """Return the anonymous key of a signed cookie value, "" where the signature is not ours."""
    if not value or len(value) > LONGEST_COOKIE:
        return ""
    return _read(value, settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))


@functools.lru_cache(maxsize=4096)
def _read(value: str, secret: str | bytes, fallbacks: tuple[str | bytes, ...]) -> str:
    """Read a cookie once: a browser sends the same one with every request."""
    try:
        key = _signer().unsign(value)
    except signing.BadSignature:
        return ""
    return key if ANONYMOUS_KEY.match(key) else ""


def _signer() -> signing.Signer:
    return signing.Signer(salt="engagement.visitor")


def renew(request: HttpRequest) -> None:
    """Part with the anonymous key that the browser holds: what follows is somebody else's."""
    state = _state(request)
    state.person = None
    state.drop_cookie = True


def forget_person(request: HttpRequest) -> None:
    """Have the person worked out again: somebody has signed in."""
    _state(request).person = None


def take_answer(request: HttpRequest, *, answer: bool) -> Person:
    """Go by an answer about consent that this request has brought, and remember it."""
    state = _state(request)
    state.person = None
    state.answer = answer
    return person_from_request(request)


def set_cookies(request: HttpRequest, response: HttpResponseBase) -> None:
    """
    Give the browser what it has to keep: a new key that was used, an answer about consent.

    A response that depends on who is asking says so to caches (``Vary: Cookie``).
    """
    state = _state(request)
    name = app_settings.VISITOR_COOKIE
    person = state.person
    if person is not None:
        _vary_by_cookie(response)
    if state.answer is not None:
        # Readable by scripts: the tracker must know without asking the server.
        _set(request, response, app_settings.CONSENT_COOKIE, "yes" if state.answer else "no", False)
    if person is not None and person.key and person.claim.minted and person.claim.used:
        _set(request, response, name, _signer().sign(person.key), True)
    elif state.drop_cookie and name in request.COOKIES:
        response.delete_cookie(
            name,
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            samesite="Lax",
        )


def _vary_by_cookie(response: HttpResponseBase) -> None:
    known = response.headers.get("Vary")
    if known is None:
        response.headers["Vary"] = "Cookie"
    elif "Cookie" not in known:
        patch_vary_headers(response, ("Cookie",))


def _set(
    request: HttpRequest, response: HttpResponseBase, name: str, value: str, httponly: bool
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=app_settings.COOKIE_AGE_DAYS * DAY,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=request.is_secure(),
        httponly=httponly,
        samesite="Lax",
    )
