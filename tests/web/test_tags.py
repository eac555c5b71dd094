"""What the template tags put on a page."""

import pytest
from django.template import engines
from django.test import RequestFactory

from engagement.models import EventName, Item
from tests.othershop.models import Book
from tests.serving import place
from tests.web.shelves import shelves

pytestmark = pytest.mark.urls("tests.web.pages")


def render(template, request=None, **context):
    return (
        engines["django"].from_string("{% load engagement %}" + template).render(context, request)
    )


def test_a_page_shows_the_visitors_own_shelves(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")

    seen = shelves(browser.get("/"))

    assert seen["home.for_you"].keys[:2] == ["orlando", "ulysses"]
    assert seen["home.trending"].keys == ["emma", "ulysses", "orlando", "dune"]
    assert seen["home.recently_viewed"].keys == ["emma"]
    assert seen["home.recently_viewed"].title == "Seen before"


def test_the_very_next_page_is_different(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")
    before = shelves(browser.get("/"))["home.for_you"].keys

    did(EventName.ADD_TO_CART, "dune")

    after = shelves(browser.get("/"))["home.for_you"].keys
    assert before[0] == "orlando"
    assert after[0] == "ubik"


def test_a_product_page_is_about_its_product_on_every_shelf(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")
    did(EventName.VIEW_ITEM, "dune")

    seen = shelves(browser.get("/books/emma/"))

    assert seen["product.similar"].keys == ["orlando", "ulysses"]
    assert set(seen["product.bought_together"].keys) == {"dune", "solaris", "ubik"}
    # Its tag names no item, but the page does.
    assert seen["product.recently_viewed"].keys == ["dune"]


def test_a_shelf_carries_what_the_tracker_reports(shop, browser):
    shelf = shelves(browser.get("/"))["home.trending"]

    assert shelf.recommendation_id
    assert shelf.ranks == [1, 2, 3, 4]


def test_a_card_shows_title_link_price_and_reason(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")

    html = browser.get("/").content.decode()

    assert 'href="/books/orlando/"' in html
    assert ">Orlando<" in html
    assert "10.00 EUR" in html
    assert "Because you looked at Emma" in html


def test_titles_are_escaped(shop, browser):
    Book.objects.filter(slug="emma").update(name="<b>Emma</b>")

    assert "&lt;b&gt;Emma" in browser.get("/").content.decode()


def test_nothing_in_the_markup_needs_a_lenient_policy(shop, browser):
    html = browser.get("/").content.decode() + browser.get("/lazy/").content.decode()

    assert " style=" not in html
    assert "onclick" not in html
    assert "<script>" not in html


def test_an_empty_shelf_leaves_no_trace(db, browser):
    assert "engagement" not in browser.get("/").content.decode()


def test_a_shop_may_draw_the_items_itself(shop):
    html = render(
        '{% recommendations "product.similar" item=book n=1 as shelf %}'
        "{% if shelf %}{{ shelf.title }}:{% for one in shelf %}{{ one.object.name }}{% endfor %}"
        "{% endif %}",
        book=Book.objects.get(slug="emma"),
    )

    assert html == "You may also like:Orlando"


def test_without_a_request_popular_items_are_shown(shop):
    assert shelves(render('{% recommendation_shelf "home.for_you" n=2 %}'))[
        "home.for_you"
    ].keys == ["emma", "ulysses"]


def test_items_come_as_objects_keys_or_lists_of_them(shop):
    template = '{% recommendation_shelf "cart.complete_the_set" cart=cart %}'
    books = Book.objects.filter(slug__in=["emma", "dune"])

    for cart in (["emma", "dune"], books, list(books), (book for book in books)):
        keys = shelves(render(template, cart=cart))["cart.complete_the_set"].keys
        assert not {"emma", "dune"} & set(keys)


def test_one_shelf_can_leave_out_what_another_shows(shop):
    html = render(
        '{% recommendations "home.trending" n=2 as first %}'
        '{% recommendation_shelf "home.for_you" exclude=first n=2 %}'
    )

    assert shelves(html)["home.for_you"].keys == ["orlando", "dune"]


def test_arguments_that_cannot_be_read_cost_only_the_shelf(shop, caplog):
    html = render('a{% recommendation_shelf "home.trending" n="many" %}b')

    assert html == "ab"
    assert len(caplog.records) == 1


class TestOverriding:
    @pytest.fixture
    def templates(self, settings, tmp_path):
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        folder = tmp_path / "engagement"
        folder.mkdir()
        return folder

    def test_one_shelf_may_have_its_own_template(self, shop, templates):
        (templates / "shelf_home_trending.html").write_text("mine: {{ shelf|length }}")

        assert render('{% recommendation_shelf "home.trending" n=2 %}') == "mine: 2"
        assert shelves(render('{% recommendation_shelf "home.for_you" %}'))

    def test_one_tag_may_have_its_own_card(self, shop, templates):
        (templates / "tile.html").write_text("[{{ object.name }}]")

        html = render('{% recommendation_shelf "home.trending" n=1 card="engagement/tile.html" %}')

        assert "[Emma]" in html

    def test_a_broken_card_costs_only_the_shelf(self, shop, caplog):
        html = render('a{% recommendation_shelf "home.trending" card="no/such.html" %}b')

        assert html == "ab"
        assert len(caplog.records) == 1


class TestLazy:
    def test_the_page_is_the_same_for_everyone(self, shop, browser, client, did):
        did(EventName.VIEW_ITEM, "emma")

        mine, others = browser.get("/lazy/"), client.get("/lazy/")

        assert mine.content == others.content
        assert not shelves(mine)

    def test_the_script_gets_the_visitors_own_shelf(self, shop, browser, did):
        did(EventName.VIEW_ITEM, "emma")

        response = browser.get(self.url(browser.get("/lazy/")))

        seen = shelves(response)["home.for_you"]
        assert seen.keys[0] == "orlando"
        assert len(seen.keys) == 3
        assert seen.title == "Yours"
        assert response["Cache-Control"] == "private, no-store"
        assert response["Content-Type"].startswith("text/html")

    def test_the_nonce_of_the_page_is_on_the_script(self, shop):
        request = RequestFactory().get("/")
        request.csp_nonce = "abc"

        html = render('{% recommendation_shelf "home.for_you" lazy=True %}', request)

        assert 'nonce="abc"' in html

    def test_a_visitor_cannot_choose_the_template(self, shop, browser):
        url = self.url(browser.get("/lazy/"))

        response = browser.get(url.partition("style=")[0] + "style=admin/base.html")

        assert response.status_code == 400
        assert "style" in response.json()

    def test_the_language_is_that_of_the_page(self, shop, browser):
        place("home.for_you", strategies=["trending"], titles={"en": "You", "zh-hans": "你"})
        url = "/engagement/shelves/home.for_you/"

        assert shelves(browser.get(url, {"lang": "zh-hans"}))["home.for_you"].title == "你"
        assert browser.get(url, {"lang": "tlh"}).status_code == 400

    def test_an_empty_shelf_is_an_empty_answer(self, db, browser):
        response = browser.get("/engagement/shelves/home.for_you/")

        assert response.status_code == 200
        assert response.content.strip() == b""

    @staticmethod
    def url(response):
        html = response.content.decode()
        url = html.partition('data-engagement-lazy="')[2].partition('"')[0]
        return url.replace("&amp;", "&")


def test_the_mirror_is_not_asked_for_what_the_shop_knows(shop, browser):
    Item.objects.update(title="Old title")

    assert "Old title" not in browser.get("/").content.decode()


def test_a_template_can_tell_all_that_adds_up_to_a_score(shop):
    boost = {"action": "boost", "field": "key", "value": "orlando", "factor": 4.0}
    place("product.similar", rules=(boost,), strategies=["similar"])

    told = render(
        '{% recommendations "product.similar" item="emma" n=1 explain=True as shelf %}'
        "{% for one in shelf %}{{ one.score }}:{% for why in one.reasons %}"
        " {{ why.code }} {{ why.weight }}{% endfor %}{% endfor %}"
    )

    assert told == "12.0: context 3.0 rule 9.0"
