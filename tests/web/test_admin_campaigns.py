"""Campaigns as the shop's people make, start and watch them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagement.flows.promotions import granting, redeeming
from engagement.models import Campaign, Promotion, VisitorProfile
from tests import promoting
from tests.othershop.catalogue import make_item, make_visitor

pytestmark = pytest.mark.django_db

ADD = "admin:engagement_campaign_add"
CHANGE = "admin:engagement_campaign_change"
# What a browser sends of an empty offer, and what a tenth off needs beside it.
OFFER = {
    "name": "tenth",
    "kind": "percentage",
    "is_active": "on",
    "value": "10",
    "scope": "cart",
    "cost": "0",
    "texts_en_title": "A tenth off",
    "placements": "cart.offer",
    "code_kind": "automatic",
    "grant_days": "14",
    "priority": "0",
}


def form(*offers, **fields):
    data = {
        "name": "spring",
        "priority": "0",
        "pacing": "none",
        "currency": "EUR",
        "promotions-TOTAL_FORMS": str(len(offers)),
        "promotions-INITIAL_FORMS": "0",
        **fields,
    }
    for n, offer in enumerate(offers):
        data |= {f"promotions-{n}-{name}": value for name, value in {**OFFER, **offer}.items()}
    return {name: value for name, value in data.items() if value is not None}


def said(page):
    """The messages beside the fields."""
    found = page.context["errors"]
    return " ".join(str(one) for one in found)


def test_a_campaign_is_made_with_its_offers_and_started(admin_client):
    made = admin_client.post(reverse(ADD), form({"texts_zh_hans_title": "九折"}, budget="100"))
    row = Campaign.objects.get()
    page = admin_client.get(reverse(CHANGE, args=[row.pk])).content.decode()
    started = admin_client.post(
        reverse("admin:engagement_campaign_start", args=[row.pk]), follow=True
    )

    assert made.status_code == 302
    offer = Promotion.objects.get()
    assert offer.texts == {"en": {"title": "A tenth off"}, "zh-hans": {"title": "九折"}}
    assert (offer.value, offer.placements, offer.channel) == (10, ["cart.offer"], "")
    assert 'value="100"' in page
    assert "Before it can start" not in page
    assert "It runs" in started.content.decode()
    row.refresh_from_db()
    assert row.status == "running"


def test_what_keeps_a_campaign_from_starting_is_said_before_and_when_one_tries(admin_client):
    row = promoting.campaign(status="draft", started_at=None)

    page = admin_client.get(reverse(CHANGE, args=[row.pk])).content.decode()
    tried = admin_client.post(
        reverse("admin:engagement_campaign_start", args=[row.pk]), follow=True
    )

    assert "It needs an offer." in page
    assert "It needs an offer." in tried.content.decode()
    row.refresh_from_db()
    assert row.status == "draft"


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        ({"value": ""}, "Say how many per cent"),
        ({"value": "101"}, "Say how many per cent"),
        ({"kind": "amount", "value": ""}, "Say how much is taken off"),
        ({"kind": "n_for_m", "buy_n": "2", "pay_m": "2"}, "take 3, pay for 2"),
        ({"kind": "bundle", "value": "", "scope_keys": "dune"}, "two items or more"),
        ({"kind": "bundle", "value": "", "scope_keys": "dune\nemma"}, "one of the two"),
        ({"kind": "gift"}, "Say which item is given"),
        ({"kind": "gift", "gift_key": "mug"}, "no item mug to give"),
        ({"scope": "items"}, "Name the items"),
        ({"scope": "items", "scope_keys": "dune\nnone"}, "no item with the key none"),
        ({"scope": "category", "scope_keys": "Poetry"}, "No item lies in the category Poetry"),
        ({"code_kind": "shared", "code": "a"}, "three letters or digits"),
        ({"code_kind": "shared", "code": "ta ken"}, "Another offer has this code"),
        ({"audience": "ordrs > 2"}, "did you mean “orders”? (character 1)"),
        ({"audience": 'category("Novel") > 0.2'}, "did you mean “Novels”? (character 1)"),
        ({"placements": "cart"}, "write page.slot"),
        ({"url": "javascript:alert(1)"}, "Write an address of the shop"),
        (
            {
                "starts_at_0": "2026-03-02",
                "starts_at_1": "10:00",
                "ends_at_0": "2026-03-02",
                "ends_at_1": "09:00",
            },
            "It would end before it starts",
        ),
    ],
)
def test_an_offer_that_makes_no_sense_is_refused_with_the_reason(admin_client, offer, message):
    make_item("Dune", category="Novels")
    make_item("Emma", category="Novels")
    promoting.promotion("taken", code_kind="shared", code="TAKEN")

    page = admin_client.post(reverse(ADD), form(offer))

    assert page.status_code == 200
    assert message in said(page)
    assert not Campaign.objects.filter(name="spring").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"budget": "10", "currency": ""}, "A budget needs a currency"),
        ({"pacing": "even"}, "To spend evenly it has to be known"),
        ({"audience": "orders > 'x'"}, "“orders” is a number"),
        ({"budget": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused_with_the_reason(admin_client, fields, message):
    page = admin_client.post(reverse(ADD), form({}, **fields))

    assert message in said(page)


def test_what_belongs_to_another_kind_is_not_kept(admin_client):
    leftovers = {"set_price": "9", "buy_n": "3", "pay_m": "2", "code": "OLD", "scope_keys": "x"}

    admin_client.post(reverse(ADD), form(leftovers))

    offer = Promotion.objects.get()
    assert (offer.set_price, offer.buy_n, offer.code, offer.scope_keys) == (None, None, "", [])


def test_what_was_promised_stays_once_the_campaign_has_run(admin_client):
    row = promoting.campaign()
    offer = promoting.promotion(of=row)
    data = form({"id": str(offer.pk), "campaign": str(row.pk), "value": "90", "name": "other"})
    data |= {"promotions-INITIAL_FORMS": "1", "promotions-0-texts_en_title": "New words"}

    answer = admin_client.post(reverse(CHANGE, args=[row.pk]), data)

    offer.refresh_from_db()
    assert answer.status_code == 302
    assert (offer.value, offer.name) == (10, "tenth")
    assert offer.texts["en"]["title"] == "New words"


def test_a_budget_cannot_be_cut_below_what_is_spent(admin_client):
    row = promoting.campaign(budget=Decimal(50), spent=Decimal("20.500"))
    data = form(budget="20")

    page = admin_client.post(reverse(CHANGE, args=[row.pk]), data)

    assert "20.5 of it is spent already" in said(page)


def test_a_rule_says_whom_it_fits_while_it_is_typed(admin_client):
    today = timezone.localdate()
    for n in range(4):
        VisitorProfile.objects.create(
            visitor=make_visitor(f"a{n:032x}"),
            until=today,
            first_day=today,
            last_day=today,
            n_orders=n,
            last_order_day=today if n else None,
        )
    url = reverse("admin:engagement_campaign_audience")

    fits = admin_client.get(url, {"rule": ["orders >= 1", "orders < 3"]}).json()
    wrong = admin_client.get(url, {"rule": "orders >"}).json()

    assert fits == {"ok": True, "said": "Fits 2 of 4 visitors known (50.0 %).", "n": 2, "of": 4}
    assert (wrong["ok"], wrong["position"]) == (False, 9)


def test_a_running_campaign_shows_what_it_spends(admin_client):
    at = timezone.now()
    row = promoting.campaign(
        budget=Decimal(40),
        pacing="even",
        started_at=at - timedelta(days=3),
        starts_at=at - timedelta(days=3),
        ends_at=at + timedelta(days=7),
    )
    offer = promoting.running(code_kind="personal", of=row)
    who = promoting.shopper(at=at)
    code = granting.grant(offer, shopper=who, at=at - timedelta(hours=1)).code
    who = promoting.shopper(at=at)
    redeeming.redeem(who.cart, [code], shopper=who, order_ref="N1", at=at)

    page = admin_client.get(reverse(CHANGE, args=[row.pk])).content.decode()
    lists = {
        name: admin_client.get(reverse(f"admin:engagement_{name}_changelist")).content.decode()
        for name in ("campaign", "promotion", "grant", "redemption")
    }
    found = admin_client.get(reverse("admin:engagement_grant_changelist"), {"q": code.lower()})

    assert "2.00 EUR of 40.00 EUR" in page
    assert "5.0 % of the budget is spent." in page
    assert 'data-eng-chart="eng-spending"' in page
    assert "what the time allows" in page
    assert "2.00 EUR of 40.00 EUR" in lists["campaign"]
    assert "Tenth" in lists["promotion"]
    assert "N1" in lists["redemption"]
    assert found.context["cl"].result_count == 1


@pytest.mark.parametrize("act", ["pause", "end"])
def test_a_campaign_is_paused_and_ended_by_those_who_may(admin_client, django_user_model, act):
    row = promoting.campaign()
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(
        Permission.objects.get(content_type__app_label="engagement", codename="view_campaign")
    )
    looking = Client()
    looking.force_login(reader)
    url = reverse(f"admin:engagement_campaign_{act}", args=[row.pk])

    assert looking.post(url).status_code == 403
    assert looking.get(reverse(CHANGE, args=[row.pk])).status_code == 200
    assert Client().post(url).status_code == 302
    assert admin_client.get(url).status_code == 405
    row.refresh_from_db()
    assert row.status == "running"
    admin_client.post(url)
    row.refresh_from_db()
    assert row.status == {"pause": "paused", "end": "ended"}[act]
