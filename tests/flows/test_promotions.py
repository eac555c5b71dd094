"""Offers: given, taken off, used once, taken back — through what a customer or merchant sees."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagement.flows.collecting import exporting, privacy
from engagement.flows.profiles.profile import Profile
from engagement.flows.promotions import eligibility, granting, redeeming, running
from engagement.flows.promotions.pricing import quote
from engagement.flows.promotions.refusals import OfferRefused
from engagement.models import Campaign, Grant, Promotion, Redemption
from engagement.shop_offers import ShopCart, ShopLine, ShopOffers
from engagement.shortcuts import check_offer, redeem_offer, reverse_offer
from tests import promoting
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_reader, make_visitor

pytestmark = pytest.mark.django_db

LATER = MONDAY + timedelta(hours=1)


@pytest.fixture
def reader(db):
    return make_reader("reader")


def give(offer, who, at=MONDAY):
    return granting.grant(offer, shopper=who, decision_key="d1", at=at)


def refused(code, who, at=LATER):
    (one,) = quote(who.cart, [code], shopper=who, at=at).refused
    return one


def test_a_code_of_ones_own_is_given_once_and_takes_a_tenth_off():
    offer = promoting.running(code_kind="personal")
    who = promoting.shopper()

    first = give(offer, who)
    again = give(offer, promoting.shopper(), at=LATER)
    typed = first.shown_code.lower().replace("-", " ")
    found = quote(who.cart, [typed], shopper=promoting.shopper(), at=LATER)

    assert again.code == first.code
    assert found.discount == Decimal("2.00")
    assert found.total == Decimal("18.00")


def test_an_order_uses_an_offer_once_and_its_cancellation_gives_back_once():
    offer = promoting.running(code_kind="personal", of=promoting.campaign(budget=Decimal(5)))
    who = promoting.shopper()
    code = give(offer, who).code
    who = promoting.shopper()

    redeeming.redeem(who.cart, [code], shopper=who, order_ref="N1", at=LATER)
    again = redeeming.redeem(who.cart, [code], shopper=who, order_ref="N1", at=LATER)
    with pytest.raises(OfferRefused) as second:
        redeeming.redeem(who.cart, [code], shopper=who, order_ref="N2", at=LATER)
    spent = Campaign.objects.get().spent
    given_back = [redeeming.reverse(channel="", order_ref="N1", at=LATER) for _ in range(2)]

    assert again.discount == Decimal("2.00")
    assert second.value.code == "used"
    assert spent == Decimal("2.000")
    assert given_back == [1, 0]
    assert Campaign.objects.get().spent == Promotion.objects.get().spent == 0
    assert quote(who.cart, [code], shopper=who, at=LATER).discount == Decimal("2.00")


def test_every_refusal_says_why():
    personal = promoting.running("own", code_kind="personal")
    promoting.running("all", code_kind="shared", code="SPRING", min_spend=Decimal("23.20"))
    who = promoting.shopper()
    code = give(personal, who).code
    who, other = promoting.shopper(), promoting.shopper("a" + "2" * 32)

    assert refused("nonsense", who).reason == "unknown"
    assert refused(code, other).reason == "foreign"
    assert refused(code, who, at=MONDAY + timedelta(days=15)).reason == "expired"
    assert refused("spring", who).message == "Spend 3.20 EUR more, and this offer counts."
    Campaign.objects.filter(name="of-own").update(status="paused")
    assert refused(code, who).reason == "paused"


def test_the_budget_is_never_exceeded():
    offer = promoting.running(code_kind="shared", code="ALL", of=promoting.campaign(budget=3))
    who = promoting.shopper()
    redeeming.redeem(who.cart, ["all"], shopper=who, order_ref="N1", at=LATER)

    with pytest.raises(OfferRefused) as late:
        redeeming.redeem(who.cart, ["all"], shopper=who, order_ref="N2", at=LATER)

    assert late.value.code == "budget"
    assert Redemption.objects.count() == 1
    assert eligibility.eligible([offer], who=who, at=LATER) == {"tenth": "budget"}


def test_offers_run_where_their_campaign_does():
    promoting.running("here", is_for_everybody=True)
    promoting.running("elsewhere", placements=["home.offer"])
    promoting.running("draft", of=promoting.campaign("d", status="draft", started_at=None))
    who = promoting.shopper()

    found = running.offers_of("", "cart.offer")

    assert [offer.name for offer in found] == ["here"]
    assert eligibility.eligible(found, who=who, at=LATER) == {"here": ""}
    assert quote(who.cart, shopper=who, at=LATER).discount == Decimal("2.00")
    assert not Grant.objects.exists()


# -- who may have what ----------------------------------------------------------------------
def reasons(who, *some, at=LATER):
    return list(eligibility.eligible(some, who=who, at=at).values())


def test_a_held_out_visitor_gets_what_is_for_everybody_only(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 1.0}
    own = promoting.running("own", code_kind="personal")
    all_of = promoting.running("all", is_for_everybody=True)

    assert reasons(promoting.shopper(), own, all_of) == ["holdout", ""]


def test_nothing_is_given_to_who_may_not_be_remembered():
    own = promoting.running("own", code_kind="personal")
    who = promoting.shopper("", may_store=False)

    assert reasons(who, own) == ["consent"]
    with pytest.raises(granting.CannotGrant):
        give(own, who)
    assert not Grant.objects.exists()


def test_dates_of_campaign_and_offer_both_hold():
    spring = promoting.campaign(starts_at=MONDAY, ends_at=MONDAY + timedelta(days=9))
    offer = promoting.running(of=spring, starts_at=LATER, ends_at=MONDAY + timedelta(days=20))
    who = promoting.shopper()

    assert reasons(who, offer, at=MONDAY) == ["not_yet"]
    assert reasons(who, offer, at=LATER) == [""]
    assert reasons(who, offer, at=MONDAY + timedelta(days=9)) == ["expired"]
    assert give(offer, who).expires_at == MONDAY + timedelta(days=9)


def test_rules_of_campaign_and_offer_both_hold():
    offer = promoting.running(
        of=promoting.campaign(audience="is_new"), audience="sessions < 5", is_for_everybody=True
    )
    old = replace(promoting.shopper(), profile=Profile(n_orders=3))
    busy = replace(promoting.shopper(), profile=Profile(n_sessions_30d=9))

    assert reasons(promoting.shopper(), offer) == [""]
    assert reasons(old, offer) == reasons(busy, offer) == ["audience"]
    assert quote(old.cart, shopper=old, at=LATER).applied == ()


def test_a_rule_that_cannot_be_read_any_more_lets_nobody_in():
    offer = promoting.running(audience="gone_word > 2")

    assert reasons(promoting.shopper(), offer) == ["audience"]


def test_a_cart_far_from_what_is_asked_is_not_bothered():
    near = promoting.running("near", min_spend=Decimal(30))
    far = promoting.running("far", min_spend=Decimal(50))
    empty = promoting.shopper(cart=promoting.cart())

    assert reasons(promoting.shopper(), near, far) == ["", "min_spend"]
    assert reasons(empty, far) == [""]


def test_eligibility_costs_the_same_for_one_offer_and_for_twenty(django_assert_num_queries):
    spring = promoting.campaign(budget=100)
    offers = [promoting.running(f"o{n}", of=spring, max_per_visitor=1) for n in range(20)]
    give(offers[0], promoting.shopper())
    who = promoting.shopper()

    with django_assert_num_queries(4):
        found = eligibility.eligible(offers, who=who, at=LATER)

    assert set(found.values()) == {""}


def test_what_is_promised_counts_against_the_budget_by_how_much_is_used():
    spring = promoting.campaign(budget=Decimal(10))
    offer = promoting.running(kind="amount", value=2, code_kind="personal", of=spring)
    people = [promoting.shopper(f"a{n:032x}") for n in range(40)]

    def hand_out(at):
        n = 0
        for who in people:
            if reasons(who, offer, at=at) == [""]:
                give(offer, who, at=at)
                n += 1
        return n

    first = hand_out(MONDAY)
    # None of them was used: of those that follow few will be, and more may be promised.
    later = hand_out(MONDAY + timedelta(days=15))

    assert first == 5
    assert later == 25


def test_even_pacing_spends_no_faster_than_time_passes():
    spring = promoting.campaign(
        budget=Decimal(20),
        pacing="even",
        starts_at=MONDAY,
        ends_at=MONDAY + timedelta(days=10),
    )
    offer = promoting.running(kind="amount", value=2, code_kind="shared", code="TWO", of=spring)

    def spend(day):
        n = 0
        while reasons(promoting.shopper(), offer, at=MONDAY + timedelta(days=day)) == [""]:
            who = promoting.shopper(f"a{day:016x}{n:016x}")
            at = MONDAY + timedelta(days=day)
            redeeming.redeem(who.cart, ["two"], shopper=who, order_ref=f"{day}-{n}", at=at)
            n += 1
        return n

    # The first may come at once; then a fifth of the time for a fifth of the money.
    assert [spend(day) for day in (0, 1, 2, 5, 9)] == [1, 0, 1, 3, 4]


def test_uses_per_customer_and_in_all():
    offer = promoting.running(code_kind="shared", code="ALL", max_per_visitor=1, max_redemptions=2)
    one, two, three = (promoting.shopper(f"a{n:032x}") for n in range(3))
    for who in (one, two):
        make_visitor(who.person.key)
    one, two = promoting.shopper(one.person.key), promoting.shopper(two.person.key)

    redeeming.redeem(one.cart, ["all"], shopper=one, order_ref="N1", at=LATER)
    used = refused("all", one)
    redeeming.redeem(two.cart, ["all"], shopper=two, order_ref="N2", at=LATER)

    assert used.reason == "used"
    assert refused("all", three).reason == "cap"
    assert reasons(three, offer) == ["caps"]


def test_what_a_budget_cannot_bear_makes_room_for_what_it_can():
    promoting.running(
        "big", is_for_everybody=True, kind="amount", value=9, of=promoting.campaign(budget=5)
    )
    promoting.running("small", is_for_everybody=True)
    who = promoting.shopper()

    found = quote(who.cart, shopper=who, at=LATER)

    assert [one.name for one in found.applied] == ["small"]
    assert redeeming.redeem(who.cart, shopper=who, order_ref="N1", at=LATER) == found


def test_an_offer_of_ones_own_is_taken_off_by_itself_for_nobody_else():
    offer = promoting.running()
    give(offer, promoting.shopper())

    mine = promoting.shopper()
    other = promoting.shopper("a" + "2" * 32)

    assert quote(mine.cart, shopper=mine, at=LATER).discount == Decimal("2.00")
    assert quote(other.cart, shopper=other, at=LATER).discount == 0
    redeeming.redeem(mine.cart, shopper=mine, order_ref="N1", at=LATER)
    assert quote(mine.cart, shopper=mine, at=LATER).discount == 0


def test_a_code_for_all_closes_what_was_given_of_it():
    offer = promoting.running(code_kind="shared", code="ALL", is_for_everybody=True)
    give(offer, promoting.shopper())
    who = promoting.shopper()

    for order in ("N1", "N2"):
        redeeming.redeem(who.cart, ["all"], shopper=who, order_ref=order, at=LATER)

    grant = Grant.objects.get()
    assert grant.used_at == LATER
    assert [row.grant for row in Redemption.objects.order_by("pk")] == [grant, None]


def test_words_come_in_the_readers_language_and_fall_back():
    texts = {"en": {"title": "A tenth", "button": "Take it"}, "zh-hans": {"title": "九折"}}
    offer = promoting.running(texts=texts)

    assert offer.title("zh-hans") == "九折"
    assert offer.title("fr") == "A tenth"
    assert granting.shown(offer).words == {
        "title": "A tenth",
        "text": "",
        "button": "Take it",
        "terms": "",
    }


# -- what a shop calls ----------------------------------------------------------------------
def test_a_shop_prices_uses_and_takes_back(reader):
    promoting.running(code_kind="shared", code="TEN")
    cart = ShopCart([ShopLine("dune", Decimal("12.50"), 2)], "EUR")

    priced = check_offer(["ten"], customer=reader.pk, cart=cart)
    used = redeem_offer(["ten"], customer=reader.pk, cart=cart, order_ref="N1")
    of_order = redeeming.of_order("", "N1")

    assert (priced.subtotal, priced.discount, priced.total) == (25, Decimal("2.50"), 22.5)
    assert used.discount == of_order.discount == of_order.cost == Decimal("2.50")
    assert [reverse_offer("N1"), reverse_offer("N1")] == [1, 0]
    assert redeeming.of_order("", "N1") == redeeming.Used()
    with pytest.raises(OfferRefused, match="no such code"):
        redeem_offer(["none"], customer=reader.pk, cart=cart, order_ref="N2")


def test_a_shop_without_offers_pays_two_queries_a_cart(reader):
    cart = ShopCart([ShopLine("dune", Decimal("12.50"), 2)], "EUR")
    check_offer(customer=reader.pk, cart=cart)

    # Whether anything changed, and the categories of what is in the cart.
    with CaptureQueriesContext(connection) as asked:
        found = check_offer(customer=reader.pk, cart=cart)

    assert found.total == 25
    assert sum(query["sql"].lstrip("(").startswith("SELECT") for query in asked) == 2


def test_a_broken_adapter_leaves_the_cart_without_offers(settings, reader, monkeypatch):
    promoting.running(is_for_everybody=True)

    def broken(self):
        raise RuntimeError("the shop is being rebuilt")

    monkeypatch.setattr("engagement.adapters.ShopAdapter.offers", broken)

    assert check_offer(["ten"], customer=reader.pk).applied == ()


def test_a_shop_with_vouchers_of_its_own_makes_and_revokes_them(monkeypatch):
    told = []

    class Vouchers(ShopOffers):
        def grant(self, code):
            told.append(code)
            return f"V-{code.code}"

        def revoke(self, shop_ref):
            told.append(shop_ref)
            return True

    monkeypatch.setattr("engagement.adapters.ShopAdapter.offers", lambda self: Vouchers())
    offer = promoting.running(code_kind="personal", min_spend=Decimal(15))
    code = give(offer, promoting.shopper()).code

    privacy.erase(key="a" + "1" * 32)

    assert told[0].code == code
    assert (told[0].kind, told[0].value, told[0].min_spend) == ("percentage", 10, 15)
    assert told[1:] == [f"V-{code}"]


def test_an_erased_visitor_leaves_the_campaigns_cost_and_no_trace():
    offer = promoting.running(code_kind="personal")
    who = promoting.shopper()
    code = give(offer, who).code
    who = promoting.shopper()
    redeeming.redeem(who.cart, [code], shopper=who, order_ref="N1", at=LATER)
    told = exporting.export(key=who.person.key)

    privacy.erase(key=who.person.key)

    assert told["offers"][0]["offer"] == told["used_offers"][0]["offer"] == "tenth"
    row = Redemption.objects.get()
    assert (row.visitor, row.grant, row.cost) == (None, None, Decimal("2.000"))
    assert not Grant.objects.exists()
