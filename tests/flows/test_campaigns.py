"""Campaigns: started when they are ready, paused, ended; what they spent."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engagement.flows.promotions import granting, redeeming, running, spending, steering
from engagement.flows.promotions.pricing import quote
from engagement.models import Campaign, Grant
from tests import promoting
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_item

pytestmark = pytest.mark.django_db

LATER = MONDAY + timedelta(hours=1)


def draft(**fields):
    return promoting.campaign(**{"status": "draft", "started_at": None, **fields})


def refusal(campaign):
    with pytest.raises(steering.CannotStart) as refused:
        steering.start(campaign, at=LATER)
    return str(refused.value)


def test_a_campaign_without_an_offer_cannot_start():
    assert refusal(draft()) == "It needs an offer."


@pytest.mark.parametrize(
    ("campaign", "offer", "message"),
    [
        ({"ends_at": MONDAY}, {}, "Its time is over"),
        ({"currency": ""}, {"kind": "amount", "value": 5}, "it needs a currency"),
        ({"budget": 0}, {}, "Its budget is spent"),
        ({"audience": "ordrs > 2"}, {}, "did you mean “orders”?"),
        ({}, {"audience": "spent >"}, "tenth: The rule"),
        ({}, {"texts": {}}, "tenth: It has no title in any language."),
        ({}, {"kind": "gift", "gift_key": "mug"}, "no item mug to give"),
        ({}, {"scope": "items", "scope_keys": ["dune", "emma"]}, "no item with the key emma"),
        ({}, {"scope": "category", "scope_keys": ["Nove"]}, "No item lies in the category Nove"),
    ],
)
def test_what_is_missing_is_said(campaign, offer, message):
    make_item("Dune", category="Novels > Old")
    row = draft(**campaign)
    promoting.promotion(of=row, **offer)

    assert message in refusal(row)
    assert Campaign.objects.get().status == "draft"


def test_started_paused_started_again_and_ended():
    row = draft()
    promoting.promotion(of=row, code_kind="personal")
    steering.start(row, at=LATER)
    (offer,) = running.offers_of("", "cart.offer")
    who = promoting.shopper()
    code = granting.grant(offer, shopper=who, at=LATER).code
    who = promoting.shopper()

    def reason():
        found = quote(who.cart, [code], shopper=who, at=LATER + timedelta(hours=1))
        return found.refused[0].reason if found.refused else ""

    assert reason() == ""
    assert (steering.pause(row), steering.pause(row)) == (True, False)
    assert running.offers_of("", "cart.offer") == ()
    assert reason() == "paused"
    steering.start(row, at=LATER + timedelta(days=1))
    assert reason() == ""
    assert row.started_at == LATER
    assert steering.end(row, at=LATER + timedelta(hours=1)) is True
    assert steering.end(row, at=LATER + timedelta(hours=1)) is False
    assert reason() == "expired"
    assert Grant.objects.get().revoked_at is not None
    assert "It has ended" in refusal(row)


def test_what_was_spent_is_told_by_day_beside_what_might_have_been():
    row = promoting.campaign(
        budget=Decimal(40),
        pacing="even",
        starts_at=MONDAY,
        ends_at=MONDAY + timedelta(days=10),
    )
    offer = promoting.running(code_kind="shared", code="ALL", of=row)
    promoting.promotion("unused", of=row)
    who = promoting.shopper()
    for day in (0, 2, 2):
        at = MONDAY + timedelta(days=day, hours=1)
        ref = f"N{day}-{Campaign.objects.get().n_redeemed}"
        redeeming.redeem(who.cart, ["all"], shopper=who, order_ref=ref, at=at)
    granting.grant(offer, shopper=who, at=MONDAY)
    row.refresh_from_db()

    found = spending.read(row, at=MONDAY + timedelta(days=3))

    assert found.spent == [2, 2, 6, 6]
    assert found.allowed[-1] == Decimal(12)
    assert list(found.allowed) == sorted(found.allowed)
    first, unused = found.offers
    assert (first.n_given, first.n_open, first.n_used) == (1, 1, 3)
    assert (first.discount, first.cost, unused.n_used) == (6, 6, 0)
