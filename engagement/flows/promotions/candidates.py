"""Which offers a cart may have: those of the codes that were typed, and those that need none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from engagement.adapters import get_adapter
from engagement.flows.promotions import eligibility, offers, running
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.shoppers import Shopper
from engagement.models import Campaign, Grant, Promotion


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    An offer as it is in the database now, and why it does not count: ``reason`` is "" where it
    may. ``offer`` is None for a code that nobody knows. ``code`` is "" for what needs none.
    """

    offer: RunningOffer | None
    code: str = ""
    grant_id: int | None = None
    reason: str = ""
    # What is left of the campaign's budget; None: there is no limit.
    money: Decimal | None = None


def candidates(given: Sequence[str], *, shopper: Shopper, at: datetime) -> list[Candidate]:
    """Return what the codes ``given`` and the visitor's own offers are, in six queries at most."""
    found = _with_grants(list(_of_codes(given, shopper, at)), shopper, at)
    there = {one.offer.id for one in found if one.offer is not None}
    found += _by_themselves(shopper, there, at)
    used = eligibility.uses(
        [one.offer for one in found if one.offer is not None], shopper.visitor_ids
    )
    return [_judged(one, shopper, used, at) for one in found]


def _of_codes(given: Sequence[str], shopper: Shopper, at: datetime) -> Iterator[Candidate]:
    if not given:
        return
    grants = {
        grant.code: grant
        for grant in Grant.objects.filter(channel=shopper.channel, code__in=given).select_related(
            "promotion__campaign"
        )
    }
    shared = {row.code: row for row in offers.rows(channel=shopper.channel, code__in=given)}
    for code in given:
        grant = grants.get(code)
        if grant is not None:
            yield _candidate(grant.promotion, code, grant.pk, _of_grant(grant, shopper, at))
        elif code in shared:
            yield _candidate(shared[code], code)
        else:
            yield Candidate(None, code, reason="unknown")


def _of_grant(grant: Grant, shopper: Shopper, at: datetime) -> str:
    if grant.visitor_id not in shopper.visitor_ids:
        return "foreign"
    if grant.used_at is not None:
        return "used"
    return "expired" if grant.revoked_at is not None or grant.expires_at <= at else ""


def _with_grants(found: list[Candidate], shopper: Shopper, at: datetime) -> list[Candidate]:
    """Add to codes for all that the offer was given to this visitor, where it was."""
    shared = [one.offer.id for one in found if one.offer is not None and one.grant_id is None]
    given = _given(shared, shopper, at)
    return [
        replace(one, grant_id=one.grant_id or given.get(one.offer.id)) if one.offer else one
        for one in found
    ]


def _by_themselves(shopper: Shopper, there: set[int], at: datetime) -> list[Candidate]:
    """Return what needs no code: what is for everybody, and what was given to this visitor."""
    known = running.count_by_themselves(shopper.channel)
    automatic = [offer for offer in known if offer.id not in there]
    given = _given([offer.id for offer in automatic], shopper, at)
    wanted = [one.id for one in automatic if not one.needs_grant or one.id in given]
    if not wanted:
        return []
    # As they are now: money is not taken off by what a process remembers.
    return [_candidate(row, "", given.get(row.pk)) for row in offers.rows(pk__in=wanted)]


def _given(offer_ids: Iterable[int], shopper: Shopper, at: datetime) -> dict[int, int]:
    """Return the visitor's open grants by offer, the oldest of each."""
    wanted = list(offer_ids)
    if not wanted or not shopper.visitor_ids:
        return {}
    rows = Grant.objects.filter(
        visitor__in=shopper.visitor_ids,
        promotion__in=wanted,
        used_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=at,
    )
    return dict(rows.order_by("-pk").values_list("promotion", "pk"))


def _candidate(
    row: Promotion, code: str, grant_id: int | None = None, reason: str = ""
) -> Candidate:
    campaign = row.campaign
    money = None if campaign.budget is None else campaign.budget - campaign.spent
    is_used_up = any(
        one.max_redemptions is not None and one.n_redeemed >= one.max_redemptions
        for one in (row, campaign)
    )
    reason = reason or ("cap" if is_used_up else "")
    return Candidate(offers.detached(row), code, grant_id, reason, money)


def _judged(
    one: Candidate, shopper: Shopper, used: Mapping[tuple[int, int], int], at: datetime
) -> Candidate:
    if one.offer is None or one.reason in ("foreign", "used"):
        return one
    reason = _not_now(one.offer, at) or one.reason or _not_for(one, one.offer, shopper, used)
    return replace(one, reason=reason)


def _not_now(offer: RunningOffer, at: datetime) -> str:
    if offer.status == Campaign.Status.DRAFT:
        return "unknown"
    if offer.status == Campaign.Status.ENDED:
        return "expired"
    if offer.status == Campaign.Status.PAUSED or not offer.is_active:
        return "paused"
    if offer.kind not in get_adapter().offers().kinds():
        return "kind"
    return eligibility.dates(offer, at)


def _not_for(
    one: Candidate,
    offer: RunningOffer,
    shopper: Shopper,
    used: Mapping[tuple[int, int], int],
) -> str:
    if eligibility.is_used_up(offer, used):
        return "used"
    # Whom a grant names was found fit when it was given.
    if one.grant_id is None and not eligibility.in_audience(offer, shopper):
        return "audience"
    return ""
