"""The admin in a real browser: charts under a strict policy, a form looked at unsaved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from engagement.models import ModelArtifact, Placement, Promotion, VisitorProfile
from tests.browser.conftest import DESKTOP, PHONE, keep
from tests.othershop.catalogue import make_event, make_item, make_visitor

pytestmark = pytest.mark.browser

ARE_DRAWN = """n => {
  const drawn = (canvas) => canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0);
  const found = [...document.querySelectorAll("canvas")];
  return found.length === n && found.every(drawn);
}"""


@pytest.fixture
def clerk(chrome, live_server, client, admin_user):
    """Open pages of the admin signed in, under a strict policy; no page may complain."""
    client.force_login(admin_user)
    context = chrome.new_context(viewport=DESKTOP)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": live_server.url}])
    complaints = []

    def strict(route):
        answer = route.fetch()
        policy = {"content-security-policy": "default-src 'self'; img-src 'self' data:"}
        route.fulfill(response=answer, headers={**answer.headers, **policy})

    page = context.new_page()
    page.route("**/admin/**", strict)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    page.open = lambda name, *args: page.goto(
        live_server.url + reverse(f"admin:engagement_{name}", args=args)
    )
    yield page
    # Whatever is on its way when a test ends would fail in the next one.
    page.unroute_all(behavior="wait")
    context.close()
    assert not [text for text in complaints if "favicon" not in text and "404" not in text]


@pytest.fixture
def artifact(transactional_db):
    return ModelArtifact.objects.create(
        alias="for_you",
        backend="engagement.learning.recommenders.EASE",
        path="nowhere",
        verdict="passed",
        trained_at=timezone.now(),
        metrics={
            "winner": "EASE",
            "baseline": "best",
            "models": {
                "EASE": {"ndcg@10": 0.3, "ndcg@10_low": 0.28, "ndcg@10_high": 0.32},
                "best": {"ndcg@10": 0.2},
            },
        },
    )


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_charts_are_drawn_and_drawn_again_in_the_dark(clerk, artifact, viewport):
    clerk.set_viewport_size(viewport)
    clerk.open("modelartifact_change", artifact.pk)

    clerk.wait_for_function(ARE_DRAWN, arg=2)
    drawn = "document.querySelector('canvas').toDataURL()"
    before = clerk.evaluate(drawn)
    clerk.evaluate("document.documentElement.dataset.theme = 'dark'")
    clerk.wait_for_function(f"before => {drawn} !== before", arg=before)
    wide = clerk.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"]


def test_the_numbers_of_a_chart_open_by_keyboard(clerk, artifact):
    clerk.open("modelartifact_change", artifact.pk)

    summary = clerk.locator(".eng-table summary").first
    expect(clerk.get_by_text("0.3000 (0.2800 – 0.3200)")).to_be_hidden()
    summary.focus()
    clerk.keyboard.press("Enter")

    expect(clerk.get_by_text("0.3000 (0.2800 – 0.3200)")).to_be_visible()


def test_a_form_is_looked_at_before_it_is_saved(clerk, transactional_db, books):
    for book in books:
        make_event("reader", make_item(book.name), at=timezone.now() - timedelta(hours=1))
    Placement.objects.all().delete()
    placement = Placement.objects.create(name="home.mine", strategies=["newest"], n=3)
    clerk.open("placement_change", placement.pk)

    clerk.get_by_label("English", exact=True).fill("Not yet")
    clerk.fill("#id_n", "2")
    with clerk.context.expect_page() as opened:
        clerk.get_by_role("button", name="Preview without saving").click()
    preview = opened.value

    expect(preview.locator("h2", has_text="Not yet")).to_be_visible()
    expect(preview.locator(".eng-card")).to_have_count(2)
    preview.fill("#id_visitor", "reader")
    with preview.expect_navigation():
        preview.get_by_role("button", name="Show the shelf").click()
    expect(preview.locator("h2", has_text="Not yet")).to_be_visible()
    placement.refresh_from_db()
    assert (placement.n, placement.titles) == (3, {})


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_an_offer_shows_the_fields_of_its_kind_and_a_rule_whom_it_fits(
    clerk, transactional_db, viewport
):
    today = timezone.localdate()
    for n in range(4):
        VisitorProfile.objects.create(
            visitor=make_visitor(f"a{n:032x}"),
            until=today,
            first_day=today,
            last_day=today,
            n_orders=n,
            last_order_day=today if n else None,
        )
    clerk.set_viewport_size(viewport)
    clerk.open("campaign_add")

    clerk.fill("#id_name", "spring")
    clerk.fill("#id_audience", "orders >= 1")
    fit = clerk.locator(".field-audience .eng-fit").first
    fit.get_by_text("Fits 3 of 4").wait_for()
    clerk.fill("#id_audience", "ordrs >= 1")
    fit.get_by_text("did you mean “orders”?").wait_for()
    clerk.fill("#id_audience", "orders >= 1")
    fit.get_by_text("Fits 3 of 4").wait_for()
    clerk.get_by_role("button", name="Add another Offer").click()
    offer = clerk.locator("#promotions-0")
    expect(offer.locator("#id_promotions-0-value")).to_be_visible()
    expect(offer.locator("#id_promotions-0-buy_n")).to_be_hidden()
    expect(offer.locator("#id_promotions-0-scope_keys")).to_be_hidden()
    offer.locator("#id_promotions-0-scope").select_option("category")
    expect(offer.locator("#id_promotions-0-scope_keys")).to_be_visible()
    offer.locator("#id_promotions-0-kind").select_option("n_for_m")
    expect(offer.locator("#id_promotions-0-value")).to_be_hidden()
    expect(offer.locator("#id_promotions-0-buy_n")).to_be_visible()
    offer.locator("#id_promotions-0-kind").select_option("message")
    of_codes = offer.locator(".form-row", has=clerk.locator("#id_promotions-0-code_kind"))
    expect(of_codes).to_contain_class("eng-hidden")
    offer.locator("#id_promotions-0-kind").select_option("percentage")
    offer.locator("#id_promotions-0-scope").select_option("cart")
    offer.locator("#id_promotions-0-name").fill("tenth")
    offer.locator("#id_promotions-0-value").fill("10")
    offer.locator("[name=promotions-0-texts_en_title]").fill("A tenth off")
    offer.get_by_text("Who gets it, and how often").click()
    offer.locator("#id_promotions-0-audience").fill("orders < 3")
    offer.locator(".eng-fit").get_by_text("Fits 2 of 4").wait_for()
    assert clerk.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    keep(clerk, f"campaign-form-{viewport['width']}")
    clerk.locator("[name=_continue]").first.click()
    clerk.get_by_role("button", name="Start").click()

    clerk.get_by_text("It runs").wait_for()
    clerk.wait_for_load_state("networkidle")
    assert Promotion.objects.get().campaign.status == "running"
