"""Give an offer to a visitor: once, however often it is shown while it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from engagement.adapters import get_adapter
from engagement.flows.collecting import visitors
from engagement.flows.promotions import codes
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.shoppers import Shopper
from engagement.models import Grant, Promotion, Visitor
from engagement.shop_offers import OfferedCode


@dataclass(frozen=True, slots=True)
class Granted:
    """
    What a card shows of an offer. ``code`` is "" where it counts without one; ``expires_at`` is
    None where the offer has no end.
    """

    name: str
    kind: str
    code: str = ""
    expires_at: datetime | None = None
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    url: str = ""
    picture: str = ""
    grant_id: int | None = None

    @property
    def shown_code(self) -> str:
        return codes.spaced(self.code)


class CannotGrant(Exception):
    """Nothing may be given to this visitor: nothing may be stored of them."""


def shown(offer: RunningOffer, *, language: str | None = None) -> Granted:
    """Return an offer as everybody sees it, given to nobody: messages, codes for all."""
    return Granted(
        name=offer.name,
        kind=offer.kind,
        code=offer.code,
        expires_at=offer.ends_at,
        words=offer.words(language),
        url=offer.url,
        picture=offer.picture,
    )


def grant(
    offer: RunningOffer, *, shopper: Shopper, decision_key: str = "", at: datetime
) -> Granted:
    """
    Give an offer to a visitor; return the grant there is while it counts.

    An offer that needs no grant is given to those who may be remembered, so that what was decided
    is tied to what was used. Raises CannotGrant. The first decision keeps its grant.
    """
    if offer.kind == Promotion.Kind.MESSAGE:
        return shown(offer, language=shopper.language or None)
    visitor = _visitor(shopper)
    if visitor is None:
        if offer.needs_grant:
            raise CannotGrant(offer.name)
        return shown(offer, language=shopper.language or None)
    row = _open(offer, shopper, at) or _give(offer, visitor, shopper, decision_key, at)
    return Granted(
        name=offer.name,
        kind=offer.kind,
        code=row.code or offer.code,
        expires_at=row.expires_at,
        words=offer.words(shopper.language or None),
        url=offer.url,
        picture=offer.picture,
        grant_id=row.pk,
    )


def _visitor(shopper: Shopper) -> int | None:
    if shopper.person is None or not shopper.may_store:
        return None
    if shopper.own_id is not None:
        return shopper.own_id
    try:
        return visitors.get_or_create_visitor(shopper.person).pk
    except Visitor.DoesNotExist:
        return None


def _open(offer: RunningOffer, shopper: Shopper, at: datetime) -> Grant | None:
    return (
        Grant.objects.filter(
            promotion=offer.id,
            visitor__in=shopper.visitor_ids,
            used_at__isnull=True,
            revoked_at__isnull=True,
            expires_at__gt=at,
        )
        .order_by("pk")
        .first()
    )


def _give(
    offer: RunningOffer, visitor: int, shopper: Shopper, decision_key: str, at: datetime
) -> Grant:
    until = at + timedelta(days=offer.grant_days)
    expires = until if offer.ends_at is None else min(until, offer.ends_at)
    personal = offer.code_kind == Promotion.CodeKind.PERSONAL
    try:
        with transaction.atomic():
            # What has run out makes room: a visitor has one open grant of an offer.
            Grant.objects.filter(
                promotion=offer.id,
                visitor=visitor,
                used_at__isnull=True,
                revoked_at__isnull=True,
                expires_at__lte=at,
            ).update(revoked_at=at)
            row = Grant.objects.create(
                promotion_id=offer.id,
                channel=offer.channel,
                visitor_id=visitor,
                decision_key=decision_key,
                code=codes.new_code() if personal else "",
                granted_at=at,
                expires_at=expires,
            )
            if personal:
                row.shop_ref = get_adapter().offers().grant(_told(offer, row, shopper))
                if row.shop_ref:
                    row.save(update_fields=["shop_ref"])
    except IntegrityError:
        # Two pages at once: the other one gave it.
        found = Grant.objects.filter(
            promotion=offer.id, visitor=visitor, used_at__isnull=True, revoked_at__isnull=True
        ).first()
        if found is None:
            raise
        return found
    return row


def _told(offer: RunningOffer, row: Grant, shopper: Shopper) -> OfferedCode:
    terms = offer.terms
    user = shopper.person.user_id if shopper.person is not None else None
    return OfferedCode(
        name=offer.name,
        code=row.code,
        kind=terms.kind,
        currency=terms.currency,
        expires_at=row.expires_at,
        customer="" if user is None else str(user),
        value=terms.value,
        set_price=terms.set_price,
        buy_n=terms.buy_n,
        pay_m=terms.pay_m,
        gift_key=terms.gift_key,
        scope=terms.scope,
        scope_keys=terms.scope_keys,
        min_spend=terms.min_spend,
        max_discount=terms.max_discount,
    )
