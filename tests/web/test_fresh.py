"""What has just happened is known to the next answer, without any training."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from engagement.flows.collecting import identity, visitors
from engagement.flows.importing.catalogue import sync_items
from engagement.models import Event, Item
from tests.othershop.catalogue import make_book
from tests.serving import place, visitor
from tests.web.conftest import BROWSER

SHELF = "/engagement/recommendations/home.for_you/"


def keys(answer):
    assert answer.status_code == 200, answer.content
    return [item["key"] for item in answer.json()["items"]]


def tell(browser, event, key, **fields):
    body = [{"event": event, "items": [{"item_id": key}], **fields}]
    answer = browser.post("/engagement/events/", json.dumps(body), content_type="application/json")
    assert answer.json()["accepted"] == 1, answer.json()


def test_a_click_decides_about_the_next_answer(shop, browser):
    before = keys(browser.get(SHELF, {"n": 1}))

    tell(browser, "view_item", "dune")
    after_dune = keys(browser.get(SHELF, {"n": 1}))
    tell(browser, "add_to_cart", "emma")
    after_emma = keys(browser.get(SHELF, {"n": 1}))

    assert (before, after_dune, after_emma) == (["emma"], ["ubik"], ["orlando"])


def test_hiding_holds_at_once_and_for_ever(shop, browser):
    tell(browser, "view_item", "dune")
    assert "ubik" in keys(browser.get(SHELF))

    tell(browser, "hide_item", "ubik")
    assert "ubik" not in keys(browser.get(SHELF))

    # Years later, after many other events.
    Event.objects.update(event_time=timezone.now().replace(year=2020))
    for _ in range(5):
        tell(browser, "view_item", "solaris")
    assert "ubik" not in keys(browser.get(SHELF))


def test_hiding_survives_signing_in(shop, browser, django_user_model):
    tell(browser, "view_item", "dune")
    tell(browser, "hide_item", "ubik")
    reader = django_user_model.objects.create_user("reader")

    browser.force_login(reader)
    # What the receiver of user_logged_in does with the browser's cookie.
    visitors.link(visitor(browser.key, customer_key=identity.customer_key(str(reader.pk), "")))
    assert "ubik" not in keys(browser.get(SHELF))
    tell(browser, "view_item", "dune")
    # Another device, on which nothing was hidden.
    del browser.cookies["engagement_visitor"]

    assert "ubik" not in keys(browser.get(SHELF))


@pytest.mark.parametrize(
    "url",
    ["/engagement/recommendations/home.new_arrivals/", "/engagement/shelves/home.new_arrivals/"],
)
def test_a_new_item_is_shown_after_the_next_synchronisation(shop, browser, url):
    assert b"the-waves" not in browser.get(url).content

    make_book("The Waves", genre="Novels")
    sync_items(channel="", at=timezone.now())

    assert b"the-waves" in browser.get(url).content


def test_a_new_item_may_be_explored_after_the_next_synchronisation(shop, browser):
    Item.objects.update(created_at=timezone.now().replace(year=2020))
    place("home.trending", strategies=["trending"], exploration=0.5, n=4)
    url = "/engagement/recommendations/home.trending/"
    assert "the-waves" not in keys(browser.get(url))

    make_book("The Waves", genre="Novels")
    sync_items(channel="", at=timezone.now())

    found = set()
    for _ in range(12):
        client = Client(headers={"user-agent": BROWSER})
        client.cookies["engagement_visitor"] = identity._signer().sign(identity.new_key())
        found |= set(keys(client.get(url)))
    assert "the-waves" in found
