"""Offers in Oscar: vouchers of its own and its applicator, told by campaigns of ours."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.db import connection, connections
from django.test import RequestFactory, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from oscar.apps.order.exceptions import UnableToPlaceOrder
from oscar.core.loading import get_class, get_model
from oscar.test import factories

from engagement.adapters import get_adapter
from engagement.contrib.oscar.adapter import OscarAdapter
from engagement.contrib.oscar.offers import OscarOffers
from engagement.current_request import serving
from engagement.flows.promotions import granting, offers, steering
from engagement.flows.promotions.shoppers import shopper_of
from engagement.flows.serving import live
from engagement.flows.serving.visit import person_of_customer
from engagement.models import (
    Campaign,
    DecisionPoint,
    Event,
    EventName,
    Grant,
    Promotion,
    Redemption,
)
from engagement.testing import ShopOffersTests
from tests import deciding
from tests.shops.minioscar import seed
from tests.shops.oscar.walking import Walker

AGENT = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
# As Oscar says it in the English of the United States.
NOT_YOURS = "Your cart does not qualify for a coupon discount"


# -- what every shop with offers has to pass ----------------------------------------------------
class TestOscarOffers(ShopOffersTests):
    offers = OscarOffers

    def fill(self):
        seed.make_country()
        for n, price in enumerate(("12.35", "7.99")):
            seed.make_product(f"Mug {n}", price=Decimal(price), stock=5)

    def browse(self):
        request = a_request()
        request.basket = a_basket(request, *get_model("catalogue", "Product").objects.all())
        return request

    def order(self, request, codes):
        with serving(request):
            for typed in codes:
                voucher = the_voucher(typed)
                if voucher is None:
                    return None
                request.basket.vouchers.add(voucher)
            priced(request)
            if len(request.basket.offer_applications) < len(codes):
                return None
            order = place(request)
        goods = sum(line.line_price_incl_tax for line in order.lines.all())
        assert order.total_incl_tax == goods
        return str(order.number), goods

    def cancel(self, order_ref):
        with TestCase.captureOnCommitCallbacks(execute=True):
            get_model("order", "Order").objects.get(number=order_ref).set_status("Cancelled")


def a_request(user=None):
    request = RequestFactory().post("/", headers=AGENT)
    request.user = user or AnonymousUser()
    request.session = {}
    return request


def a_basket(request, *products, n=2):
    owner = request.user if request.user.is_authenticated else None
    basket = get_model("basket", "Basket").objects.create(owner=owner)
    basket.strategy = get_class("partner.strategy", "Selector")().strategy(request=request)
    for product in products:
        basket.add_product(product, n)
    return basket


def the_voucher(typed):
    """The voucher that Oscar finds for what somebody types."""
    form = get_class("basket.forms", "BasketVoucherForm")({"code": typed})
    assert form.is_valid()
    rows = get_model("voucher", "Voucher").objects
    return rows.filter(code=form.cleaned_data["code"]).first()


def priced(request):
    get_class("offer.applicator", "Applicator")().apply(request.basket, request.user, request)


def place(request):
    basket = request.basket
    method = get_class("shipping.methods", "Free")()
    charge = method.calculate(basket)
    calculator = get_class("checkout.calculators", "OrderTotalCalculator")(request)
    return get_class("order.utils", "OrderCreator")().place_order(
        basket=basket,
        total=calculator.calculate(basket, charge),
        shipping_method=method,
        shipping_charge=charge,
        user=request.user,
        order_number=get_class("order.utils", "OrderNumberGenerator")().order_number(basket),
        request=request,
    )


# -- what customers see -------------------------------------------------------------------------
def make_offer(name="welcome", **fields):
    """A tenth off with a code for each customer, of a campaign that runs."""
    campaign = Campaign.objects.create(
        name=f"{name} campaign",
        currency="EUR",
        status=Campaign.Status.RUNNING,
        started_at=timezone.now() - timedelta(days=1),
    )
    values = {
        "kind": Promotion.Kind.PERCENTAGE,
        "value": 10,
        "code_kind": Promotion.CodeKind.PERSONAL,
        "texts": {"en": {"title": "A tenth off for you"}},
        **fields,
    }
    row = Promotion.objects.create(campaign=campaign, name=name, **values)
    live.forget()
    return row


def give(offer, user):
    """Give an offer to a customer; return what the card would show."""
    at = timezone.now()
    who = shopper_of(person_of_customer(str(user.pk), get_adapter().get_channel()), at=at)
    return granting.grant(offers.detached(offers.rows(pk=offer.pk).get()), shopper=who, at=at)


class Customer(Walker):
    """Somebody who has an account and a basket."""

    def __init__(self, email):
        super().__init__()
        self.register(email)
        self.user = get_user_model().objects.get(email=email)

    def type_code(self, code):
        return self.post(reverse("basket:vouchers-add"), {"code": code}, "code")

    def basket(self):
        return self.get(reverse("basket:summary"), "basket")


@pytest.fixture
def ann(shop):
    return Customer("ann@example.org")


@pytest.fixture
def bob(shop):
    return Customer("bob@example.org")


def test_the_chosen_customer_pays_less_once_and_nobody_else_does(shop, ann, bob):
    code = give(make_offer(), ann.user).shown_code
    ann.add(shop.teapot)
    bob.add(shop.teapot)

    # However it is spelled.
    shown = ann.type_code(code.lower().replace("-", " "))
    refused = bob.type_code(code)
    ann.check_out()
    bob.check_out()

    assert f"Coupon '{code}' added to cart" in shown
    assert f"A tenth off for you ({code})" in shown
    assert NOT_YOURS in refused
    totals = {order.user_id: order.total_incl_tax for order in shop.orders()}
    assert totals == {ann.user.pk: Decimal("21.60"), bob.user.pk: Decimal("24.00")}
    used = Redemption.objects.get()
    assert (used.discount, used.grant.code) == (Decimal("2.40"), code.replace("-", ""))
    # Events carry what was paid before offers.
    bought = Event.objects.filter(event=EventName.PURCHASE, order_ref=used.order_ref)
    assert [event.value for event in bought] == [Decimal("24.00")]

    ann.add(shop.mug)
    assert "This coupon has already been used" in ann.type_code(code)


@pytest.fixture
def parcel(monkeypatch):
    """Delivery costs 5, and free delivery is what offers give."""
    fixed = get_class("shipping.methods", "FixedPrice")
    methods = (fixed(charge_excl_tax=Decimal(5), charge_incl_tax=Decimal(5)),)
    monkeypatch.setattr(get_class("shipping.repository", "Repository"), "methods", methods)
    return {"kind": Promotion.Kind.FREE_SHIPPING, "value": None}


def paid(order):
    return order.basket_total_incl_tax, order.shipping_incl_tax


def test_free_delivery_is_taken_off_the_delivery_and_counted_with_the_order(shop, ann, bob, parcel):
    code = give(make_offer(**parcel), ann.user).shown_code
    for customer in (ann, bob):
        customer.add(shop.teapot)
        customer.type_code(code)
        customer.check_out()

    orders = {order.user_id: order for order in shop.orders()}
    assert paid(orders[ann.user.pk]) == (Decimal(24), Decimal(0))
    assert paid(orders[bob.user.pk]) == (Decimal(24), Decimal(5))
    noted = orders[ann.user.pk].discounts.get()
    assert (noted.category, noted.amount) == (noted.SHIPPING, Decimal(5))
    used = Redemption.objects.get()
    assert (used.order_ref, used.discount, used.cost) == (
        str(orders[ann.user.pk].number),
        Decimal(5),
        Decimal(5),
    )
    assert used.grant.used_at is not None


def test_delivery_is_paid_for_as_far_as_the_offer_says(shop, ann, parcel):
    give(make_offer(**parcel, max_discount=3, code_kind=Promotion.CodeKind.AUTOMATIC), ann.user)
    ann.add(shop.teapot)

    ann.check_out()

    assert [paid(order) for order in shop.orders()] == [(Decimal(24), Decimal(2))]
    assert Redemption.objects.get().discount == 3


def test_a_delivery_beyond_the_budget_is_paid_for_and_the_order_placed(shop, ann, parcel):
    offer = make_offer(**parcel, code_kind=Promotion.CodeKind.AUTOMATIC)
    Campaign.objects.update(budget=8)
    live.forget()
    for _ in range(2):
        give(offer, ann.user)
        ann.add(shop.teapot)
        ann.check_out()

    assert sorted(order.shipping_incl_tax for order in shop.orders()) == [0, 5]
    offer.campaign.refresh_from_db()
    assert offer.campaign.spent == 5


def test_free_delivery_where_delivery_is_free_stays_for_another_order(shop, ann):
    offer = make_offer(kind=Promotion.Kind.FREE_SHIPPING, value=None)
    code = give(offer, ann.user).shown_code
    ann.add(shop.teapot)
    ann.type_code(code)

    ann.check_out()

    assert [paid(order) for order in shop.orders()] == [(Decimal(24), Decimal(0))]
    assert not Redemption.objects.exists()
    assert Grant.objects.get().used_at is None


def test_a_cancelled_order_gives_the_code_back(shop, ann):
    offer = make_offer()
    code = give(offer, ann.user).shown_code
    ann.add(shop.teapot)
    ann.type_code(code)
    ann.check_out()

    (order,) = shop.orders()
    order.set_status("Cancelled")

    offer.refresh_from_db()
    assert (offer.n_redeemed, offer.spent) == (0, 0)
    ann.add(shop.mug)
    assert f"Coupon '{code}' added to cart" in ann.type_code(code)


def test_a_code_ends_when_the_card_says(shop, ann):
    code = give(make_offer(), ann.user).shown_code
    past = timezone.now() - timedelta(minutes=1)
    get_model("voucher", "Voucher").objects.filter(code=code).update(
        start_datetime=past - timedelta(days=1), end_datetime=past
    )
    ann.add(shop.mug)

    assert f"The '{code}' coupon has expired" in ann.type_code(code)


def test_a_grant_that_is_over_counts_no_more_in_a_basket_that_has_its_code(shop, ann):
    code = give(make_offer(), ann.user).shown_code
    ann.add(shop.teapot)
    ann.type_code(code)
    Grant.objects.update(
        granted_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
    )

    assert "24.00" in ann.basket()
    ann.check_out()

    (order,) = shop.orders()
    assert order.total_incl_tax == 24
    assert not Redemption.objects.exists()


def test_a_campaign_that_has_ended_takes_its_codes_away(shop, ann):
    offer = make_offer()
    code = give(offer, ann.user).shown_code
    assert steering.end(offer.campaign, at=timezone.now())
    ann.add(shop.mug)

    assert f"No coupon found with code '{code}'" in ann.type_code(code)


@pytest.mark.parametrize("typed", ["BCDF-GHJK-MNPQ-RT", "welcome", "ENGAGEMENT-1", "' OR 1=1 --"])
def test_a_made_up_code_is_none(shop, ann, typed):
    give(make_offer(), ann.user)
    ann.add(shop.mug)

    assert "No coupon found with code" in ann.type_code(typed)


def test_what_needs_no_code_is_taken_off_for_whom_it_was_given_to(shop, ann, bob):
    offer = make_offer(code_kind=Promotion.CodeKind.AUTOMATIC)
    give(offer, ann.user)
    for customer in (ann, bob):
        customer.add(shop.teapot)

    assert "A tenth off for you" in ann.basket()
    assert "A tenth off for you" not in bob.basket()
    ann.check_out()
    bob.check_out()

    totals = {order.user_id: order.total_incl_tax for order in shop.orders()}
    assert totals == {ann.user.pk: Decimal("21.60"), bob.user.pk: Decimal("24.00")}
    # It was given once.
    ann.add(shop.teapot)
    assert "A tenth off for you" not in ann.basket()


def test_a_code_for_all_is_read_in_any_spelling_by_guests_too(shop):
    make_offer(code_kind=Promotion.CodeKind.SHARED, code="SPRING26", max_redemptions=1)
    for n, total in enumerate(("21.60", "24.00")):
        guest = Customer.__new__(Customer)
        Walker.__init__(guest)
        guest.add(shop.teapot)
        text = guest.type_code("spring 26")
        guest.check_out(guest=f"guest{n}@example.org")

        assert ("Coupon 'SPRING26' added" in text) == (n == 0)
        assert shop.orders()[0].total_incl_tax == Decimal(total)


def test_offers_of_some_are_on_no_public_page(shop, ann):
    give(make_offer(), ann.user)
    give(make_offer("own", code_kind=Promotion.CodeKind.AUTOMATIC), ann.user)
    ann.add(shop.mug)
    assert "A tenth off for you" in ann.basket()

    stranger = Walker()
    rows = get_model("offer", "ConditionalOffer").objects.all()

    assert len(rows) == 2
    assert "A tenth off" not in stranger.get(reverse("offer:list"))
    for row in rows:
        assert stranger.client.get(row.get_absolute_url()).status_code == 404
    assert "tenth off" not in stranger.get(shop.mug.get_absolute_url())


def test_oscars_dashboard_shows_what_was_made(shop, ann, admin_client):
    give(make_offer(), ann.user)
    give(make_offer("own", code_kind=Promotion.CodeKind.AUTOMATIC), ann.user)
    ann.add(shop.mug)
    ann.basket()
    (of_codes, _own) = get_model("offer", "ConditionalOffer").objects.order_by("pk")
    (kept,) = get_model("voucher", "VoucherSet").objects.all()
    (voucher,) = kept.vouchers.all()

    for name, pk in (
        ("offer-list", None),
        ("offer-detail", of_codes.pk),
        ("offer-condition", of_codes.pk),
        ("offer-benefit", of_codes.pk),
        ("voucher-list", None),
        ("voucher-set-list", None),
        ("voucher-set-detail", kept.pk),
        ("voucher-stats", voucher.pk),
    ):
        url = reverse(f"dashboard:{name}", kwargs={"pk": pk} if pk else {})
        assert admin_client.get(url).status_code == 200, name
    assert kept.name == "A tenth off for you"


def test_an_offer_of_the_shops_own_stays_its_own(shop, ann):
    rings = factories.RangeFactory(includes_all_products=True)
    factories.ConditionalOfferFactory(
        name="Engagement rings",
        benefit=factories.BenefitFactory(range=rings, type="Percentage", value=50),
        condition=factories.ConditionFactory(range=rings, type="Count", value=1),
    )
    assert get_model("offer", "ConditionalOffer").objects.get().slug == "engagement-rings"
    ann.add(shop.teapot)

    call_command("engagement_oscar_offers", clear=True)

    assert "12.00" in ann.basket()
    assert get_model("offer", "ConditionalOffer").objects.count() == 1


def test_n_for_m_and_variants_take_off_the_cheapest(shop, ann):
    offer = make_offer(
        kind=Promotion.Kind.N_FOR_M,
        value=None,
        buy_n=3,
        pay_m=2,
        code_kind=Promotion.CodeKind.AUTOMATIC,
    )
    give(offer, ann.user)
    for size in shop.shirt.children.all():
        ann.add(size)
    ann.add(shop.teapot)
    ann.check_out()

    # 12 + 12 + 24: one shirt is free.
    (order,) = shop.orders()
    assert order.total_incl_tax == 36
    assert sum(line.line_price_incl_tax for line in order.lines.all()) == 36


def test_nobody_pays_more_for_having_an_offer(shop, ann):
    """Half off everything is the shop's own, and goes with nothing else."""
    everything = factories.RangeFactory(includes_all_products=True)
    factories.ConditionalOfferFactory(
        name="Half off",
        benefit=factories.BenefitFactory(range=everything, type="Percentage", value=50),
        condition=factories.ConditionFactory(range=everything, type="Count", value=1),
    )
    code = give(make_offer(), ann.user).shown_code
    ann.add(shop.teapot)

    assert NOT_YOURS in ann.type_code(code)
    ann.check_out()

    (order,) = shop.orders()
    assert order.total_incl_tax == 12
    assert not Redemption.objects.exists()


def test_a_policy_shows_its_offer_on_the_basket_page_where_one_click_takes_it(shop, ann):
    make_offer(placements=["cart.offer"])
    point = DecisionPoint.objects.create(name="cart.offer")
    deciding.go_live(deciding.make_version(point, "tests.deciding.Eager"))
    ann.add(shop.teapot)

    text = ann.basket()
    (code,) = re.findall(r'name="code" value="([^"]+)"', text)
    assert "A tenth off for you" in text
    assert f"Coupon '{code}' added to cart" in ann.type_code(code)
    taken = ann.basket()
    assert "In your basket" in taken
    assert "Use this code" not in taken
    ann.check_out()

    (order,) = shop.orders()
    assert order.total_incl_tax == Decimal("21.60")
    assert Redemption.objects.get().grant.decision_key


def test_a_page_with_a_basket_asks_nothing_more_for_an_offer_that_runs(shop, ann, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 3600}
    ann.add(shop.mug)

    def n_queries():
        for _ in range(2):
            ann.get(shop.teapot.get_absolute_url())
        with CaptureQueriesContext(connection) as asked:
            ann.get(shop.teapot.get_absolute_url())
        return len(asked)

    before = n_queries()
    make_offer(code_kind=Promotion.CodeKind.AUTOMATIC)

    assert n_queries() <= before


# -- when it goes wrong -------------------------------------------------------------------------
def test_an_offer_that_runs_out_between_two_clicks_stores_no_order(shop, ann):
    offer = make_offer()
    code = give(offer, ann.user).shown_code
    request = a_request(ann.user)
    request.basket = a_basket(request, shop.teapot)
    with serving(request):
        request.basket.vouchers.add(the_voucher(code))
        priced(request)
        Promotion.objects.filter(pk=offer.pk).update(is_active=False)

        with pytest.raises(UnableToPlaceOrder, match="not available at the moment"):
            place(request)

    assert shop.orders() == []
    assert Grant.objects.get().used_at is None


@pytest.mark.parametrize(
    "broken", ["tills.quote", "tills.shopper_of", "vouchers.rows_of", "tills.redeeming.use"]
)
def test_what_breaks_costs_the_offer_and_no_order(shop, ann, monkeypatch, broken):
    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    give(make_offer(code_kind=Promotion.CodeKind.AUTOMATIC), ann.user)
    monkeypatch.setattr(f"engagement.contrib.oscar.{broken}", fail)
    ann.add(shop.teapot)

    ann.check_out()

    assert len(shop.orders()) == 1


@pytest.mark.parametrize("question", ["offers", "item_key", "get_channel", "get_customer"])
def test_an_adapter_that_fails_costs_a_code_at_most_and_no_order(shop, ann, monkeypatch, question):
    code = give(make_offer(), ann.user).shown_code
    ann.add(shop.teapot)
    ann.type_code(code)

    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(OscarAdapter, question, fail)
    ann.check_out()

    (order,) = shop.orders()
    n_used = Redemption.objects.count()
    assert order.total_incl_tax == (Decimal("21.60") if n_used else 24)


def test_tables_that_are_not_there_cost_the_code_in_a_basket_and_no_order(shop, ann):
    code = give(make_offer(), ann.user).shown_code
    ann.add(shop.teapot)
    ann.type_code(code)
    tables = [name for name in connection.introspection.table_names() if "engagement" in name]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table}" RENAME TO "gone_{table}"')

    ann.check_out()

    (order,) = shop.orders()
    assert order.total_incl_tax == 24


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time")
@pytest.mark.parametrize("kind", ["personal", "automatic"])
def test_an_offer_is_used_once_however_many_order_at_once(shop, ann, kind):
    offer = make_offer(code_kind=kind)
    code = give(offer, ann.user).shown_code
    barrier = threading.Barrier(4)
    placed, refused = [], []

    def order():
        try:
            request = a_request(ann.user)
            request.basket = a_basket(request, shop.teapot, n=1)
            with serving(request):
                if code:
                    request.basket.vouchers.add(the_voucher(code))
                priced(request)
                assert request.basket.total_incl_tax == Decimal("21.60")
                barrier.wait(60)
                placed.append(place(request).total_incl_tax)
        except (UnableToPlaceOrder, ValueError) as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=order) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert placed == [Decimal("21.60")]
    assert len(refused) == 3
    assert [order.total_incl_tax for order in shop.orders()] == placed
    assert Redemption.objects.count() == 1


def test_vouchers_that_ended_unused_can_be_deleted(shop, ann, bob, capsys):
    offer = make_offer()
    used, open_one = (give(offer, one.user).shown_code for one in (ann, bob))
    ann.add(shop.teapot)
    ann.type_code(used)
    ann.check_out()
    give(make_offer("short"), bob.user)
    past = timezone.now() - timedelta(days=1)
    rows = get_model("voucher", "Voucher").objects
    rows.exclude(code=open_one).update(start_datetime=past, end_datetime=past)

    call_command("engagement_oscar_offers", expired=True)

    assert "1 vouchers deleted" in capsys.readouterr().out
    assert set(rows.values_list("code", flat=True)) == {used, open_one}


# -- taken out again ----------------------------------------------------------------------------
def test_everything_that_was_made_in_oscar_can_be_taken_out(shop, ann, capsys):
    code = give(make_offer(), ann.user).shown_code
    give(make_offer("own", code_kind=Promotion.CodeKind.AUTOMATIC), ann.user)
    ann.add(shop.teapot)
    ann.type_code(code)
    models = [
        get_model(*name.split("."))
        for name in (
            "offer.ConditionalOffer",
            "offer.Condition",
            "offer.Benefit",
            "voucher.Voucher",
            "voucher.VoucherSet",
        )
    ]
    assert all(model.objects.exists() for model in models)

    call_command("engagement_oscar_offers", clear=True)

    assert "2" in capsys.readouterr().out
    assert not any(model.objects.exists() for model in models)
    assert "24.00" in ann.basket()
