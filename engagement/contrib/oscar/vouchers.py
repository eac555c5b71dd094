"""
Our offers as Oscar knows them: a conditional offer each, and vouchers for the codes.

A conditional offer says nothing of what it takes off: its condition and its benefit are classes of
ours that ask us. It is kept suspended, so that no page of Oscar's shows it; the offers of vouchers
count all the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, override
from oscar.core.loading import get_model

from engagement.flows.promotions import codes, running
from engagement.flows.promotions.offers import RunningOffer, detached
from engagement.models import Grant, Promotion
from engagement.shop_offers import OfferedCode

PREFIX = "engagement-"
# The shop may sell rings, and have an offer for engagements.
SLUG = re.compile(rf"{PREFIX}[0-9a-f]{{32}}")
CONDITION = "engagement.contrib.oscar.proxies.OfferCondition"
BENEFIT = "engagement.contrib.oscar.proxies.OfferBenefit"
# After whatever the shop itself takes off: nobody pays more for having an offer of ours.
PRIORITY = -1000
# An offer without an end; dates beyond are too late for some time zones.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
MAX_KEY = 2**63 - 1


def slug_of(name: str) -> str:
    """Return the slug of the conditional offer that stands for our offer of this name."""
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]


def is_ours(offer: Any) -> bool:
    return offer is not None and SLUG.fullmatch(str(offer.slug)) is not None


def ours() -> QuerySet[Any]:
    """Return the conditional offers that we have made."""
    rows = get_model("offer", "ConditionalOffer")._base_manager
    return rows.filter(slug__startswith=PREFIX, condition__proxy_class=CONDITION)


def rows_of(offers: Iterable[RunningOffer]) -> list[Any]:
    """Return the conditional offers of automatic ones; those that are not there yet are made."""
    wanted = {slug_of(offer.name): offer for offer in offers}
    if not wanted:
        return []
    rows = ours().filter(slug__in=wanted).select_related("condition", "benefit")
    found = {row.slug: row for row in rows}
    for slug in wanted.keys() - found.keys():
        offer = wanted[slug]
        found[slug] = _row(offer.name, _title(offer), is_coded=False)
    return [found[slug] for slug in wanted]


# -- codes of one customer ----------------------------------------------------------------------
def give(code: OfferedCode) -> str:
    """Make a voucher for one customer's code; return its key."""
    row = Promotion.objects.select_related("campaign").filter(name=code.name).first()
    title = _title(detached(row)) if row is not None else code.name
    shown = codes.spaced(code.code)
    with transaction.atomic():
        offer = _row(code.name, title, is_coded=True)
        # Two customers at once: the first makes the set.
        ours().select_for_update().get(pk=offer.pk)
        voucher = get_model("voucher", "Voucher").objects.create(
            name=f"{title[:100]} {shown}",
            code=shown,
            usage="Single use",
            start_datetime=timezone.now(),
            end_datetime=code.expires_at,
            voucher_set=_set_of(offer, title, code.expires_at),
        )
        voucher.offers.add(offer)
    return str(voucher.pk)


def take_away(shop_ref: str) -> bool:
    """Make a voucher of ours count no more; one that an order has used stays, and has ended."""
    if not (shop_ref.isascii() and shop_ref.isdigit() and len(shop_ref) < 20):
        return False
    if int(shop_ref) > MAX_KEY:
        return False
    voucher = _vouchers().filter(pk=int(shop_ref)).first()
    if voucher is None:
        return False
    if voucher.applications.exists():
        voucher.end_datetime = timezone.now()
        voucher.save(update_fields=["end_datetime"])
    else:
        voucher.delete()
    return True


def count_again(order: Any) -> None:
    """Let codes count again that a cancelled order had used: Oscar takes them for used up."""
    applications = get_model("voucher", "VoucherApplication").objects.filter(order=order)
    keys = [str(key) for key in applications.values_list("voucher", flat=True)]
    open_again = Grant.objects.filter(
        shop_ref__in=keys, used_at__isnull=True, revoked_at__isnull=True
    ).values_list("shop_ref", flat=True)
    applications.filter(voucher__in=[int(key) for key in open_again if key]).delete()


# -- codes for all ------------------------------------------------------------------------------
def meant(typed: str, channel: str) -> str:
    """
    Return the code of the voucher that somebody means who types a code of ours in any spelling.

    The voucher of a code for all is made by whoever types it first.
    """
    if get_model("voucher", "Voucher").objects.filter(code=typed).exists():
        return typed
    plain = codes.normalised(typed)
    offer = next((one for one in running.all_of(channel) if plain and one.code == plain), None)
    if offer is None:
        return codes.spaced(plain) if codes.spaced(plain) != plain else typed
    ensure(offer)
    return offer.code


def ensure(offer: RunningOffer) -> None:
    """Make the voucher of a code for all, unless the shop has one of this code itself."""
    title = _title(offer)
    vouchers = get_model("voucher", "Voucher").objects
    with transaction.atomic():
        row = _row(offer.name, title, is_coded=True)
        ours().select_for_update().get(pk=row.pk)
        values = {
            "name": _free(vouchers, title, row.slug, 128),
            "usage": "Multi-use",
            "start_datetime": offer.starts_at or timezone.now(),
            "end_datetime": offer.ends_at or NEVER,
        }
        voucher, is_new = vouchers.get_or_create(code=offer.code, defaults=values)
        if is_new:
            voucher.offers.add(row)
    follow(offer)


def follow(offer: RunningOffer) -> None:
    """Tell a voucher for all when its offer ends: a merchant may have changed that."""
    end = offer.ends_at or NEVER
    for voucher in _vouchers().filter(code=offer.code, usage="Multi-use"):
        if voucher.end_datetime != end:
            voucher.end_datetime = end
            voucher.save(update_fields=["end_datetime"])


# -- taken out again ----------------------------------------------------------------------------
def counted() -> tuple[int, int]:
    """Return how many offers and vouchers of Oscar's are ours."""
    return ours().count(), _vouchers().count()


def drop_expired(*, at: datetime) -> int:
    """Delete the vouchers of ours that have ended and that no order has used; return how many."""
    rows = _vouchers().filter(end_datetime__lt=at, applications__isnull=True)
    keys = list(rows.values_list("pk", flat=True))
    get_model("voucher", "Voucher").objects.filter(pk__in=keys).delete()
    return len(keys)


def clear() -> None:
    """Delete every row of Oscar's that we have made; orders keep what they say of them."""
    with transaction.atomic():
        sets = get_model("voucher", "VoucherSet").objects.filter(vouchers__offers__in=ours())
        set_keys = list(sets.distinct().values_list("pk", flat=True))
        keys = list(_vouchers().values_list("pk", flat=True))
        get_model("voucher", "Voucher").objects.filter(pk__in=keys).delete()
        get_model("voucher", "VoucherSet").objects.filter(
            pk__in=set_keys, vouchers__isnull=True
        ).delete()
        ours().delete()
        get_model("offer", "Condition").objects.filter(proxy_class=CONDITION).delete()
        get_model("offer", "Benefit").objects.filter(proxy_class=BENEFIT).delete()
        Grant.objects.filter(shop_ref__in=[str(key) for key in keys]).update(shop_ref="")


def _vouchers() -> QuerySet[Any]:
    rows = get_model("voucher", "Voucher").objects
    found: QuerySet[Any] = rows.filter(offers__in=ours()).distinct()
    return found


def _title(offer: RunningOffer) -> str:
    return offer.title(settings.LANGUAGE_CODE)


def _row(name: str, title: str, *, is_coded: bool) -> Any:
    model = get_model("offer", "ConditionalOffer")
    found = ours().filter(slug=slug_of(name)).first()
    if found is not None:
        return found
    with override(settings.LANGUAGE_CODE):
        words = gettext("Belongs to a campaign under Engagement, and is changed there.")
    values = {
        "name": _free(model._base_manager, title, slug_of(name), 128),
        "description": words,
        "offer_type": model.VOUCHER if is_coded else model.SESSION,
        "status": model.SUSPENDED,
        "exclusive": False,
        "priority": PRIORITY,
        "condition": _part("Condition", CONDITION),
        "benefit": _part("Benefit", BENEFIT),
    }
    return model._base_manager.get_or_create(slug=slug_of(name), defaults=values)[0]


def _part(model: str, path: str) -> Any:
    """Return the one row of a class of ours."""
    rows = get_model("offer", model).objects
    return rows.filter(proxy_class=path).order_by("pk").first() or rows.create(proxy_class=path)


def _set_of(offer: Any, title: str, until: datetime) -> Any:
    """Return the set in which the vouchers of an offer are kept together, one more by now."""
    rows = get_model("voucher", "VoucherSet").objects
    found = rows.filter(vouchers__offers=offer).first()
    if found is None:
        return rows.create(
            name=_free(rows, title, offer.slug, 100),
            count=1,
            description=offer.description,
            start_datetime=timezone.now(),
            end_datetime=until,
        )
    latest = max(found.end_datetime, until)
    rows.filter(pk=found.pk).update(count=F("count") + 1, end_datetime=latest)
    return found


def _free(rows: Any, wanted: str, slug: str, longest: int) -> str:
    """Return a name that no other row has."""
    name = wanted[:longest]
    if not rows.filter(name=name).exists():
        return name
    mark = f" ({slug.removeprefix(PREFIX)[:12]})"
    return name[: longest - len(mark)] + mark
