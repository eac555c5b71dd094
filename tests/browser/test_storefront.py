"""Someone walks through the demonstration shop: what they see, and what the shop learns from it."""

import base64
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.services]

EVENTS = """
    SELECT event.event, item.key, event.placement, event.recommendation_id
    FROM engagement_event AS event
    JOIN engagement_visitor AS visitor ON visitor.id = event.visitor_id
    LEFT JOIN engagement_item AS item ON item.id = event.item_id
    WHERE visitor.key LIKE 'a%' AND event.event = ? AND event.id > ?
    ORDER BY event.id
"""
VIEW_ITEM_LIST, SELECT_ITEM, VIEW_ITEM, ADD_TO_CART, PURCHASE = 1, 2, 3, 6, 10


@pytest.fixture
def since(shop):
    """The last event before the test."""
    return shop.rows("SELECT coalesce(max(id), 0) FROM engagement_event")[0][0]


def test_shelves_follow_what_an_anonymous_visitor_does(visit, shop):
    someone = visit()
    someone.go()
    someone.agree()
    assert "home.trending" in someone.placements()
    assert "home.recently_viewed" not in someone.placements()
    before = someone.titles("home.for_you")

    seen = someone.open_product()
    assert someone.titles("product.similar")
    assert seen not in someone.titles("product.similar") + someone.titles("product.bought_together")

    someone.go()
    assert someone.titles("home.recently_viewed") == [seen]
    assert someone.titles("home.for_you") != before


def test_the_cart_is_completed_with_what_goes_with_it(visit):
    someone = visit()
    someone.go()
    someone.agree()
    first = someone.open_product()
    someone.put_into_cart()
    expect(someone.page.locator("[data-cart-count] b")).to_have_text("1")
    someone.go("/cart/")
    with_one = someone.titles("cart.complete_the_set")
    assert with_one
    assert first not in with_one

    someone.page.locator(
        "[data-placement='cart.complete_the_set'] [data-engagement-item] a[href]"
    ).nth(1).click()
    someone.page.wait_for_url(re.compile("/p/"))
    someone.put_into_cart()
    someone.go("/cart/")

    assert someone.titles("cart.complete_the_set") != with_one


def test_buying_makes_buy_again_follow(visit):
    someone = visit()
    someone.go()
    someone.agree()
    assert someone.titles("home.buy_again") == []
    bought = set()
    for nth in range(4):
        someone.go()
        bought.add(someone.open_product("home.trending", nth))
        someone.put_into_cart()
    someone.buy()

    someone.go()
    assert set(someone.titles("home.buy_again")) == bought


def test_a_household_that_bought_sees_its_shelves_anew(visit):
    household = visit()
    household.sign_in()
    household.go()
    before = household.titles("home.for_you")
    assert household.titles("home.buy_again")
    household.open_product("home.for_you")
    household.put_into_cart()
    household.buy()

    household.go()
    assert household.titles("home.for_you") != before


def test_each_household_has_its_own_shelves(visit):
    shelves = []
    for nth in range(2):
        household = visit()
        household.sign_in(nth)
        household.go()
        shelves.append(household.titles("home.for_you"))

    assert all(shelves)
    assert shelves[0] != shelves[1]


def test_what_was_seen_and_clicked_is_known_by_its_recommendation(visit, shop, since):
    someone = visit()
    someone.go()
    someone.agree()
    token = someone.page.locator("[data-placement='home.trending']").get_attribute(
        "data-recommendation-id"
    )
    someone.page.locator("[data-placement='home.trending']").scroll_into_view_if_needed()
    on_shelf = f"SELECT * FROM ({EVENTS}) WHERE placement = 'home.trending'"  # noqa: S608
    seen = shop.wait_for(on_shelf, VIEW_ITEM_LIST, since)
    clicked = someone.open_product("home.trending")

    [(_, key, placement, recommendation)] = shop.wait_for(EVENTS, SELECT_ITEM, since)
    assert (key, placement) == (clicked, "home.trending")
    assert recommendation
    assert recommendation in base64.urlsafe_b64decode(token.partition(".")[0] + "==").decode()
    assert recommendation in {row[3] for row in seen}
    assert [row[1] for row in shop.wait_for(EVENTS, VIEW_ITEM, since)] == [clicked]


def test_nothing_is_stored_of_someone_who_declined(visit, shop, since):
    someone = visit()
    someone.go()
    someone.decline()
    before = shop.rows("SELECT max(id) FROM engagement_event")
    someone.open_product()
    someone.put_into_cart()
    someone.go("/cart/")
    someone.go()
    someone.page.mouse.wheel(0, 2000)
    someone.page.wait_for_timeout(1500)

    assert shop.rows("SELECT max(id) FROM engagement_event") == before
    assert someone.titles("home.trending")
    assert not [
        cookie
        for cookie in someone.page.context.cookies()
        if cookie["name"] == "engagement_visitor" and cookie["value"]
    ]


def test_the_shop_works_without_scripts(visit, shop, since):
    someone = visit(java_script_enabled=False)
    someone.go()
    with someone.page.expect_navigation():
        someone.page.locator("[data-engagement-banner] button[value=yes]").click()
    expect(someone.page.locator("[data-engagement-banner]")).to_have_count(0)

    someone.open_product()
    with someone.page.expect_navigation():
        someone.page.locator(".product__buy button").click()
    expect(someone.page.locator("[data-cart-count] b")).to_have_text("1")
    someone.buy()

    assert shop.wait_for(EVENTS, PURCHASE, since)


def test_the_shop_speaks_chinese(visit):
    someone = visit(locale="zh-CN")
    someone.go()

    assert someone.page.locator("html").get_attribute("lang") == "zh-hans"
    headings = someone.page.locator("h1, h2").all_inner_texts()
    assert headings
    assert [text for text in headings if not re.search(r"[\u4e00-\u9fff]", text)] == []
