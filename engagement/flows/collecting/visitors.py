"""The rows behind a person: finding and creating them, and linking them at sign-in."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from engagement.flows.collecting import identity, ids
from engagement.flows.collecting.guard import receiver_guard
from engagement.flows.collecting.identity import Person
from engagement.models import Visitor
from engagement.signals import visitors_linked


class TakenKey(Exception):
    """The anonymous key belongs to another customer already; this one needs a fresh key."""


def wanted(person: Person) -> ids.Wanted | None:
    """Return whom to store a person's events under: the customer, else the anonymous visitor."""
    if not person.keys:
        return None
    user_id = person.user_id if person.customer_key else None
    return ids.Wanted(
        person.keys[0], user_id=user_id, consent=person.consent, may_create=person.may_store
    )


def get_or_create_visitor(person: Person) -> Visitor:
    """Return the row that a person's events belong to; raises Visitor.DoesNotExist for nobody."""
    one = wanted(person)
    if one is None:
        raise Visitor.DoesNotExist("Nothing may be known of this person.")
    if one.key == person.key:
        person.claim.used = True
    known = ids.visitors(person.channel, [one]).get(one.key)
    if known is None:
        raise Visitor.DoesNotExist("This person has not agreed to be remembered.")
    return Visitor.objects.get(pk=known.id)


def rows(person: Person) -> QuerySet[Visitor]:
    """
    Return all rows that are this person: the customer's, what was browsed before signing in, and
    the current cookie's. None for somebody new.
    """
    keys = person.known_keys
    if not keys:
        return Visitor.objects.none()
    is_person = Q(key__in=keys)
    if person.customer_key:
        is_person |= Q(merged_into__key=person.customer_key, merged_into__channel=person.channel)
    found = Visitor.objects.filter(is_person, channel=person.channel)
    if person.customer_key:
        # A cookie that another customer left behind on this device is not this customer.
        found = found.filter(Q(merged_into__isnull=True) | Q(merged_into__key=person.customer_key))
    return found


def visitor_ids(person: Person) -> tuple[int, ...]:
    """Return the ids of all rows that are this person, in one query."""
    return tuple(rows(person).order_by("pk").values_list("pk", flat=True))


def link(person: Person) -> Visitor | None:
    """
    Make what was done anonymously the signed-in customer's; return the anonymous row if it was.

    Raises TakenKey where the key was linked to another customer before: it is never linked again.
    """
    if not (person.may_store and person.customer_key and person.key) or person.claim.minted:
        return None
    rows = Visitor.objects.filter(channel=person.channel, key=person.key)
    anonymous = rows.select_related("merged_into").first()
    if anonymous is None:
        return None
    if anonymous.merged_into is not None:
        if anonymous.merged_into.key != person.customer_key:
            raise TakenKey(person.key)
        return None
    one = ids.Wanted(
        person.customer_key, user_id=person.user_id, consent=person.consent or anonymous.consent
    )
    customer = ids.visitors(person.channel, [one])[one.key]
    # The condition decides between two sign-ins with the same cookie at the same time.
    if not rows.filter(merged_into__isnull=True).update(merged_into=customer.id):
        anonymous.refresh_from_db()
        if anonymous.merged_into_id != customer.id:
            raise TakenKey(person.key)
        return None
    anonymous.merged_into_id = customer.id
    visitors_linked.send_robust(
        sender=Visitor, anonymous=anonymous, customer=Visitor.objects.get(pk=customer.id)
    )
    return anonymous


# -- signing in and out -------------------------------------------------------------------------


@receiver_guard
def follow_sign_in(*, request: HttpRequest | None, **kwargs: object) -> None:
    """Receive ``user_logged_in``: link, once the shop's transaction has come through."""
    if request is None:
        return
    # What was worked out so far was about whoever was there before.
    identity.forget_person(request)
    transaction.on_commit(partial(_link_request, request), robust=True)


@receiver_guard
def _link_request(request: HttpRequest) -> None:
    try:
        link(identity.person_from_request(request))
    except TakenKey:
        identity.renew(request)


@receiver_guard
def follow_sign_out(*, request: HttpRequest | None, **kwargs: object) -> None:
    """Receive ``user_logged_out``: part with the key, the next at this device may be another."""
    if request is not None:
        identity.renew(request)
