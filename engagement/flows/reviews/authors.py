"""Who writes: an author is a visitor whom we would know again, or a customer the shop knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.collecting import identity, ids, visitors
from engagement.flows.collecting.identity import Person
from engagement.models import Visitor


class MayNotWrite(Exception):
    """This person cannot write here; the message says what would help. ``code`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Author:
    """
    Whoever writes. ``visitor_ids`` are all rows that are this person, the one that owns what is
    written now first.
    """

    channel: str
    visitor_id: int
    visitor_ids: tuple[int, ...]
    person: Person


def author_of(request: HttpRequest) -> Author:
    """
    Return who writes, creating their row; raises MayNotWrite.

    Writing is asking for something to be stored. So a signed-in customer may write whatever they
    said about being remembered, and nothing but what they write is stored. Somebody without a name
    has to be known again, or could never edit or withdraw: that takes the visitor's cookie.
    """
    person = _writer(request)
    if not person.keys:
        raise MayNotWrite(
            "unknown",
            _(
                "Sign in to write here, or let us remember your visit: otherwise we could not "
                "give you your own words back."
            ),
        )
    return _author(person)


def author_of_customer(customer: str, channel: str) -> Author:
    """Return a customer whom the shop's own code names."""
    return _author(identity.person_of_customer(customer, channel))


def reader_ids(request: HttpRequest | None) -> tuple[int, ...]:
    """Return the rows of whoever reads, to show them what is theirs; none for a stranger."""
    if request is None:
        return ()
    person = _writer(request, reading=True)
    return visitors.visitor_ids(person) if person.known_keys else ()


def _writer(request: HttpRequest, *, reading: bool = False) -> Person:
    person = identity.person_from_request(request)
    if person.may_store:
        if app_settings.REVIEW_AUTHORS != "visitors" and not person.customer_key and not reading:
            raise MayNotWrite("sign_in", _("Sign in to write here."))
        return person
    if person.refusal == "staff" and not reading:
        raise MayNotWrite("staff", _("The shop's own people do not review what they sell."))
    if person.refusal == "bot" and not reading:
        raise MayNotWrite("bot", _("Machines do not write here."))
    adapter = get_adapter()
    customer = adapter.get_customer(request) if person.refusal == "no_consent" else ""
    if not customer:
        return person
    user: Any = getattr(request, "user", None)
    return Person(
        channel=person.channel,
        key="",
        customer_key=identity.customer_key(customer, person.channel),
        user_id=user.pk if user is not None and user.is_authenticated else None,
        may_store=False,
        is_staff=False,
        consent=person.consent,
        refusal=person.refusal,
    )


def _author(person: Person) -> Author:
    key = person.keys[0]
    wanted = ids.Wanted(
        key, user_id=person.user_id if person.customer_key else None, consent=person.consent
    )
    # Memory may hold a row that another process has deleted since; a foreign key to it would fail.
    known = ids.visitors(person.channel, [wanted])[key]
    if not Visitor.objects.filter(pk=known.id).exists():
        ids.forget_visitors()
        known = ids.visitors(person.channel, [wanted])[key]
    if key == person.key:
        person.claim.used = True
    others = visitors.visitor_ids(person) if person.known_keys else ()
    return Author(
        channel=person.channel,
        visitor_id=known.id,
        visitor_ids=(known.id, *(one for one in others if one != known.id)),
        person=person,
    )
