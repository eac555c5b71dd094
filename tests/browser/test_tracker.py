"""The tracker in a real browser: what it reports, when, and what it keeps to itself."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from engagement.models import Event, EventName, Item, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.tracker_pages"),
]


@pytest.fixture
def items(transactional_db):
    for key in ("dune", "emma", "ulysses"):
        Item.objects.create(external_id=key, title=key.title())


@pytest.fixture
def context(chrome, live_server, items):
    context = chrome.new_context(base_url=live_server.url)
    yield context
    context.close()


@pytest.fixture
def page(context):
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "console",
        lambda line: line.type in ("error", "warning") and page.errors.append(line.text),
    )
    return page


def stored(n, *, event=None, seconds=20.0):
    """Wait for ``n`` events and return them as (name, item, rank, placement)."""
    rows = Event.objects.order_by("pk")
    if event is not None:
        rows = rows.filter(event=event)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if rows.count() >= n:
            break
        time.sleep(0.1)
    found = list(rows.values_list("event", "item__key", "rank", "placement"))
    return [(EventName(name).code, *rest) for name, *rest in found]


def test_items_that_come_into_view_are_reported_once(page):
    page.goto("/")
    first = stored(2)
    page.mouse.wheel(0, 100_000)
    everything = stored(3)
    page.mouse.wheel(0, -100_000)
    page.wait_for_timeout(1500)

    assert first == [
        ("view_item_list", "dune", 1, "home.for_you"),
        ("view_item_list", "emma", 2, "home.for_you"),
    ]
    assert everything == [*first, ("view_item_list", "ulysses", 3, "home.for_you")]
    assert Event.objects.count() == 3
    assert Visitor.objects.count() == 1
    assert page.errors == []


def test_a_click_is_reported_although_the_page_goes_away(page):
    page.goto("/")
    page.get_by_text("Emma").click()
    page.wait_for_url("**/books/emma/")

    assert stored(1, event=EventName.SELECT_ITEM) == [("select_item", "emma", 2, "home.for_you")]
    assert stored(1, event=EventName.VIEW_ITEM) == [("view_item", "emma", None, "")]
    assert page.errors == []


def test_a_middle_click_is_a_click(page):
    page.goto("/")
    page.get_by_text("Emma").click(button="middle")

    assert stored(1, event=EventName.SELECT_ITEM) == [("select_item", "emma", 2, "home.for_you")]


def test_the_shops_own_scripts_can_report(page):
    page.goto("/books/dune/")
    page.evaluate(
        "engagement.track('add_to_cart', {items: [{item_id: 'dune', quantity: 2, price: 9.5}]})"
    )

    assert stored(1, event=EventName.ADD_TO_CART) == [("add_to_cart", "dune", None, "")]
    event = Event.objects.get(event=EventName.ADD_TO_CART)
    assert (event.quantity, event.value) == (2, 19)
    assert event.session_id == Event.objects.get(event=EventName.VIEW_ITEM).session_id != ""


def test_what_has_not_been_sent_goes_with_the_page(page):
    page.goto("/")
    page.evaluate("engagement.track('search', {query: 'sand worms'})")
    page.goto("about:blank")

    assert stored(1, event=EventName.SEARCH) == [("search", None, None, "")]


def test_a_mistake_is_told_to_the_developer(page):
    page.goto("/")
    with page.expect_console_message(lambda line: "engagement: event" in line.text) as told:
        page.evaluate("engagement.track('teleport'); engagement.flush()")

    assert "There is no event 'teleport'" in told.value.text


def test_a_shop_that_stumbles_is_told_again_and_counts_once(page):
    answers = []

    def stumble(route):
        if answers:
            route.continue_()
            return
        answers.append(503)
        route.fetch()  # it was stored, but the answer got lost
        route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")

    page.route("**/engagement/events/", stumble)
    with page.expect_response(lambda answer: "/events/" in answer.url and answer.ok):
        page.goto("/books/dune/")

    assert answers == [503]
    assert len(stored(1, event=EventName.VIEW_ITEM)) == 1


def test_shelves_that_come_later_are_found(page):
    page.goto("/")
    stored(2)
    page.evaluate(
        """() => {
            const shelf = document.querySelector("[data-engagement-shelf]").cloneNode();
            const item = document.createElement("p");
            item.dataset.engagementItem = "ulysses";
            item.dataset.rank = "7";
            item.textContent = "Ulysses";
            shelf.append(item);
            document.body.prepend(shelf);
        }"""
    )

    assert ("view_item_list", "ulysses", 7, "home.for_you") in stored(3)


def test_nothing_is_sent_before_the_visitor_agrees_and_the_page_stays(page, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.goto("/books/dune/")
    page.wait_for_timeout(3000)
    assert not [url for url in sent if "events" in url]
    assert page.evaluate("sessionStorage.length") == 0

    page.get_by_role("button", name="Yes").click()
    assert stored(1, event=EventName.VIEW_ITEM) == [("view_item", "dune", None, "")]
    expect(page.get_by_role("button", name="Yes")).to_have_count(0)
    assert page.errors == []


def test_a_visitor_who_declines_is_left_alone(page, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    page.goto("/books/dune/")
    with page.expect_response("**/consent/"):
        page.get_by_role("button", name="No").click()
    page.reload()
    page.wait_for_timeout(3000)

    expect(page.get_by_role("button", name="No")).to_have_count(0)
    assert not Event.objects.exists()
    assert not Visitor.objects.exists()


def test_the_question_can_be_answered_without_scripts(chrome, live_server, items, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    context = chrome.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/books/dune/")
    with page.expect_navigation():
        page.get_by_role("button", name="Yes").click()

    assert page.url.endswith("/books/dune/")
    expect(page.get_by_role("button", name="Yes")).to_have_count(0)
    assert {cookie["name"] for cookie in context.cookies()} >= {"engagement_consent"}
    context.close()
