"""Many orders at the same moment: the last use goes to one, and budgets hold to the cent."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections, transaction
from django.db.models import Sum

from engagement.flows.promotions import granting, redeeming
from engagement.flows.promotions.refusals import OfferRefused
from engagement.models import Campaign, Grant, Promotion, Redemption
from tests import promoting
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_visitor

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

LATER = MONDAY + timedelta(hours=1)


def together(acts):
    """Run ``acts`` in a thread each, from the same moment on; return answers and refusals."""
    gate = threading.Barrier(len(acts))

    def run(act):
        try:
            gate.wait(timeout=60)
            with transaction.atomic():
                return act()
        except OfferRefused as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result(timeout=120) for one in [pool.submit(run, act) for act in acts]]


def visitors(n):
    keys = [f"a{number:032x}" for number in range(n)]
    for key in keys:
        make_visitor(key)
    return [promoting.shopper(key) for key in keys]


def orders(shoppers, *codes, per_shopper=1, name="N"):
    return [
        lambda who=who, ref=f"{name}{i}-{j}": redeeming.redeem(
            who.cart, codes, shopper=who, order_ref=ref, at=LATER
        )
        for i, who in enumerate(shoppers)
        for j in range(per_shopper)
    ]


def winners(answers):
    return [one for one in answers if not isinstance(one, str)]


def test_the_last_use_goes_to_exactly_one():
    promoting.running(code_kind="shared", code="LAST", max_redemptions=1)

    answers = together(orders(visitors(20), "last"))

    assert len(winners(answers)) == 1
    assert answers.count("cap") == 19
    assert Redemption.objects.count() == Promotion.objects.get().n_redeemed == 1


def test_fifty_at_once_never_exceed_the_budget_nor_the_cap():
    budget = promoting.campaign(budget=Decimal("31.00"), max_redemptions=40)
    promoting.running("two", code_kind="shared", code="TWO", of=budget)
    promoting.running("five", kind="amount", value=5, code_kind="shared", code="FIVE", of=budget)
    people = visitors(50)

    answers = together(orders(people[:25], "two") + orders(people[25:], "five", name="M"))

    row = Campaign.objects.get()
    sums = Redemption.objects.aggregate(cost=Sum("cost"))
    # Neither 2.00 nor 5.00 more would have fitted for those who were refused at the end.
    assert Decimal("26.00") < row.spent <= Decimal("31.00")
    assert row.spent == sums["cost"] == sum(Promotion.objects.values_list("spent", flat=True))
    assert row.n_redeemed == Redemption.objects.count() == len(winners(answers))
    assert set(answers) - set(winners(answers)) == {"budget"}


def test_a_code_of_ones_own_is_used_once_by_two_browsers():
    offer = promoting.running(code_kind="personal")
    (who,) = visitors(1)
    code = granting.grant(offer, shopper=who, at=MONDAY).code

    answers = together(orders([who], code, per_shopper=8))

    assert len(winners(answers)) == 1
    assert answers.count("used") == 7
    assert Redemption.objects.count() == 1


def test_uses_per_customer_hold_at_the_same_moment():
    promoting.running(code_kind="shared", code="ALL", max_per_visitor=2)
    (who,) = visitors(1)

    answers = together(orders([who], "all", per_shopper=8))

    assert len(winners(answers)) == 2
    assert answers.count("used") == 6


def test_one_order_sent_often_uses_its_offers_once():
    promoting.running(code_kind="shared", code="ALL")
    (who,) = visitors(1)

    def order():
        return redeeming.redeem(who.cart, ["all"], shopper=who, order_ref="N1", at=LATER).discount

    answers = together([order] * 8)

    assert set(answers) == {Decimal("2.00")}
    assert Campaign.objects.get().spent == Decimal("2.000")


def test_offers_of_two_campaigns_do_not_wait_for_each_other():
    for name in ("a", "b", "c"):
        promoting.running(name, code_kind="shared", code=name.upper(), stacks=True)
    people = visitors(24)

    answers = together(
        orders(people[:12], "a", "b", "c") + orders(people[12:], "c", "b", "a", name="M")
    )

    assert len(winners(answers)) == 24
    assert Redemption.objects.count() == 72


def test_a_visitor_gets_one_grant_on_many_pages():
    offer = promoting.running(code_kind="personal")
    (who,) = visitors(1)

    answers = together([lambda: granting.grant(offer, shopper=who, at=MONDAY).code] * 8)

    assert len(set(answers)) == 1
    assert Grant.objects.count() == 1


def test_a_cancelled_order_gives_back_once():
    promoting.running(code_kind="shared", code="ALL")
    (who,) = visitors(1)
    redeeming.redeem(who.cart, ["all"], shopper=who, order_ref="N1", at=LATER)

    answers = together([lambda: redeeming.reverse(channel="", order_ref="N1", at=LATER)] * 8)

    assert sorted(answers) == [0] * 7 + [1]
    assert Campaign.objects.get().spent == 0
    assert Campaign.objects.get().n_redeemed == Promotion.objects.get().n_redeemed == 0
