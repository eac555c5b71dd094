"""Shelves asked for again are answered at once: the same as the first time, and never too late."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engagement.api import plain
from engagement.flows.collecting import tokens
from engagement.flows.serving import answers, live
from engagement.models import Event, EventName, Item, Visitor
from tests.othershop.catalogue import make_event, make_visitor
from tests.othershop.models import Book
from tests.serving import go_live, pairs, place, visitor
from tests.web.conftest import BROWSER

HOME = "/engagement/recommendations/home.for_you/"
SIMILAR = "/engagement/recommendations/product.similar/"


@pytest.fixture(autouse=True)
def shared_cache(settings, tmp_path):
    """A cache that all processes share."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(tmp_path),
        }
    }


@pytest.fixture
def slowly(monkeypatch):
    """Ask as if every question needed REST framework."""

    def ask(browser, url, *args, **kwargs):
        with monkeypatch.context() as patch:
            patch.setattr(plain, "is_plain", lambda request: False)
            patch.setattr(answers, "name_of", lambda *args: None)
            return browser.get(url, *args, **kwargs)

    return ask


@pytest.fixture
def filled(monkeypatch):
    """How often a shelf was filled in the ordinary way."""
    from engagement.flows.serving import recommend

    calls = []
    choose = recommend.choose
    monkeypatch.setattr(recommend, "choose", lambda *args: (calls.append(args), choose(*args))[1])
    return calls


def keys(response):
    assert response.status_code == 200, response.content
    return [item["key"] for item in response.json()["items"]]


def but_its_id(response):
    return {**response.json(), "recommendation_id": ""}


def without_id(response):
    """The bytes of an answer but for the id, which is as long each time."""
    return response.content.replace(response.json()["recommendation_id"].encode(), b"", 1)


def headers(response):
    return {name.lower(): value for name, value in response.headers.items()}


QUESTIONS = [
    (HOME, {}),
    (HOME, {"n": 2}),
    (HOME, {"n": "2", "category": "Novels"}),
    (HOME, {"exclude": ["emma", "ulysses"]}),
    (SIMILAR, {"item": "emma"}),
    (SIMILAR, {"item": "Emma & Söhne"}),
    ("/engagement/recommendations/cart.complete_the_set/", {"cart": ["emma", "dune"]}),
    ("/engagement/recommendations/home.recently_viewed/", {}),
    ("/engagement/recommendations/home.new_arrivals/", {"n": 3}),
    ("/engagement/recommendations/home.buy_again/", {}),
]


@pytest.mark.parametrize(("known", "language"), [(True, "en"), (False, "en"), (True, "zh-hans")])
def test_both_ways_give_the_same_answer(shop, browser, did, slowly, known, language):
    did(EventName.VIEW_ITEM, "emma")
    did(EventName.PURCHASE, "dune")
    who = browser if known else Client(headers={"user-agent": BROWSER})
    wanted = {"accept-language": language}

    for url, asked in QUESTIONS:
        slow = slowly(who, url, asked, headers=wanted)
        first, again = who.get(url, asked, headers=wanted), who.get(url, asked, headers=wanted)

        assert but_its_id(slow) == but_its_id(first) == but_its_id(again)
        assert headers(slow) == headers(first) == headers(again)
        assert without_id(slow) == without_id(first) == without_id(again)


SPECIAL = [
    {"n": "many"},
    {"n": 0},
    {"item": "x" * 200},
    {"items": "emma"},
    {"explain": 1},
    {"explain": 0},
    {"format": "json"},
    {"format": "xml"},
    {"customer": "42"},
    {"item": "a\0b"},
]


def test_special_and_wrong_questions_too(shop, browser, did, slowly):
    did(EventName.VIEW_ITEM, "emma")

    for asked in SPECIAL:
        slow, other = slowly(browser, HOME, asked), browser.get(HOME, asked)

        assert slow.status_code == other.status_code
        assert headers(slow) == headers(other)
        if slow.status_code == 200:
            assert without_id(slow) == without_id(other)
        else:
            assert slow.content == other.content


UNUSUAL = [
    ("get", HOME, {"accept": "application/json; indent=4"}),
    ("get", HOME, {"accept": "text/html"}),
    ("get", HOME, {"accept": "*/*"}),
    ("get", HOME, {"authorization": "Basic bm9ib2R5Om5vYm9keQ=="}),
    ("get", HOME, {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}),
    ("get", "/engagement/recommendations/home.nowhere/", {}),
    ("head", HOME, {}),
    ("options", HOME, {}),
    ("post", HOME, {}),
    ("delete", HOME, {}),
]


def test_what_is_unusual_is_answered_as_ever(shop, browser, monkeypatch):
    usual = [getattr(browser, one)(url, headers=wanted) for one, url, wanted in UNUSUAL]
    monkeypatch.setattr(plain, "is_plain", lambda request: False)
    slow = [getattr(browser, one)(url, headers=wanted) for one, url, wanted in UNUSUAL]

    for one, other in zip(usual, slow, strict=True):
        assert one.status_code == other.status_code
        assert headers(one) == headers(other)
        assert len(one.content) == len(other.content)


def test_what_is_asked_again_is_not_filled_again(shop, browser, did, filled):
    did(EventName.VIEW_ITEM, "emma")

    first, again = browser.get(HOME), browser.get(HOME)

    assert len(filled) == 1
    assert but_its_id(first) == but_its_id(again)


def test_two_questions_to_the_database_are_enough(shop, browser, did, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 60}
    did(EventName.VIEW_ITEM, "emma")
    browser.get(HOME)

    with CaptureQueriesContext(connection) as queries:
        browser.get(HOME)

    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == 2, "\n\n".join(asked)


def test_each_answer_has_an_id_of_its_own(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")

    ids = [browser.get(HOME).json()["recommendation_id"] for _ in range(4)]

    assert len(set(ids)) == 4
    for one in ids:
        told = tokens.verify(one, person=visitor(browser.key), at=timezone.now())
        assert told.placement == "home.for_you"
        with pytest.raises(tokens.InvalidToken):
            tokens.verify(one, person=visitor("a" + "9" * 32), at=timezone.now())


class TestFreshness:
    """``did`` writes the event as another process would: nothing in this one is told of it."""

    def test_an_event_written_elsewhere_decides_at_once(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "emma")
        before = [keys(browser.get(HOME, {"n": 1})) for _ in range(2)]

        did(EventName.VIEW_ITEM, "dune")
        did(EventName.ADD_TO_CART, "dune")
        after = keys(browser.get(HOME, {"n": 1}))

        assert before == [["orlando"], ["orlando"]]
        assert after == ["ubik"]
        assert keys(browser.get(HOME, {"n": 1})) == after

    def test_one_that_came_late_counts_too(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "dune")
        event = did(EventName.ADD_TO_CART, "emma")
        Event.objects.filter(pk=event.pk).update(event_time=timezone.now() + timedelta(days=1))
        assert keys(browser.get(HOME, {"n": 1})) == ["ubik"]

        Event.objects.filter(pk=event.pk).update(event_time=timezone.now() - timedelta(seconds=1))

        assert keys(browser.get(HOME, {"n": 1})) == ["orlando"]

    def test_what_the_visitor_hides_is_gone_at_once(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "dune")
        assert "ubik" in keys(browser.get(HOME)) + keys(browser.get(HOME))

        did(EventName.HIDE_ITEM, "ubik")

        assert "ubik" not in keys(browser.get(HOME))

    def test_of_a_shelf_that_is_nobodys_too(self, shop, browser, did):
        asked = {"item": "emma"}
        assert "ulysses" in keys(browser.get(SIMILAR, asked)) + keys(browser.get(SIMILAR, asked))

        did(EventName.HIDE_ITEM, "ulysses")

        assert "ulysses" not in keys(browser.get(SIMILAR, asked))

    def test_what_sells_out_is_gone_at_once_and_comes_back(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "emma")
        before = [keys(browser.get(HOME)) for _ in range(2)][-1]

        Book.objects.filter(slug="orlando").update(sold_out=True)
        assert "orlando" not in keys(browser.get(HOME)) + keys(browser.get(HOME))

        Book.objects.update(sold_out=False)
        assert keys(browser.get(HOME)) == before

    def test_a_new_model_answers_at_once(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "emma")
        assert keys(browser.get(HOME, {"n": 1})) == ["orlando"]

        go_live("for_you", pairs(shop, {("emma", "solaris"): 1.0}), shop, at=timezone.now())
        live.forget()

        assert keys(browser.get(HOME, {"n": 1})) == ["solaris"]

    def test_a_changed_placement_holds_at_once(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "emma")
        assert "orlando" in keys(browser.get(HOME)) + keys(browser.get(HOME))

        place(rules=({"action": "hide", "field": "key", "value": "orlando"},))
        live.forget()

        assert "orlando" not in keys(browser.get(HOME))

    def test_a_visitor_who_takes_the_consent_back_is_a_stranger(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "dune")
        assert keys(browser.get(HOME, {"n": 1})) == keys(browser.get(HOME, {"n": 1})) == ["ubik"]

        Visitor.objects.update(consent=False)

        assert keys(browser.get(HOME, {"n": 1})) == ["emma"]

    def test_a_visitor_with_more_events_than_are_read(self, shop, browser, did, settings, filled):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HISTORY_EVENTS": 2}
        for key in ("emma", "emma", "emma"):
            did(EventName.VIEW_ITEM, key)
        # The first time only tells that the question is asked again.
        answers_ = [keys(browser.get(HOME, {"n": 1})) for _ in range(3)]
        assert answers_ == [["orlando"]] * 3
        assert len(filled) == 2

        did(EventName.VIEW_ITEM, "dune")
        did(EventName.VIEW_ITEM, "dune")

        assert keys(browser.get(HOME, {"n": 1})) == ["ubik"]


def test_nobody_gets_what_was_answered_to_another(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")
    other = Client(headers={"user-agent": BROWSER})
    make_event(make_visitor("a" + "8" * 32), Item.objects.get(key="dune"), at=timezone.now())

    mine = [keys(browser.get(HOME, {"n": 1})) for _ in range(2)]
    others = [keys(other.get(HOME, {"n": 1})) for _ in range(2)]

    assert mine == [["orlando"]] * 2
    assert others == [["emma"]] * 2


def test_a_shelf_with_new_items_by_chance_is_drawn_as_ever(shop, browser, did, filled):
    place(exploration=0.3)
    did(EventName.VIEW_ITEM, "emma")

    browser.get(HOME)
    browser.get(HOME)

    assert len(filled) == 2


def test_without_seconds_nothing_is_kept(shop, browser, did, settings, filled):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "SHELF_CACHE_SECONDS": 0}
    did(EventName.VIEW_ITEM, "emma")

    assert keys(browser.get(HOME)) == keys(browser.get(HOME))
    assert len(filled) == 2


def test_a_process_keeps_the_latest_answers_only(shop, browser, did, monkeypatch, filled):
    monkeypatch.setattr(answers, "MOST", 2)
    did(EventName.VIEW_ITEM, "emma")

    for n in (1, 2, 3, 1):
        browser.get(HOME, {"n": n})
    assert len(filled) == 4
    assert len(answers._kept) == 2

    browser.get(HOME, {"n": 3})
    assert len(filled) == 4


def test_those_who_ask_too_often_are_refused_as_ever(shop, browser, slowly, settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDATION_RATE": "3/min"}
    monkeypatch.setattr("engagement.api.throttling.time.time", lambda: 1_000_000_060.0)

    # Both ways count for the same.
    served = [browser.get(HOME), slowly(browser, HOME), browser.get(HOME)]
    refused = [browser.get(HOME), slowly(browser, HOME)]

    assert [one.status_code for one in served] == [200, 200, 200]
    assert [one.status_code for one in refused] == [429, 429]
    assert refused[0].content == refused[1].content
    assert headers(refused[0]) == headers(refused[1])
    assert refused[0]["Retry-After"] == "20"


def test_who_is_refused_is_not_counted_twice(shop, browser, settings, monkeypatch):
    from engagement.api import throttling

    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDATION_RATE": "1/min"}
    counted = []
    monkeypatch.setattr(throttling, "_counted", lambda *args: counted.append(args) or len(counted))

    for _ in range(3):
        browser.get(HOME)

    assert len(counted) == 3


def test_a_way_to_sign_in_of_the_shops_own_is_asked(shop, browser, monkeypatch):
    """It may look at anything, so that no question is plain any more."""
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.settings import api_settings

    class ByCookie(BaseAuthentication):
        asked = 0

        def authenticate(self, request):
            type(self).asked += 1

    monkeypatch.setattr(api_settings, "DEFAULT_AUTHENTICATION_CLASSES", [ByCookie])

    assert browser.get(HOME).status_code == 200
    assert ByCookie.asked == 1


def test_the_answer_is_json_that_can_be_read(shop, browser, did):
    Item.objects.filter(key="orlando").update(title='Or"lan\u2028do')
    did(EventName.VIEW_ITEM, "emma")

    titles = [json.loads(browser.get(HOME).content)["items"][0]["title"] for _ in range(2)]

    assert titles == ['Or"lan\u2028do'] * 2
