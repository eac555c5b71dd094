"""POST promotions/check/: carts priced for shops whose pages are made elsewhere."""

from decimal import Decimal

import pytest

from tests import promoting
from tests.othershop.catalogue import make_item

pytestmark = pytest.mark.django_db
URL = "/engagement/promotions/check/"


@pytest.fixture
def books():
    return [make_item("Dune", price=Decimal("12.00")), make_item("Emma", price=Decimal("8.00"))]


def check(client, *codes, lines=(("dune", 1), ("emma", 2)), **more):
    body = {
        "codes": codes,
        "lines": [{"item_id": key, "quantity": n, **more} for key, n in lines],
    }
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "private, no-store"
    return answer.json()


def test_a_code_is_priced_at_the_catalogues_prices_whatever_the_caller_says(browser, books):
    promoting.running(code_kind="shared", code="TEN")

    found = check(browser, " ten ", price="0.01")

    assert (found["subtotal"], found["discount"], found["total"]) == ("28.00", "2.80", "25.20")
    assert found["currency"] == "EUR"
    assert found["applied"] == [
        {
            "name": "tenth",
            "title": "Tenth",
            "kind": "percentage",
            "code": "TEN",
            "discount": "2.80",
            "shipping": "0",
            "gift_item_id": "",
            "lines": {"dune": "1.20", "emma": "1.60"},
        }
    ]


def test_a_refusal_says_why_in_the_readers_language(browser, books):
    promoting.running(code_kind="shared", code="TEN", min_spend=Decimal(30))

    (unknown,) = check(browser, "nonsense")["refused"]
    (small,) = check(browser, "TEN")["refused"]

    assert unknown == {
        "code": "NONSENSE",
        "reason": "unknown",
        "message": "We know no such code.",
    }
    assert small["reason"] == "min_spend"
    assert small["message"] == "Spend 2.00 EUR more, and this offer counts."


def test_whoever_guesses_has_to_wait_and_others_do_not(browser, client, books, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CODE_RATE": "3/h"}
    promoting.running(code_kind="shared", code="TEN")
    for n in range(3):
        check(browser, f"guess{n}")

    blocked = check(browser, "TEN")
    other = check(client, "TEN")

    assert blocked["refused"][0]["reason"] == "too_often"
    assert blocked["applied"] == []
    assert other["applied"]


def test_right_codes_are_no_guesses(browser, books, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CODE_RATE": "3/h"}
    promoting.running(code_kind="shared", code="TEN")

    assert all(check(browser, "TEN")["applied"] for _ in range(5))


@pytest.mark.parametrize(
    "body",
    [
        {"codes": ["x"] * 11},
        {"codes": "x"},
        {"lines": [{"item_id": "dune", "quantity": 0}]},
        {"lines": [{"item_id": "dune", "quantity": 10**9}]},
    ],
)
def test_what_cannot_be_read_is_refused(browser, body):
    assert browser.post(URL, body, content_type="application/json").status_code == 400


def test_without_lines_it_is_the_cart_that_the_shop_knows(browser, books):
    found = browser.post(URL, {}, content_type="application/json").json()

    assert (found["subtotal"], found["applied"], found["refused"]) == ("0", [], [])


def test_another_sites_page_may_not_ask(browser):
    answer = browser.post(
        URL, {}, content_type="application/json", headers={"origin": "https://evil.example"}
    )

    assert answer.status_code == 403
