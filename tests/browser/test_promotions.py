"""An offer in a real browser: what is reported of it, once; and the pages behind it."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from engagement.flows.collecting import identity
from engagement.flows.deciding import activating, choosing, learning
from engagement.models import Decision, DecisionPoint
from tests import deciding, promoting
from tests.browser.conftest import DESKTOP, PHONE, SCREENSHOTS
from tests.browser.test_admin import ARE_DRAWN, clerk  # noqa: F401
from tests.othershop.catalogue import make_visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = {
    "en": {
        "title": "A tenth off your cart",
        "text": "Today and tomorrow, on everything.",
        "button": "See what is new",
        "terms": "Once a customer.",
    }
}


def look(page, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


@pytest.fixture
def offered(transactional_db):
    """A visitor who has been drawn the offer; returns the visitor's key."""
    now = timezone.now()
    deciding.make_point("cart.offer", kind=DecisionPoint.Kind.OFFERS, arms=[])
    promoting.promotion(
        "ten",
        code_kind="personal",
        texts=WORDS,
        url="/sale/",
        of=promoting.campaign(started_at=now),
    )
    for _ in range(60):
        key = identity.new_key()
        make_visitor(key)
        choice = choosing.choose("cart.offer", shopper=promoting.shopper(key, at=now), at=now)
        if choice:
            return key
    raise AssertionError("Nobody was drawn the offer")


@pytest.fixture
def page(chrome, live_server, offered):
    context = chrome.new_context(base_url=live_server.url, viewport=DESKTOP)
    cookie = {"name": "engagement_visitor", "value": identity._signer().sign(offered)}
    context.add_cookies([{**cookie, "url": live_server.url}])
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "console", lambda line: line.type in ("error", "warning") and page.errors.append(line.text)
    )
    yield page
    context.close()
    assert page.errors == []


def until(found, seconds=20.0):
    limit = time.monotonic() + seconds
    while not found() and time.monotonic() < limit:
        time.sleep(0.1)
    return found()


@pytest.mark.urls("tests.browser.promotion_pages")
@pytest.mark.parametrize("url", ["/", "/lazy/"])
def test_an_offer_is_reported_seen_and_clicked_once(page, offered, url):
    def row():
        return Decision.objects.get(visitor__key=offered)

    page.goto(url)
    page.get_by_role("heading", name="A tenth off your cart").wait_for()
    assert until(lambda: row().shown_at)
    assert row().clicked_at is None
    seen = row().shown_at
    # The same offer on the next page is no news, and no complaint.
    page.goto(url)
    page.get_by_role("heading", name="A tenth off your cart").wait_for()
    page.wait_for_timeout(3500)
    page.get_by_role("link", name="See what is new").click()
    page.wait_for_url("**/sale/")

    assert until(lambda: row().clicked_at)
    assert row().shown_at == seen
    assert Decision.objects.filter(visitor__key=offered).count() == 1


@pytest.mark.urls("tests.browser.promotion_pages")
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_card_fits_the_page(page, viewport):
    page.set_viewport_size(viewport)
    page.goto("/")
    card = page.locator("[data-engagement-promotion]")

    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= viewport["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    look(page, f"promotion-{viewport['width']}")


@pytest.fixture
def point(transactional_db):
    rng = np.random.default_rng(1)
    point = deciding.make_point(window_hours=1)
    deciding.make_decisions(
        point,
        700,
        lambda arm, known: 0.45 if arm == "popular" else 0.2 - 0.1 * known["phone"],
        rng=rng,
        since=timezone.now() - timedelta(hours=20),
    )
    learning.learn(point, at=timezone.now())
    version = deciding.make_version(point, deciding.LOGISTIC, {"floor": 0.05})
    activating.evaluate(version, at=timezone.now(), rng=rng)
    return point


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_pages_of_the_admin_fit_and_their_charts_are_drawn(clerk, point, viewport):  # noqa: F811
    clerk.set_viewport_size(viewport)
    decision = Decision.objects.latest("pk")
    version = point.versions.get(name="v2")
    for name, pk, charts in (
        ("decisionpoint_change", point.pk, 2),
        ("policyversion_change", version.pk, 1),
        ("policyversion_activate", version.pk, 1),
        ("decision_change", decision.pk, 1),
    ):
        clerk.open(name, pk)
        clerk.wait_for_function(ARE_DRAWN, arg=charts)
        look(clerk, f"{name}-{viewport['width']}")
        wide = clerk.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"], name
    clerk.get_by_role("link", name="Make the decision again").click()
    clerk.get_by_text("Made again: the same chances.").wait_for()
    look(clerk, f"decision-again-{viewport['width']}")
