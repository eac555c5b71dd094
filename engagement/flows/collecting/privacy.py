"""What a visitor may ask for: to be remembered, to be left alone, to be forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from engagement.adapters import get_adapter
from engagement.flows.collecting import identity, ids
from engagement.flows.collecting.identity import Person
from engagement.flows.profiles import making as profiles
from engagement.flows.promotions import personal
from engagement.flows.reviews import erasure
from engagement.models import Decision, Event, Visitor


def answer(request: HttpRequest, *, consent: bool) -> Person:
    """
    Record the visitor's yes or no; :func:`identity.set_cookies` tells the browser.

    Yes: the answer is kept with the visitor (and the customer, if signed in). No: nothing more is
    stored, what was stored under the anonymous key is deleted with the key, a customer's profile
    and offers go, and purchases of before no longer take part in anything.
    """
    person = identity.take_answer(request, answer=consent)
    if consent:
        _agree(person)
    elif person.refusal == "no_consent":
        _withdraw(request)
        identity.renew(request)
    return identity.person_from_request(request)


def _agree(person: Person) -> None:
    if not person.may_store:
        return
    wanted = [ids.Wanted(key, consent=True) for key in person.keys]
    known = ids.visitors(person.channel, wanted)
    if person.key:
        person.claim.used = True
    declined = [one.id for one in known.values() if one.consent is False]
    if declined:
        Visitor.objects.filter(pk__in=declined).update(consent=True)
        ids.forget_visitors()


def _withdraw(request: HttpRequest) -> None:
    adapter = get_adapter()
    channel = adapter.get_channel(request)
    key = identity.cookie_key(request)
    customer = adapter.get_customer(request)
    with transaction.atomic():
        if key:
            _delete(Visitor.objects.filter(channel=channel, key=key).values_list("pk", flat=True))
        if customer:
            row, _ = Visitor.objects.update_or_create(
                channel=channel,
                key=identity.customer_key(customer, channel),
                defaults={"consent": False},
            )
            people = [row.pk, *row.merged.values_list("pk", flat=True)]
            profiles.drop(people)
            personal.drop(people)
    ids.forget_visitors()


def erase(*, customer: str = "", key: str = "", channel: str = "") -> int:
    """
    Erase a customer, or an anonymous visitor by key: the rows, what was linked to them, and all
    their events; their published reviews lose their author, or go (``REVIEW_ERASURE``). Return how
    many events went.
    """
    wanted = identity.customer_key(customer, channel) if customer else key
    if not wanted:
        raise ValueError("Name a customer or a visitor's key.")
    rows = Visitor.objects.filter(
        Q(key=wanted) | Q(merged_into__key=wanted, merged_into__channel=channel), channel=channel
    )
    with transaction.atomic():
        n = _delete(rows.values_list("pk", flat=True))
    ids.forget_visitors()
    return n


def erase_visitors(visitor_ids: Iterable[int]) -> int:
    """Erase these rows, as :func:`erase` does; return how many events went."""
    with transaction.atomic():
        n = _delete(visitor_ids)
    ids.forget_visitors()
    return n


def _delete(visitor_ids: Iterable[int]) -> int:
    pks = list(visitor_ids)
    erasure.erase(pks)
    personal.drop(pks)
    # Before the visitors, in one statement each: the cascade would read every row first.
    Decision.objects.filter(visitor__in=pks).delete()
    n, _ = Event.objects.filter(visitor__in=pks).delete()
    Visitor.objects.filter(pk__in=pks).delete()
    return n
