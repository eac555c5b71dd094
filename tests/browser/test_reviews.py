"""Reviews in a browser: votes and filters without a new page, and all of it without scripts."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.services]

MOST_REVIEWED = """
    SELECT item.key FROM engagement_item item JOIN engagement_review review
    ON review.item_id = item.id WHERE review.status = 'published'
    GROUP BY item.id ORDER BY count(*) DESC, item.id LIMIT 1
"""


@pytest.fixture
def url(shop):
    ((key,),) = shop.rows(MOST_REVIEWED)
    return f"/p/{key}/"


def test_a_vote_and_a_filter_need_no_new_page(visit, url):
    someone = visit()
    someone.go(url)
    someone.agree()
    page = someone.page
    page.evaluate("window.stillHere = true")
    vote = page.locator(".engagement-review [data-engagement-vote]").first
    before = int(vote.locator("[data-engagement-count=helpful]").inner_text())

    vote.get_by_role("button", name="Yes").click()
    page.wait_for_function(
        "n => document.querySelector('.engagement-review [data-engagement-count=helpful]')"
        ".textContent == n",
        arg=str(before + 1),
    )
    expect(vote.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")

    page.locator("[data-engagement-filters] select").nth(1).select_option("5")
    page.wait_for_url("**review_stars=5**")
    page.wait_for_function("!document.querySelector('.engagement-review .engagement-star--empty')")
    assert page.evaluate("window.stillHere") is True
    assert someone.wrong == []


def test_a_review_is_written_without_scripts(chrome, shop, url):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shop.url + url)
    page.locator(".engagement-write summary").click()
    page.locator(".engagement-rate__star").nth(3).click()
    page.locator("#engagement-body").fill("It came cold and tasted fresh, I was pleased.")
    page.get_by_role("button", name="Send the review").click()

    page.wait_for_url(re.compile("#reviews"))
    expect(page.locator(".engagement-own")).to_have_count(1)
    ((rating, body),) = shop.rows(
        "SELECT rating, body FROM engagement_review WHERE source = 'form' ORDER BY id DESC LIMIT 1"
    )
    assert (rating, body) == (4, "It came cold and tasted fresh, I was pleased.")
    context.close()
