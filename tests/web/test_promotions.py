"""The offer of a place over HTTP and in templates."""

import json

import pytest
from django.template import engines
from django.test import Client, RequestFactory
from django.utils import timezone

from engagement.flows.collecting import identity
from engagement.flows.deciding import asking
from engagement.models import Decision, DecisionPoint, Grant
from tests import deciding, promoting
from tests.othershop.catalogue import make_visitor
from tests.web.conftest import BROWSER

pytestmark = pytest.mark.django_db
URL = "/engagement/promotions/cart.offer/"
WORDS = {
    "en": {"title": "A tenth off", "text": "Today", "button": "Take it", "terms": "Once."},
    "zh-hans": {"title": "九折", "text": "今天", "button": "", "terms": ""},
}


@pytest.fixture
def point():
    return deciding.make_point("cart.offer", kind=DecisionPoint.Kind.OFFERS, arms=[])


def render(template, browser=None):
    request = RequestFactory(headers={"user-agent": BROWSER}).get("/")
    if browser is not None:
        request.COOKIES.update({name: one.value for name, one in browser.cookies.items()})
    text = "{% load engagement_promotions %}" + template
    return engines["django"].from_string(text).render({}, request)


def offered(browser, url=URL):
    """Ask as visitor after visitor until one is drawn the offer; return the answer."""
    for _ in range(40):
        answer = browser.get(url)
        told = answer.json() if "json" in answer["Content-Type"] else answer.content.decode()
        if told["promotion"] if isinstance(told, dict) else told.strip():
            return told
        browser.key = identity.new_key()
        browser.cookies["engagement_visitor"] = identity._signer().sign(browser.key)
        make_visitor(browser.key)
    raise AssertionError("Nobody was drawn the offer")


@pytest.fixture
def ten(point):
    return promoting.promotion(
        "ten",
        code_kind="personal",
        texts=WORDS,
        url="/sale/",
        picture="/ten.png",
        of=promoting.campaign(started_at=timezone.now()),
    )


def test_the_answer_says_what_is_shown_and_how_it_came_to_be(ten, browser):
    told = offered(browser)

    grant = Grant.objects.get(visitor__key=browser.key)
    assert told["placement"] == "cart.offer"
    assert told["arm"] == "ten"
    assert told["propensity"] == 0.5
    assert told["variant"] == "policy:v1"
    assert told["promotion"].pop("code").replace("-", "") == grant.code
    assert told["promotion"].pop("expires_at")
    assert told["promotion"] == {
        "name": "ten",
        "title": "A tenth off",
        "text": "Today",
        "button": "Take it",
        "url": "/sale/",
        "picture": "/ten.png",
        "terms": "Once.",
    }


def test_what_was_answered_can_be_told_of_and_ends_in_the_log(ten, browser):
    told = offered(browser)
    event = {"event": "select_promotion", "promotion_id": told["decision_id"]}

    answer = browser.post(
        "/engagement/events/", json.dumps([event]), content_type="application/json"
    )

    assert answer.json()["accepted"] == 1
    assert Decision.objects.get(visitor__key=browser.key).clicked_at


def test_no_offer_is_an_answer_too(point, browser):
    told = browser.get(URL).json()

    assert told["promotion"] is None
    assert told["arm"] == ""
    assert told["propensity"] == 1.0
    assert told["decision_id"]


def test_it_must_not_be_kept_by_caches(point, browser):
    for url in (URL, f"{URL}card/"):
        response = browser.get(url)
        assert response["Cache-Control"] == "private, no-store"
        assert "Cookie" in response["Vary"]


def test_an_unknown_place_and_an_unknown_parameter_are_refused(point, browser):
    assert browser.get("/engagement/promotions/cart.nothing/").status_code == 404
    assert browser.get("/engagement/promotions/cart.nothing/card/").status_code == 404
    assert browser.get(URL, {"customer": "1"}).status_code == 400
    assert browser.get(URL, {"lang": "xx"}).status_code == 400
    assert browser.get(f"{URL}card/", {"card": "admin/base.html"}).status_code == 400


def test_who_asks_too_often_is_refused(point, browser, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDATION_RATE": "2/h"}

    assert [browser.get(URL).status_code for _ in range(3)] == [200, 200, 429]


def test_a_stranger_is_decided_nothing_and_given_no_cookie(ten):
    answer = Client(headers={"user-agent": BROWSER}).get(URL)

    assert answer.json()["decision_id"] == ""
    assert not answer.cookies
    assert not Decision.objects.exists()


# -- templates ------------------------------------------------------------------------------
def test_a_card_shows_words_code_and_button(ten, browser):
    offered(browser)

    html = render('{% promotion_card "cart.offer" %}', browser)

    grant = Grant.objects.get(visitor__key=browser.key)
    assert "A tenth off" in html
    assert 'href="/sale/"' in html
    assert "Take it" in html
    assert grant.code[:4] in html
    assert 'data-engagement-promotion="' in html
    assert Decision.objects.filter(visitor__key=browser.key).count() == 1


def test_a_shops_own_markup_has_the_parts(ten, browser):
    offered(browser)

    html = render(
        '{% promotion "cart.offer" as offer %}{% if offer %}{{ offer.title }}|{{ offer.url }}|'
        "{{ offer.token|length }}{% endif %}",
        browser,
    )

    assert html == "A tenth off|/sale/|45"


def test_nothing_is_drawn_where_nothing_is_offered(point, browser, caplog):
    assert render('{% promotion_card "cart.offer" %}', browser) == ""
    assert render('{% promotion_card "cart.offer" %}') == ""
    assert render('{% promotion "no.point" as offer %}{{ offer.title }}', browser) == ""
    assert "no decision point 'no.point'" in caplog.text


def test_a_lazy_card_is_the_same_for_everybody_and_fetches_its_own(ten, browser):
    page = render('{% promotion_card "cart.offer" lazy=True %}', browser)

    assert page == render('{% promotion_card "cart.offer" lazy=True %}')
    assert not Decision.objects.exists()
    url = page.partition('data-engagement-lazy="')[2].partition('"')[0]
    assert "A tenth off" in offered(browser, url.replace("&amp;", "&"))


def test_a_lazy_card_speaks_the_language_of_its_page(ten, browser, settings):
    settings.LANGUAGES = [("en", "English"), ("zh-hans", "Chinese")]

    assert "九折" in offered(browser, f"{URL}card/?lang=zh-hans")


def test_a_page_with_several_places_works_out_once_who_asks(ten, browser, monkeypatch):
    asked = []
    real = asking.shopper_of
    monkeypatch.setattr(
        asking, "shopper_of", lambda *args, **kwargs: asked.append(1) or real(*args, **kwargs)
    )
    deciding.make_point("home.banner", kind=DecisionPoint.Kind.OFFERS, arms=[])

    render('{% promotion_card "cart.offer" %}{% promotion_card "home.banner" %}', browser)

    assert len(asked) == 1


def test_a_template_that_breaks_costs_the_card(ten, browser, caplog):
    offered(browser)

    assert render('{% promotion_card "cart.offer" card="no/such.html" %}', browser) == ""
    assert "cannot be drawn" in caplog.text
