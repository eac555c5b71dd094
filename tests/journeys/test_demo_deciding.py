"""A visitor of the demonstration shop is made an offer, takes it, and the shop learns from it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from engagement.flows.deciding import learning
from engagement.flows.serving import live
from engagement.models import Decision, DecisionPoint, EventName, Grant, PolicyState
from shop_demo.seeding import points
from tests import deciding, promoting
from tests.journeys.test_demo_shop import order, put, sign_in
from tests.othershop.catalogue import make_item


@pytest.fixture(autouse=True)
def mirror(shop):
    """The catalogue as the app knows it, with what each product costs."""
    for product in shop.values():
        make_item(
            product.name,
            external_id=str(product.pk),
            price=product.price,
            attributes={"cost": str(product.price / 2)},
        )


@pytest.fixture
def offers(shop):
    now = timezone.now()
    for name in ("tenth", "fifth"):
        promoting.promotion(
            name,
            code_kind="personal",
            placements=["cart.offer"],
            of=promoting.campaign(f"of-{name}", currency="USD", started_at=now),
        )
    points.save(now)
    live.forget()


def agree(client):
    client.post(reverse("engagement:consent"), {"consent": "yes", "next": "/"})


def token(page):
    found = re.search(r'data-engagement-promotion="([^"]*)"', page)
    return found.group(1) if found else ""


def test_from_the_card_to_what_is_learnt(shop, offers, client, django_capture_on_commit_callbacks):
    point = DecisionPoint.objects.get(name="cart.offer")
    deciding.go_live(deciding.make_version(point, "tests.deciding.Eager"))
    with django_capture_on_commit_callbacks(execute=True):
        sign_in(client, 1)
        agree(client)
    put(client, shop[101], 2)
    page = client.get(reverse("cart")).content.decode()
    again = client.get(reverse("cart")).content.decode()
    assert token(page) == token(again) != ""
    decision = Decision.objects.get(point=point)
    grant = Grant.objects.get(decision_key=decision.key.hex)
    event = {"event": "select_promotion", "promotion_id": token(page)}

    told = client.post(
        reverse("engagement:events"), json.dumps([event]), content_type="application/json"
    )
    client.post(reverse("add_code"), {"code": grant.code})
    with django_capture_on_commit_callbacks(execute=True):
        order(client)
    learning.learn(point, at=timezone.now() + timedelta(days=2))

    assert told.json()["accepted"] == 1
    decision.refresh_from_db()
    off = (2 * shop[101].price / 10).quantize(Decimal("0.01"))
    assert decision.clicked_at
    assert decision.orders == 1
    assert decision.cost == off
    assert decision.revenue == 2 * shop[101].price - off
    assert decision.reward == pytest.approx(float(shop[101].price - off), abs=0.01)
    assert PolicyState.objects.get().n == 1
    assert decision.visitor.event_set.filter(event=EventName.SELECT_PROMOTION).exists()


def test_a_fresh_shop_lets_a_policy_decide_at_its_places(shop, client):
    first, again = points.save(timezone.now()), points.save(timezone.now())

    assert (first, again) == (2, 0)
    for name in ("home.offer", "cart.offer"):
        assert DecisionPoint.objects.get(name=name).activations.count() == 1
