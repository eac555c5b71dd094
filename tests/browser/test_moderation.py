"""The moderators' queue in a real browser: by keyboard, by ear, on a phone, without script."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from engagement.flows.reviews import moderating, stock_replies
from engagement.models import ModerationDecision, Review, ReviewLabel, Status
from tests.browser.conftest import DESKTOP, PHONE, keep
from tests.moderation import flag, post, write

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOK = (Path(__file__).parent / "look.js").read_text()


@pytest.fixture
def desk(chrome, live_server, client, admin_user):
    """Open pages of moderators signed in, under a strict policy; no page may complain."""
    client.force_login(admin_user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    contexts, complaints = [], []

    def strict(route):
        answer = route.fetch()
        policy = {
            "content-security-policy": "default-src 'self'; img-src 'self' data:; "
            "require-trusted-types-for 'script'"
        }
        route.fulfill(response=answer, headers={**answer.headers, **policy})

    def sit(*, phone=False, **options):
        context = chrome.new_context(
            viewport=PHONE if phone else DESKTOP, is_mobile=phone, has_touch=phone, **options
        )
        contexts.append(context)
        context.add_cookies([{**cookie, "url": live_server.url}])
        page = context.new_page()
        # The admin's own scripts use innerHTML; ours must not need it.
        page.route("**/admin/engagement/review/**", strict)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.look = lambda name, query="": page.goto(
            live_server.url + reverse(f"admin:engagement_review_{name}") + query
        )
        return page

    yield sit
    for context in contexts:
        # Whatever is on its way when a test ends would fail in the next one.
        for page in context.pages:
            page.unroute_all(behavior="wait")
        context.close()
    known = ("favicon", "404", "TrustedHTML")
    assert not [text for text in complaints if not any(one in text for one in known)]


@pytest.fixture
def waiting(transactional_db):
    """Four reviews wait, the oldest first: Praise, Insult, Shop, Kind."""
    now = timezone.now()
    flags = [flag("PRF", ("body", 0, 6), reason="insult")]
    return [
        write("Lovely.", title="Praise", by="a", at=now - timedelta(hours=4), rating=5),
        write(
            "Idiots, all of you.",
            title="Insult",
            by="b",
            at=now - timedelta(hours=3),
            sentiment="negative",
            flags=flags,
        ),
        write("Slow.", title="Shop", by="c", at=now - timedelta(hours=2), sentiment="positive"),
        write("Good.", title="Kind", by="d", at=now - timedelta(hours=1), rating=4),
    ]


def state(review):
    review.refresh_from_db()
    return review.status


def said(page, text):
    """Wait until a screen reader is told ``text``."""
    page.locator("[data-eng-status]", has_text=text).wait_for(state="attached")


def on_row(page, title):
    """Wait until the focus is on the row of ``title``."""
    page.wait_for_function(
        "title => document.activeElement.closest('[data-eng-row]')"
        "?.dataset.engTitle.split(', ')[2] === title",
        arg=title,
    )


def test_a_moderator_works_through_the_queue_by_keyboard_alone(desk, waiting):
    praise, insult, shop, kind = waiting
    page = desk()
    page.look("queue")

    page.keyboard.press("a")
    said(page, "Approved.")
    on_row(page, "Insult")
    # The reason that speaks most against it is chosen; a number chooses another one.
    page.keyboard.press("r")
    page.wait_for_function("document.activeElement.value === 'PRF'")
    page.keyboard.press("Enter")
    said(page, "Rejected.")
    on_row(page, "Shop")
    page.keyboard.press("e")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    said(page, "Noted as negative")
    page.keyboard.press("j")
    on_row(page, "Kind")
    page.keyboard.press("k")
    on_row(page, "Shop")
    page.keyboard.press("a")
    said(page, "Approved.")

    assert [state(one) for one in waiting] == ["published", "rejected", "published", "held"]
    assert ReviewLabel.objects.get().value == "negative"
    expect(page.locator("[data-eng-left]").first).to_have_text("1")

    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("u")
    said(page, "Taken back.")
    assert state(insult) == Status.HELD
    on_row(page, "Insult")
    assert (state(praise), state(shop), state(kind)) == ("published", "published", "held")


def test_keys_stay_out_of_text_fields_and_can_be_switched_off(desk, waiting):
    page = desk()
    page.look("queue")

    page.keyboard.press("/")
    page.keyboard.type("ara")
    expect(page.locator("#id_q")).to_have_value("ara")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    said(page, "Keys are off.")
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("a")

    expect(page.locator("html.eng-keys-on")).to_have_count(0)
    assert {state(one) for one in waiting} == {"held"}


def test_several_are_ticked_and_rejected_with_one_reason(desk, waiting):
    page = desk()
    page.look("queue")

    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-eng-chosen]")).to_have_text("2 ticked")
    bulk = page.locator("#eng-bulk")
    bulk.get_by_role("button", name="Reject").click()
    said(page, "Choose a reason")
    bulk.locator("select").select_option("SPM")
    bulk.get_by_role("button", name="Reject").click()
    said(page, "2 rejected.")

    assert [state(one) for one in waiting] == ["rejected", "rejected", "held", "held"]


def test_somebody_elses_decision_is_shown_before_it_is_fought_over(
    desk, waiting, django_user_model
):
    ben = django_user_model.objects.create_user("ben")
    page = desk()
    page.look("queue")
    looked = moderating.Looked("review", str(waiting[0].key))
    moderating.act(looked, "reject", at=timezone.now(), moderator=ben, reason="VAC")

    page.keyboard.press("a")

    said(page, "Already moderated by ben")
    expect(page.locator(".eng-conflict")).to_have_count(1)
    assert state(waiting[0]) == Status.REJECTED
    assert ModerationDecision.objects.count() == 1


def test_everything_works_without_script(desk, waiting):
    page = desk(java_script_enabled=False)
    page.look("queue")

    row = page.locator("[data-eng-row]", has_text="Insult")
    row.locator("summary", has_text="Reject").click()
    row.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Rejected.")
    page.locator(".eng-mine").get_by_role("button", name="Undo").click()
    expect(page.locator(".messagelist")).to_contain_text("Taken back.")
    page.locator("[data-eng-row]", has_text="Kind").get_by_role("checkbox").first.check()
    page.locator("#eng-bulk").get_by_role("button", name="Approve").click()
    expect(page.locator(".messagelist")).to_contain_text("Approved.")

    assert [state(one) for one in waiting] == ["held", "held", "held", "published"]


def test_what_matters_most_is_answered_first_with_words_to_begin_with(desk, waiting):
    now = timezone.now()
    stock_replies.create_defaults("")
    write("Meh.", by="e", status=Status.PUBLISHED, rating=2, at=now - timedelta(days=20))
    angry = write(
        "包装破了，东西洒了一半。",
        title="差评",
        by="f",
        author_name="王芳",
        status=Status.PUBLISHED,
        rating=1,
        language="zh",
        sentiment="negative",
        aspects=[{"aspect": "packaging", "polarity": -0.9, "quote": "包装破了"}],
        at=now - timedelta(hours=2),
    )
    page = desk()
    page.look("triage")

    box = page.locator("textarea").first
    assert box.input_value().startswith("王芳您好，感谢您反馈“Dune”到货时的情况。")
    keep(page, "triage")
    page.keyboard.press("p")
    box.fill("王芳您好，我们马上补发。")
    page.keyboard.press("Control+Enter")
    said(page, "The reply is published.")

    angry.refresh_from_db()
    assert angry.reply_text == "王芳您好，我们马上补发。"
    assert angry.reply_by.username == "admin"
    page.look("triage")
    expect(page.locator("[data-eng-row]")).to_have_count(1)


@pytest.mark.parametrize(("phone", "theme"), [(False, "dark"), (True, "light")])
def test_pages_are_whole_on_every_screen(desk, waiting, phone, theme):
    post("Avoid.", sentiment="negative", at=timezone.now())
    write("Bad", by="z", status=Status.PUBLISHED, rating=1, at=timezone.now())
    page = desk(phone=phone, color_scheme=theme)
    for name in ("queue", "triage", "figures", "alerts"):
        page.look(name)
        # Before a picture is taken: the tool that takes it writes styles of its own.
        found = page.evaluate(LOOK)
        # Chart.js sizes its canvas by script, which a strict policy allows.
        wrong = [one for one in found if not one.startswith("inline: <canvas")]
        keep(page, f"{name}-{'phone' if phone else 'desktop'}-{theme}")
        assert wrong == [], name
    assert Review.objects.count() == 5
