"""Every page of the demonstration shop, on a phone and on a desk: whole, in order, and readable."""

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.services]

LOOK = (Path(__file__).parent / "look.js").read_text()


def pages(someone):
    """Go through the shop as a household that buys something; yield each page's name."""
    someone.go("/account/sign-in/")
    yield "sign-in"
    someone.agree()
    someone.go()
    yield "home-anonymous"
    someone.go("/cart/")
    yield "cart-empty"
    someone.sign_in(1)
    someone.go()
    yield "home"
    someone.page.locator(".departments a").first.click()
    someone.page.wait_for_url(re.compile("/shop/"))
    yield "category"
    someone.go("/offers/")
    yield "offers"
    someone.go("/search/?q=milk")
    yield "search"
    someone.go("/search/?q=zeppelin")
    yield "search-no-results"
    someone.go()
    someone.open_product("home.for_you")
    yield "product"
    someone.put_into_cart()
    someone.go("/cart/")
    yield "cart"
    someone.go("/checkout/")
    yield "checkout"
    someone.buy()
    yield "confirmation"
    someone.go("/account/")
    yield "account"
    with someone.page.expect_navigation(wait_until="load"):
        someone.page.locator("table a").first.click()
    yield "order"
    someone.go("/what-we-remember/")
    yield "privacy"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_every_page_is_whole_and_can_be_read(visit, phone):
    someone = visit(phone=phone)
    wrong = {}
    for name in pages(someone):
        if found := someone.page.evaluate(LOOK):
            wrong[name] = found
        someone.keep(name)

    assert wrong == {}


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_shop_in_chinese_fits_too(visit, phone):
    someone = visit(phone=phone, locale="zh-CN")
    someone.go()
    someone.agree()
    assert someone.page.evaluate(LOOK) == []
    someone.keep("home-chinese")
    someone.open_product()
    assert someone.page.evaluate(LOOK) == []
    someone.keep("product-chinese")
