"""Reviews of the demonstration shop in a browser: written, decided about by keyboard, shown."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

ANGRY = "等了两个星期才送到，包装全破了，打了三次客服电话都没人理。非常失望，不会再买了。"
HATEFUL = "You stupid idiots, this shop is run by filthy scum. Go and die, all of you."
MAILED = "Tastes fine and came quickly. Ask me at jo.miller@example.org if you want to know more."
STATUS = "SELECT status FROM engagement_review WHERE title = ?"


def write(someone, where, rating, title, body):
    someone.go(where)
    fold = someone.page.locator("#write-review .engagement-write__fold")
    fold.locator("summary").click()
    fold.locator(f"input[name=rating][value='{rating}']").check(force=True)
    fold.locator("[name=title]").fill(title)
    fold.locator("[name=body]").fill(body)
    fold.locator("[name=author_name]").fill("Jo")
    with someone.page.expect_navigation():
        fold.locator("button.engagement-button").click()


def test_reviews_are_written_decided_about_and_shown(visit, shop):
    first = visit()
    first.go()
    first.agree()
    first.open_product("home.trending")
    where = "/p/" + first.page.url.partition("/p/")[2].partition("?")[0].partition("#")[0]
    write(first, where, 1, "差评 1", ANGRY)
    second = visit(phone=True)
    second.go()
    second.agree()
    write(second, where, 1, "Scum 1", HATEFUL)
    third = visit()
    third.go()
    third.agree()
    write(third, where, 5, "Good 1", MAILED)

    found = [shop.wait_for(STATUS, title)[0][0] for title in ("差评 1", "Scum 1", "Good 1")]
    assert found == ["published", "held", "held"]

    clerk = visit()
    clerk.go("/admin/login/?next=/admin/engagement/review/triage/")
    clerk.page.fill("#id_username", "admin")
    clerk.page.fill("#id_password", "admin")
    with clerk.page.expect_navigation():
        clerk.page.locator("input[type=submit]").click()
    # Customers who have bought for much money may come before somebody whom nobody knows.
    titles = clerk.page.locator(".eng-item-title").all_inner_texts()
    assert any(title.endswith("差评 1") for title in titles[:5]), titles
    clerk.keep("triage-demo")

    clerk.go("/admin/engagement/review/queue/?order=newest&q=1")
    expect(clerk.page.locator("mark", has_text="jo.miller@example.org")).to_be_visible()
    clerk.keep("queue-demo")
    clerk.page.keyboard.press("a")
    clerk.page.locator("[data-eng-status]", has_text="Approved.").wait_for(state="attached")
    clerk.page.keyboard.press("r")
    clerk.page.keyboard.press("Enter")
    clerk.page.locator("[data-eng-status]", has_text="Rejected.").wait_for(state="attached")

    # Django's admin names no icon: the browser asks for one in vain.
    clerk.wrong = [one for one in clerk.wrong if "/admin/login/" not in one or "404" not in one]

    reader = visit()
    reader.go(where)
    page = reader.page.content()
    assert "Tastes fine and came quickly." in page
    assert "filthy" not in page
    (data,) = (
        json.loads(one)
        for one in re.findall(
            r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page, re.S
        )
    )
    counted = shop.rows(
        "SELECT AVG(rating), COUNT(*) FROM engagement_review WHERE status = 'published'"
        " AND item_id = (SELECT item_id FROM engagement_review WHERE title = 'Good 1')"
    )[0]
    rating = data["aggregateRating"]
    assert data["@type"] == "Product"
    assert abs(float(rating["ratingValue"]) - counted[0]) < 0.051
    assert int(rating["reviewCount"]) == counted[1]
    reader.keep("product-reviews")
