"""Only the visitor a promotion was made for can say that it was seen or clicked, and once."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from engagement.flows.collecting import decision_tokens, identity
from engagement.models import Decision, DecisionPoint, Event, EventName
from tests import deciding, serving
from tests.othershop.catalogue import make_visitor
from tests.web.conftest import BROWSER

pytestmark = pytest.mark.django_db
URL = "/engagement/events/"


@pytest.fixture
def point():
    return deciding.make_point("cart.offer", kind=DecisionPoint.Kind.OFFERS, arms=[])


def offered(point, browser, *, ago=timedelta(minutes=5)):
    """Return the token of an offer that the browser's visitor was made."""
    row = deciding.make_decision(point, make_visitor(browser.key), "ten", at=timezone.now() - ago)
    return decision_tokens.issue(row.key, person=serving.visitor(browser.key))


def tell(client, event, token=None, **fields):
    payload = {"event": event, **fields}
    if token is not None:
        payload["promotion_id"] = token
    return client.post(URL, json.dumps([payload]), content_type="application/json").json()


def refusal(answer):
    assert answer["accepted"] == 0
    (one,) = answer["rejected"]
    return one["code"], one["field"]


def test_what_is_seen_and_clicked_is_marked_and_stored(point, browser):
    token = offered(point, browser)

    assert tell(browser, "view_promotion", token)["accepted"] == 1
    assert tell(browser, "select_promotion", token)["accepted"] == 1

    row = Decision.objects.get()
    assert row.decided_at < row.shown_at <= row.clicked_at <= timezone.now()
    events = Event.objects.order_by("pk")
    assert [one.event for one in events] == [EventName.VIEW_PROMOTION, EventName.SELECT_PROMOTION]
    assert {one.promotion_id for one in events} == {row.key.hex}
    assert {one.placement for one in events} == {"cart.offer"}


def test_a_click_alone_says_that_it_was_seen(point, browser):
    tell(browser, "select_promotion", offered(point, browser))

    row = Decision.objects.get()
    assert row.shown_at == row.clicked_at


def test_a_second_click_changes_nothing(point, browser):
    token = offered(point, browser)
    tell(browser, "select_promotion", token)
    before = Decision.objects.values().get()

    assert refusal(tell(browser, "select_promotion", token)) == (
        "promotion_repeated",
        "promotion_id",
    )
    assert refusal(tell(browser, "view_promotion", token))[0] == "promotion_repeated"
    assert Decision.objects.values().get() == before
    assert Event.objects.count() == 1


def test_two_in_one_batch_are_one(point, browser):
    token = offered(point, browser)
    batch = [{"event": "select_promotion", "promotion_id": token} for _ in range(2)]

    answer = browser.post(URL, json.dumps(batch), content_type="application/json").json()

    assert answer["accepted"] == 1
    assert [one["index"] for one in answer["rejected"]] == [1]


def test_the_same_event_sent_again_is_a_duplicate(point, browser):
    """A browser that got no answer sends once more."""
    token = offered(point, browser)
    tell(browser, "select_promotion", token, event_id="e1")

    answer = tell(browser, "select_promotion", token, event_id="e1")

    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (0, 1, [])


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "required"),
        ("", "required"),
        ("SUMMER", "promotion_malformed"),
        ("A" * 22 + "." + "A" * 22, "promotion_forged"),
        ("é" * 22 + "." + "A" * 22, "promotion_malformed"),
        (["x"], "not_text"),
    ],
)
def test_what_is_no_token_is_refused(point, browser, token, code):
    offered(point, browser)

    for event in ("view_promotion", "select_promotion"):
        assert refusal(tell(browser, event, token)) == (code, "promotion_id")
    assert not Event.objects.exists()
    assert not Decision.objects.filter(shown_at__isnull=False).exists()


def test_another_visitors_offer_is_not_ones_own(point, browser):
    token = offered(point, browser)
    other = Client(headers={"user-agent": BROWSER})
    other.cookies["engagement_visitor"] = identity._signer().sign(identity.new_key())

    assert refusal(tell(other, "select_promotion", token))[0] == "promotion_forged"
    assert refusal(tell(Client(), "select_promotion", token))[0] == "promotion_forged"
    assert not Decision.objects.filter(clicked_at__isnull=False).exists()


def test_a_changed_decision_is_a_forgery(point, browser):
    token = offered(point, browser)
    other = decision_tokens.issue("f" * 32, person=serving.visitor("a" + "9" * 32))
    mixed = other.partition(".")[0] + "." + token.partition(".")[2]

    assert refusal(tell(browser, "select_promotion", mixed))[0] == "promotion_forged"


def test_after_the_window_it_is_too_late_whatever_the_browsers_clock_says(point, browser):
    token = offered(point, browser, ago=timedelta(hours=24, minutes=1))
    earlier = (timezone.now() - timedelta(hours=10)).isoformat()

    answer = tell(browser, "select_promotion", token, event_time=earlier)

    assert refusal(answer)[0] == "promotion_expired"
    assert not Decision.objects.filter(clicked_at__isnull=False).exists()


def test_an_offer_that_was_erased_is_unknown(point, browser):
    token = offered(point, browser)
    Decision.objects.all().delete()

    assert refusal(tell(browser, "select_promotion", token))[0] == "promotion_unknown"


def test_a_browser_cannot_report_an_order(point, browser):
    token = offered(point, browser)

    answer = tell(
        browser, "purchase", token, order_id="1", items=["dune"], value=1000, currency="EUR"
    )

    assert refusal(answer)[0] == "server_only"
    assert Decision.objects.get().orders == 0


def test_what_was_shown_before_signing_in_may_be_clicked_after(point, browser, django_user_model):
    token = offered(point, browser)
    browser.force_login(django_user_model.objects.create_user("ada"))

    assert tell(browser, "select_promotion", token)["accepted"] == 1
