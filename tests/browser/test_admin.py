"""The admin in a real browser: charts under a strict policy, a form looked at unsaved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from engagement.models import ModelArtifact, Placement
from tests.browser.conftest import DESKTOP, PHONE
from tests.othershop.catalogue import make_event, make_item

pytestmark = pytest.mark.browser

IS_DRAWN = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some(value => value > 0);
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

    assert clerk.locator("canvas").count() == 2
    for canvas in clerk.locator("canvas").all():
        assert canvas.evaluate(IS_DRAWN)
    before = clerk.locator("canvas").first.screenshot()
    clerk.evaluate("document.documentElement.dataset.theme = 'dark'")
    clerk.wait_for_timeout(200)
    assert clerk.locator("canvas").first.screenshot() != before
    wide = clerk.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"]


def test_the_numbers_of_a_chart_open_by_keyboard(clerk, artifact):
    clerk.open("modelartifact_change", artifact.pk)

    summary = clerk.locator(".eng-table summary").first
    assert not clerk.get_by_text("0.3000 (0.2800 – 0.3200)").is_visible()
    summary.focus()
    clerk.keyboard.press("Enter")

    assert clerk.get_by_text("0.3000 (0.2800 – 0.3200)").is_visible()


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
    preview.wait_for_load_state()

    assert preview.locator("h2", has_text="Not yet").is_visible()
    assert preview.locator(".eng-card").count() == 2
    preview.fill("#id_visitor", "reader")
    preview.get_by_role("button", name="Show the shelf").click()
    assert preview.locator("h2", has_text="Not yet").is_visible()
    placement.refresh_from_db()
    assert (placement.n, placement.titles) == (3, {})
