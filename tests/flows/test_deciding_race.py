"""Many decisions at the same moment: caps and budgets hold, and a visitor gets one offer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections, transaction

from engagement.flows.deciding import choosing
from engagement.flows.promotions import redeeming
from engagement.flows.promotions.refusals import OfferRefused
from engagement.models import Campaign, Decision, DecisionPoint, Grant, Promotion, Redemption
from tests import deciding, promoting
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_visitor

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
PLACE = "cart.offer"
LATER = MONDAY + timedelta(hours=1)


def make_point(**fields):
    return deciding.make_point(
        PLACE, kind=DecisionPoint.Kind.OFFERS, arms=[], reward="conversion", **fields
    )


def visitors(n):
    keys = [f"a{number:032x}" for number in range(n)]
    for key in keys:
        make_visitor(key)
    return [promoting.shopper(key) for key in keys]


def together(acts, *, atomic=False):
    """Run ``acts`` in a thread each, from the same moment on; return answers and refusals."""
    gate = threading.Barrier(len(acts))

    def run(act):
        try:
            gate.wait(timeout=60)
            if not atomic:
                return act()
            with transaction.atomic():
                return act()
        except OfferRefused as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result(timeout=120) for one in [pool.submit(run, act) for act in acts]]


def choose(who):
    return choosing.choose(PLACE, shopper=who, at=MONDAY)


def test_fifty_at_once_who_then_order_never_exceed_budget_nor_cap():
    make_point()
    budget = promoting.campaign(budget=Decimal("21.00"), max_redemptions=9)
    promoting.promotion("two", code_kind="personal", of=budget)
    promoting.promotion("five", kind="amount", value=5, code_kind="personal", of=budget)
    people = visitors(50)

    choices = together([lambda who=who: choose(who) for who in people])

    assert Decision.objects.count() == 50
    assert Grant.objects.count() == sum(bool(choice) for choice in choices)
    # With their codes in their hands they are other shoppers than before.
    orders = [
        (promoting.shopper(who.person.key), choice.code)
        for who, choice in zip(people, choices, strict=True)
        if choice
    ]
    together(
        [
            lambda who=who, code=code, n=n: redeeming.redeem(
                who.cart, [code], shopper=who, order_ref=f"N{n}", at=LATER
            )
            for n, (who, code) in enumerate(orders)
        ],
        atomic=True,
    )
    row = Campaign.objects.get()
    assert 0 < row.spent <= Decimal("21.00")
    assert 0 < row.n_redeemed == Redemption.objects.count() <= 9
    assert row.spent == sum(Promotion.objects.values_list("spent", flat=True))


def test_one_visitor_with_many_tabs_gets_one_offer():
    make_point()
    promoting.promotion("two", code_kind="personal")
    promoting.promotion("five", kind="amount", value=5, code_kind="personal")
    (who,) = visitors(1)

    choices = together([lambda: choose(who)] * 12)

    assert len({(choice.arm, choice.code, choice.token) for choice in choices}) == 1
    assert Decision.objects.count() == 1
    assert Grant.objects.count() == (1 if choices[0] else 0)
