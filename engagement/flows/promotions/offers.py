"""Offers detached from the database: what a process keeps between polls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import get_language

from engagement.flows.promotions import discounts
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.discounts import Terms
from engagement.flows.promotions.money import NOTHING
from engagement.models import Campaign, Promotion

# A campaign's priority counts before an offer's.
STEP = 1000


@dataclass(frozen=True, slots=True)
class RunningOffer:
    """An offer with what its campaign adds: dates of both, rules of both, the budget's currency."""

    id: int
    campaign_id: int
    channel: str
    name: str
    campaign: str
    terms: Terms
    status: str = Campaign.Status.RUNNING.value
    placements: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    audiences: tuple[str, ...] = ()
    priority: int = 0
    stacks: bool = False
    exclusive_group: str = ""
    code_kind: str = Promotion.CodeKind.AUTOMATIC.value
    code: str = ""
    grant_days: int = 14
    max_per_visitor: int | None = None
    max_per_visitor_of_campaign: int | None = None
    is_for_everybody: bool = False
    is_active: bool = True
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    picture: str = ""
    url: str = ""

    @property
    def kind(self) -> str:
        return self.terms.kind

    @property
    def needs_grant(self) -> bool:
        """Whether it counts only for those it was given to."""
        if self.kind == Promotion.Kind.MESSAGE:
            return False
        if self.code_kind == Promotion.CodeKind.PERSONAL:
            return True
        return self.code_kind == Promotion.CodeKind.AUTOMATIC and not self.is_for_everybody

    def cost_of(self, cart: Cart | None) -> Decimal:
        """Return what the shop gives if this cart is ordered with it; 0 where it does not fit."""
        if cart is None or discounts.missing(self.terms, cart) is not None:
            return NOTHING
        return discounts.discount(self.terms, cart).cost

    def words(self, language: str | None = None) -> dict[str, str]:
        """Return title, text, button and terms in a language (default: the active one)."""
        wanted = language or get_language() or settings.LANGUAGE_CODE
        for code in (wanted, wanted.partition("-")[0], settings.LANGUAGE_CODE, *self.texts):
            found = self.texts.get(code)
            if found:
                return {part: str(found.get(part, "")) for part in PARTS}
        return dict.fromkeys(PARTS, "")

    def title(self, language: str | None = None) -> str:
        return self.words(language)["title"] or self.name


PARTS = ("title", "text", "button", "terms")


def detached(row: Promotion) -> RunningOffer:
    """Return the offer that ``row`` (with its campaign at hand) describes."""
    campaign = row.campaign
    starts = [one for one in (campaign.starts_at, row.starts_at) if one is not None]
    ends = [one for one in (campaign.ends_at, row.ends_at) if one is not None]
    return RunningOffer(
        id=row.pk,
        campaign_id=campaign.pk,
        channel=row.channel,
        name=row.name,
        campaign=campaign.name,
        terms=Terms(
            kind=row.kind,
            value=row.value,
            set_price=row.set_price,
            buy_n=row.buy_n or 0,
            pay_m=row.pay_m or 0,
            gift_key=row.gift_key,
            scope=row.scope,
            scope_keys=tuple(str(key) for key in row.scope_keys or ()),
            min_spend=row.min_spend,
            max_discount=row.max_discount,
            cost=row.cost,
            currency=campaign.currency,
        ),
        status=campaign.status,
        placements=tuple(str(name) for name in row.placements or ()),
        starts_at=max(starts, default=None),
        ends_at=min(ends, default=None),
        audiences=tuple(rule for rule in (campaign.audience, row.audience) if rule.strip()),
        priority=campaign.priority * STEP + row.priority,
        stacks=row.stacks,
        exclusive_group=row.exclusive_group,
        code_kind=row.code_kind,
        code=row.code,
        grant_days=row.grant_days,
        max_per_visitor=row.max_per_visitor,
        max_per_visitor_of_campaign=campaign.max_per_visitor,
        is_for_everybody=row.is_for_everybody,
        is_active=row.is_active,
        texts={str(code): dict(words) for code, words in (row.texts or {}).items() if words},
        picture=row.picture,
        url=row.url,
    )


def rows(**which: Any) -> QuerySet[Promotion]:
    """Return offers with their campaigns, in one query."""
    return Promotion.objects.filter(**which).select_related("campaign").order_by("pk")


def read_all() -> dict[str, tuple[RunningOffer, ...]]:
    """Return the active offers of running campaigns by channel, in one query."""
    found: dict[str, list[RunningOffer]] = {}
    for offer in _each(rows(campaign__status=Campaign.Status.RUNNING, is_active=True)):
        found.setdefault(offer.channel, []).append(offer)
    return {channel: tuple(offers) for channel, offers in found.items()}


def _each(some: Iterable[Promotion]) -> Iterable[RunningOffer]:
    return (detached(row) for row in some)
