"""Which offer a visitor gets, what is written down of it, and what happens where parts are dead."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from engagement.flows.deciding import choosing, keeping, replaying, settling
from engagement.flows.promotions import eligibility, granting, redeeming
from engagement.flows.serving import live
from engagement.models import (
    Campaign,
    Decision,
    DecisionPoint,
    EventName,
    Grant,
    Promotion,
)
from tests import deciding, promoting, serving
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_item, make_visitor

pytestmark = pytest.mark.django_db
PLACE = "cart.offer"
HOUR = timedelta(hours=1)


def make_point(**fields):
    fields = {"kind": DecisionPoint.Kind.OFFERS, "arms": [], "reward": "conversion", **fields}
    return deciding.make_point(PLACE, **fields)


def shopper(n=1, **fields):
    key = f"a{n:032x}"
    make_visitor(key)
    return promoting.shopper(key, **fields)


def choose(who, *, at=MONDAY, **fields):
    return choosing.choose(PLACE, shopper=who, at=at, **fields)


def test_offers_and_none_are_drawn_and_each_is_given():
    make_point()
    promoting.promotion("ten", code_kind="personal")
    promoting.promotion("banner", kind="message")

    choices = [choose(shopper(n)) for n in range(30)]

    assert {one.arm for one in choices} == {"", "banner", "ten"}
    by_arm = {one.arm: one for one in choices}
    assert not by_arm[""]
    assert by_arm["banner"].title == "Banner"
    assert by_arm["banner"].code == ""
    assert by_arm["ten"].code
    assert by_arm["ten"].expires_at > MONDAY
    assert [one.propensity for one in choices] == pytest.approx([1 / 3] * 30)
    given = Grant.objects.count()
    assert given == sum(one.arm == "ten" for one in choices)
    keys = set(Grant.objects.values_list("decision_key", flat=True))
    assert keys == {row.key.hex for row in Decision.objects.filter(arm="ten")}
    row = Decision.objects.filter(arm="ten")[0]
    assert row.arms == ["", "banner", "ten"]
    assert row.context["cart_items"] > 0


def test_a_decision_can_be_replayed():
    make_point(backend=deciding.LOGISTIC)
    promoting.promotion("ten")
    choose(shopper())

    assert replaying.replay(Decision.objects.get()).matches


def test_the_same_again_while_it_holds_with_the_same_code():
    make_point(hold_minutes=60)
    promoting.promotion("ten", code_kind="personal")
    promoting.promotion("five", kind="amount", value=5, code_kind="personal")
    people = [shopper(n) for n in range(12)]

    first = [choose(who) for who in people]
    again = [choose(shopper(n), at=MONDAY + HOUR / 2) for n in range(12)]

    for one, same in zip(first, again, strict=True):
        assert (one.arm, one.code, one.token) == (same.arm, same.code, same.token)
    assert Decision.objects.count() == 12


def test_an_offer_that_may_not_be_shown_any_more_is_not_kept():
    make_point()
    row = promoting.promotion("ten", code_kind="personal")
    people = [shopper(n) for n in range(8)]
    lucky = [n for n, who in enumerate(people) if choose(who).arm == "ten"]
    Campaign.objects.update(status="paused")
    live.forget()

    assert {choose(shopper(n), at=MONDAY + HOUR / 2).arm for n in lucky} == {""}
    assert Decision.objects.count() == 8 + len(lucky)
    assert row.grants.count() == len(lucky)


def test_only_what_is_for_this_visitor_can_be_drawn():
    make_point()
    promoting.promotion("old", audience="orders >= 1")
    promoting.promotion("elsewhere", placements=["home.banner"])
    promoting.promotion("large", min_spend=Decimal(500))

    choose(shopper())

    assert Decision.objects.get().arms == [""]


def test_a_place_without_a_point_is_none():
    promoting.promotion("ten")

    assert choose(shopper()) is None
    deciding.make_point("home.for_you")
    assert choosing.choose("home.for_you", shopper=shopper(), at=MONDAY) is None


@pytest.mark.parametrize("held", [True, False])
def test_who_is_held_out_or_has_not_agreed_gets_what_everybody_gets(held, settings):
    make_point()
    promoting.promotion("ten", code_kind="personal")
    promoting.promotion("spring", code_kind="shared", code="SPRING", is_for_everybody=True)
    if held:
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 1.0}
        who = shopper()
    else:
        who = promoting.shopper("", may_store=False, refusal="no_consent")

    choice = choose(who)

    assert choice.arm == "spring"
    assert choice.code == "SPRING"
    assert choice.token == ""
    assert choice.variant == ("holdout" if held else "")
    assert not Decision.objects.exists()
    assert not Grant.objects.exists()


def test_without_a_policy_nothing_is_decided():
    DecisionPoint.objects.create(name=PLACE)
    promoting.promotion("ten")

    choice = choose(shopper())

    assert not choice
    assert not Decision.objects.exists()


# -- what breaks ----------------------------------------------------------------------------
def broken(*args, **kwargs):
    raise OperationalError("the database is gone")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (eligibility, "eligible"),
        (granting, "grant"),
        (keeping, "last"),
        (keeping, "write"),
        (keeping, "visitor_of"),
    ],
)
def test_what_breaks_costs_the_offer_and_not_the_page(module, name, monkeypatch, caplog):
    make_point()
    promoting.promotion("ten", code_kind="personal")
    promoting.promotion("spring", code_kind="shared", code="SPRING", is_for_everybody=True)
    people = [shopper(n) for n in range(6)]
    monkeypatch.setattr(module, name, broken)

    choices = [choose(who) for who in people]

    assert all(choice is not None for choice in choices)
    assert all(not choice.token for choice in choices) or name == "grant"
    assert Decision.objects.filter(arm="ten").count() == 0
    assert "Nothing can be decided" in caplog.text


def test_a_broken_policy_leaves_what_everybody_gets():
    make_point(backend="tests.deciding.Broken")
    promoting.promotion("spring", code_kind="shared", code="SPRING", is_for_everybody=True)

    assert choose(shopper()).arm == "spring"
    assert not Decision.objects.exists()


def test_a_dead_cache_changes_nothing_that_a_visitor_sees(settings):
    make_point()
    promoting.promotion("ten", code_kind="personal")
    settings.CACHES = {"default": {"BACKEND": "tests.web.test_faults.DeadCache"}}

    first = [choose(shopper(n)) for n in range(6)]
    again = [choose(shopper(n), at=MONDAY + HOUR / 2) for n in range(6)]

    assert [one.code for one in first] == [one.code for one in again]
    assert Decision.objects.count() == 6


def test_an_offer_that_is_gone_since_it_was_looked_at_is_drawn_anew(monkeypatch):
    make_point()
    promoting.promotion("ten", code_kind="personal")
    real = granting.grant

    def gone(offer, **kwargs):
        raise granting.CannotGrant(offer.name)

    monkeypatch.setattr(granting, "grant", gone)
    choices = [choose(shopper(n)) for n in range(6)]
    monkeypatch.setattr(granting, "grant", real)

    assert {choice.arm for choice in choices} == {""}
    assert set(Decision.objects.values_list("propensity", flat=True)) == {0.5, 1.0}


def test_a_decision_costs_a_fixed_number_of_queries(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 60}
    make_point()
    for n in range(8):
        promoting.promotion(f"banner{n}", kind="message")
    live.state()
    who = shopper()

    def ask():
        with CaptureQueriesContext(connection) as queries:
            choose(who)
        return [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]

    fresh, held = ask(), ask()

    # Eligibility asks about uses and caps. The visitor's id is not remembered in a transaction.
    assert len(fresh) <= 2 + 1 + 2, "\n\n".join(fresh)
    assert len(held) <= 2 + 1, "\n\n".join(held)
    assert sum("INSERT" in sql for sql in fresh) == 1
    Decision.objects.update(arm="")
    caches["default"].clear()
    assert len(ask()) <= 2


# -- what comes of it -----------------------------------------------------------------------
def test_margin_is_net_of_what_the_offer_cost():
    point = make_point(reward="margin", window_hours=24)
    promoting.promotion("ten", code_kind="personal", cost=Decimal("0.50"))
    item = make_item("Dune", price=10, attributes={"cost": "4"})
    n = next(n for n in range(20) if choose(shopper(n)).arm == "ten")
    who = shopper(n)
    code = Grant.objects.get(visitor__key=who.person.key).code
    redeeming.redeem(who.cart, [code], shopper=who, order_ref="N1", at=MONDAY + HOUR)
    make_event(
        who.person.key, item, at=MONDAY + HOUR, event=EventName.PURCHASE,
        value=Decimal(20), currency="EUR", quantity=2, order_ref="N1",
    )  # fmt: skip

    settling.settle(point, at=MONDAY + 30 * HOUR)

    row = Decision.objects.get(visitor__key=who.person.key)
    assert row.cost == Decimal("2.500")
    # Paid were 20.00 less the tenth.
    assert row.revenue == Decimal("18.000")
    assert row.reward == pytest.approx(2 * 6 - 2.5)
    assert Promotion.objects.get().spent == Decimal("2.500")


def test_consent_is_asked_of_the_stored_answer_as_well():
    make_point()
    promoting.promotion("banner", kind="message")
    who = serving.visitor("a" + "7" * 32)
    make_visitor(who.key, consent=False)

    choice = choosing.choose(PLACE, shopper=promoting.shopper(who.key), at=MONDAY)

    assert choice.token == ""
    assert not Decision.objects.exists()
