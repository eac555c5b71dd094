"""Shelves in a real browser: the lazy ones arrive, the stock look can be used by everyone."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.serving import go_live, pairs, shelve

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.shelf_pages"),
]


@pytest.fixture
def shop(transactional_db):
    items = shelve(*(f"The Book of Number {number}" for number in range(1, 11)), genre="Novels")
    bias = {item.key: 20.0 - place for place, item in enumerate(items)}
    go_live("trending", pairs(items, bias=bias), items, at=timezone.now())


@pytest.fixture
def open_page(chrome, live_server, shop):
    contexts = []

    def open_one(path, **options):
        context = chrome.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on(
            "console",
            lambda line: line.type in ("error", "warning") and page.errors.append(line.text),
        )
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()


def test_a_lazy_shelf_arrives_when_it_comes_near(open_page):
    page = open_page("/lazy/", viewport=DESKTOP)

    page.wait_for_selector("[data-placement='home.trending'] li")
    expect(page.locator("[data-engagement-shelf]")).to_have_count(1)

    page.mouse.wheel(0, 100_000)
    page.wait_for_selector("text=Far away")
    expect(page.locator("[data-engagement-shelf]")).to_have_count(2)
    expect(page.locator("[data-engagement-lazy]")).to_have_count(0)
    assert page.errors == []


def test_the_page_is_told_of_a_new_shelf(open_page):
    page = open_page("/plain/", viewport=DESKTOP)
    page.add_init_script(
        "document.addEventListener('engagement:shelf', (event) => {"
        " window.told = event.detail.shelves.map((shelf) => shelf.dataset.placement); });"
    )
    page.goto("/lazy/")

    page.wait_for_function("() => window.told")
    assert page.evaluate("window.told") == ["home.trending"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_shelf_scrolls_in_itself_and_not_the_page(open_page, viewport):
    page = open_page("/plain/", viewport=viewport)

    widths = "[document.documentElement.scrollWidth, window.innerWidth]"
    whole, seen = page.evaluate(widths)
    assert whole <= seen
    items = page.locator(".engagement-shelf__items")
    assert items.evaluate("one => one.scrollWidth > one.clientWidth")


def test_the_keyboard_reaches_every_item(open_page):
    page = open_page("/plain/", viewport=PHONE, reduced_motion="reduce")

    for _ in range(10):
        page.keyboard.press("Tab")

    last = page.locator(".engagement-card__link").last
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()


def test_a_shelf_is_a_named_region_with_a_heading_and_a_list(open_page):
    page = open_page("/plain/", viewport=DESKTOP)

    region = page.get_by_role("region", name="Popular right now")
    expect(region.get_by_role("heading", name="Popular right now")).to_have_count(1)
    expect(region.get_by_role("list")).to_have_count(1)
    expect(region.get_by_role("listitem")).to_have_count(10)


def test_a_shelf_needs_no_script(open_page):
    page = open_page("/plain/", viewport=DESKTOP, java_script_enabled=False)

    expect(page.get_by_role("link", name="The Book of Number 1", exact=True)).to_have_count(1)
