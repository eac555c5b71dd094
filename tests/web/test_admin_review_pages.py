"""Answering first what matters, figures, alerts and the lists beside the moderators' queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from engagement.flows.reviews import stock_replies
from engagement.models import (
    Activation,
    AspectSummary,
    AspectTerm,
    EventName,
    Item,
    ModelArtifact,
    ModerationDecision,
    ReplyTemplate,
    Review,
    ReviewLabel,
    SentimentAlert,
    Status,
)
from tests.moderation import ask, item_of, post, write
from tests.othershop.catalogue import make_event, make_visitor

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:engagement_review_{name}", args=args)


def chart(response, key):
    return next(one for one in response.context["charts"] if one.key == key)


def table(response, key):
    """Return the rows of a chart's table: label and cells."""
    return {row["label"]: row["cells"] for row in chart(response, key).rows()}


@pytest.fixture
def now():
    return timezone.now()


# -- answering first ------------------------------------------------------------------------
def test_the_most_urgent_comes_first_with_the_reasons_in_words(admin_client, now):
    write("Old", title="Old", by="a", status="published", rating=1, at=now - timedelta(days=60))
    write("Fine", title="Fine", by="b", status="published", rating=5, at=now)
    write("Poor", title="Poor", by="c", status="published", rating=1, at=now)
    rich = write(
        "Rich", title="Rich", by="d", status="published", sentiment="negative", rating=1, at=now
    )
    for who, value in (("d", 900), ("c", 10)):
        make_event(
            make_visitor(who),
            item_of("Dune"),
            at=now - timedelta(days=1),
            event=EventName.PURCHASE,
            value=value,
            currency="EUR",
        )

    cards = admin_client.get(page("triage")).context["cards"]

    assert [card.heading for card in cards] == ["Rich", "Poor", "Old"]
    assert cards[0].entry.row == rich
    assert cards[0].why[:2] == ["80 % likely displeased", "has spent 900.00 EUR, more than most"]
    assert cards[1].why[:2] == ["few stars; nobody has read it yet", "has spent 10.00 EUR"]
    assert cards[2].why[1] == "no purchase known"


def complaint(language, aspect, **fields):
    return write(
        "…",
        status=Status.PUBLISHED,
        language=language,
        sentiment="negative",
        aspects=[
            {"aspect": "taste", "polarity": 0.4, "quote": "tasty"},
            {"aspect": aspect, "polarity": -0.8, "quote": "late"},
        ],
        at=timezone.now(),
        **fields,
    )


@pytest.mark.parametrize(
    ("language", "aspect", "beginning"),
    [
        ("en", "delivery", "Hello Ada, I am sorry that your order did not reach you"),
        ("zh", "delivery", "Ada您好，这次配送没有做好"),
        ("zh-hans", "Delivery", "Ada您好，这次配送没有做好"),
        ("en", "colour", "Hello Ada, thank you for telling us frankly what you think of Dune."),
        ("fr", "delivery", ""),
    ],
)
def test_a_reply_begins_in_its_language_about_its_worst_complaint(
    admin_client, language, aspect, beginning
):
    stock_replies.create_defaults("")
    complaint(language, aspect, author_name="Ada")

    (card,) = admin_client.get(page("triage")).context["cards"]

    assert card.reply_box.text.startswith(beginning)
    assert bool(card.reply_box.text) == bool(beginning)


def test_what_it_complains_of_is_named_for_the_reader_and_in_the_reply_for_its_author(admin_client):
    ReplyTemplate.objects.create(name="Own", language="zh", text="关于{aspect}")
    complaint("zh", "delivery", author_name="Ada")

    english = admin_client.get(page("triage"), headers={"accept-language": "en"})
    chinese = admin_client.get(page("triage"), headers={"accept-language": "zh-hans"})

    assert '<span class="eng-bad">delivery</span>' in english.content.decode()
    assert '<span class="eng-bad">配送</span>' in chinese.content.decode()
    assert english.context["cards"][0].reply_box.text == "关于配送"


def test_a_template_fills_gaps_and_reaches_into_nothing():
    template = ReplyTemplate(text="Hello {author}, {item} {item.__class__} {nonsense} {0}")

    assert template.fill({"author": "", "item": "Dune"}) == (
        "Hello, Dune {item.__class__} {nonsense} {0}"
    )


def reply(client, review, text, **fields):
    return client.post(
        page("reply", f"review:{review.key}"), {"text": text, "do": "reply", **fields}
    )


def test_a_reply_is_published_changed_and_taken_back(admin_client):
    review = complaint("en", "delivery")
    template = ReplyTemplate.objects.create(name="Mine", language="en", text="Sorry.")

    reply(admin_client, review, "We are sorry.", seen="", template=template.pk)
    review.refresh_from_db()
    assert review.reply_text == "We are sorry."
    template.refresh_from_db()
    assert template.n_used == 1
    reply(admin_client, review, "We are very sorry.", seen="We are sorry.")
    review.refresh_from_db()
    assert review.reply_text == "We are very sorry."
    admin_client.post(page("reply", f"review:{review.key}"), {"do": "remove"})
    review.refresh_from_db()
    assert review.reply_text == ""


def test_two_colleagues_do_not_overwrite_each_others_replies(admin_client):
    review = complaint("en", "delivery")
    reply(admin_client, review, "First.", seen="")

    response = reply(admin_client, review, "Second, and long.", seen="")

    review.refresh_from_db()
    assert review.reply_text == "First."
    shown = response.content.decode()
    assert "A colleague has answered meanwhile." in shown
    assert "Second, and long.</textarea>" in shown


@pytest.mark.parametrize("text", ["", "   ", "x" * 6000])
def test_a_reply_that_cannot_be_taken_is_not_lost(admin_client, text):
    review = complaint("en", "delivery")

    response = reply(admin_client, review, text, seen="")

    assert response.status_code == 200
    assert "errornote" in response.content.decode()
    review.refresh_from_db()
    assert review.reply_text == ""


def test_words_for_a_reply_can_be_chosen_without_script(admin_client):
    stock_replies.create_defaults("")
    review = complaint("en", "delivery")
    other = ReplyTemplate.objects.get(language="en", name="Price")

    response = admin_client.get(page("reply", f"review:{review.key}"), {"template": other.pk})

    assert "frank words about the price of Dune" in response.content.decode()


@pytest.mark.parametrize("ref", ["review:nonsense", "cow:1", "post:1", "shop:17"])
def test_what_is_not_there_cannot_be_answered(admin_client, ref):
    assert admin_client.get(page("reply", ref)).status_code == 404


def test_triage_costs_the_same_whatever_stands_in_it(admin_client):
    stock_replies.create_defaults("")

    def cost():
        with CaptureQueriesContext(connection) as found:
            admin_client.get(page("triage"))
        return len(found)

    complaint("en", "delivery", by="a")
    cost()
    few = cost()
    for n in range(6):
        complaint("zh", "taste", by=f"b{n}")

    assert cost() == few


# -- figures --------------------------------------------------------------------------------
@pytest.fixture
def past(now):
    """Six weeks of reviews: Dune displeases, Emma does not; a fake was rejected."""
    for week in range(6):
        at = now - timedelta(weeks=week, hours=1)
        write("bad", by=f"a{week}", of="Dune", status="published", sentiment="negative", at=at)
        write("good", by=f"b{week}", of="Emma", status="published", sentiment="positive", at=at)
    write("fake", by="fake", of="Emma", status="rejected", sentiment="negative", at=now)
    Item.objects.filter(title="Dune").update(category="Books > Science fiction")
    Item.objects.filter(title="Emma").update(category="Books > Novels")


def test_what_customers_feel_is_counted_by_week(admin_client, past):
    response = admin_client.get(page("figures"), {"days": 90})

    mood = chart(response, "eng-mood")
    assert mood.summary == "12 texts, 50 % of them displeased."
    totals = {series.label: sum(series.values) for series in mood.series}
    assert totals == {"positive": 6, "neutral": 0, "negative": 6}
    assert len(mood.labels) == 13
    assert len(chart(admin_client.get(page("figures"), {"days": 30}), "eng-mood").labels) == 30


def test_what_displeases_is_named_with_its_interval(admin_client, past):
    response = admin_client.get(page("figures"))

    assert table(response, "eng-items") == {"Dune (6)": ["100 (61 – 100)"]}
    assert table(response, "eng-categories") == {"Books (12)": ["50 (25 – 75)"]}


def test_aspects_rise_and_fall(admin_client, now):
    for category, aspect, n, trend in (
        ("Books", "print", 10, 0.3),
        ("Books", "delivery", 30, -0.4),
        ("Toys", "delivery", 10, 0.0),
        ("Toys", "colour", 5, None),
    ):
        AspectSummary.objects.create(
            category=category, aspect=aspect, n_texts=n, trend=trend, counted_at=now
        )

    response = admin_client.get(page("figures"))

    assert table(response, "eng-aspects") == {"print (10)": ["0.30"], "delivery (40)": ["-0.30"]}
    assert (
        chart(response, "eng-aspects").summary == "print got better most. delivery got worse most."
    )


def decided(review, to, *, after, moderator, codes=(), by="moderator", **fields):
    return ModerationDecision.objects.create(
        subject_kind="review",
        subject_key=str(review.key),
        review=review,
        to_status=to,
        reason="SPM" if to == Status.REJECTED else "",
        actor=by,
        moderator=moderator if by == "moderator" else None,
        opinion={
            "sentiment": "negative",
            "flags": [{"code": code, "confidence": sure} for code, sure in codes],
        },
        decided_at=review.created_at + timedelta(hours=after),
        **fields,
    )


def test_model_and_moderators_are_compared(admin_client, admin_user, now):
    # In the morning, so that all decisions fall on one day whenever the test runs.
    morning = (now - timedelta(days=2)).replace(hour=8)
    reviews = [write(f"Text {n}", by=f"r{n}", status="published", at=morning) for n in range(5)]
    spam, unsure = [("SPM", 0.9)], [("PII", 0.2)]
    decided(reviews[0], "rejected", after=2, moderator=admin_user, codes=spam)
    decided(reviews[1], "published", after=4, moderator=admin_user, codes=spam)
    decided(reviews[2], "published", after=6, moderator=admin_user, codes=unsure)
    first = decided(reviews[3], "rejected", after=8, moderator=admin_user)
    decided(reviews[3], "held", after=9, moderator=admin_user, undoes=first)
    decided(reviews[4], "published", after=1, moderator=admin_user, by="policy")
    ReviewLabel.objects.create(
        subject_kind="review", subject_key=str(reviews[2].key), field="sentiment", value="positive"
    )
    Review.objects.filter(pk=reviews[1].pk).update(
        reply_text="Thanks", reply_at=reviews[1].created_at + timedelta(hours=10)
    )

    response = admin_client.get(page("figures"), {"days": 30})

    assert table(response, "eng-agreement") == {
        "it is advertising or repeats itself": ["1", "1"],
        "no flag": ["0", "1"],
    }
    assert chart(response, "eng-agreement").summary == (
        "They agreed about 67 % of 3 texts. The sentiment of 67 % was left as the model had it."
    )
    quick = chart(response, "eng-quick")
    assert quick.summary == "Median hours. Decisions: 3, replies: 1."
    assert response.context["decided"].by_policy == 1
    assert {value for value in quick.series[0].values if value is not None} == {4.0}
    assert [value for value in quick.series[1].values if value is not None] == [10.0]


def test_the_live_classifier_shows_how_reliable_it_is(admin_client, now):
    artifact = ModelArtifact.objects.create(
        alias="sentiment",
        backend="x.Tfidf",
        path="x",
        verdict="ahead",
        trained_at=now,
        metrics={
            "winner": "new",
            "models": {"new": {"calibration_error": 0.021}},
            "reliability": {
                "confidence": [None, 0.45, 0.9],
                "accuracy": [None, 0.5, 0.88],
                "counts": [0, 20, 80],
            },
        },
    )
    Activation.objects.create(alias="sentiment", artifact=artifact, activated_at=now)

    found = admin_client.get(page("figures"))

    assert table(found, "eng-reliability") == {
        "45 % (20)": ["50.0", "45.0"],
        "90 % (80)": ["88.0", "90.0"],
    }
    assert "100 held-out labels. Expected calibration error: 0.021." in (
        chart(found, "eng-reliability").summary
    )


@pytest.mark.parametrize("metrics", [{}, {"reliability": None}, {"reliability": {}}])
def test_a_classifier_that_was_not_measured_is_no_mistake(admin_client, now, metrics):
    artifact = ModelArtifact.objects.create(
        alias="sentiment",
        backend="x",
        path="x",
        verdict="untested",
        trained_at=now,
        metrics=metrics,
    )
    Activation.objects.create(alias="sentiment", artifact=artifact, activated_at=now)

    assert chart(admin_client.get(page("figures")), "eng-reliability").is_empty


def test_figures_of_an_empty_shop_are_empty(admin_client):
    response = admin_client.get(page("figures"), {"days": "soon"})

    assert all(one.is_empty for one in response.context["charts"])


# -- alerts and lists -----------------------------------------------------------------------
def test_alerts_show_what_got_worse_open_ones_first(admin_client, now):
    counts = {"recent": {"n": 12, "negative": 7}, "before": {"n": 80, "negative": 8}}
    SentimentAlert.objects.create(
        item=item_of("Emma"), raised_at=now, resolved_at=now, counts={}, q_value=0.01
    )
    SentimentAlert.objects.create(
        item=item_of("Dune"),
        raised_at=now - timedelta(days=3),
        counts=counts,
        q_value=0.012,
        aspects=["delivery"],
    )

    response = admin_client.get(page("alerts"))

    lines = response.context["lines"]
    assert [str(line["item"]) for line in lines] == ["Dune", "Emma"]
    assert lines[0]["recent"] == "7 of 12 displeased (58 %)"
    assert (lines[1]["recent"], lines[0]["sure"]) == ("–", "98.8")


LISTS = (
    "review",
    "question",
    "post",
    "moderationdecision",
    "replytemplate",
    "flagterm",
    "aspectterm",
)


@pytest.mark.parametrize("name", LISTS)
def test_lists_open_and_find(admin_client, admin_user, now, name):
    review = write("Held")
    decided(review, "rejected", after=1, moderator=admin_user)
    ask("Long?")
    post("Avoid", sentiment="negative", url="https://forum.example/1")
    stock_replies.create_defaults("")
    AspectTerm.objects.create(language="en", aspect="size", term="runs small")

    url = reverse(f"admin:engagement_{name}_changelist")

    assert admin_client.get(url).status_code == 200
    assert admin_client.get(url, {"q": "x"}).status_code == 200


def test_stock_templates_are_added_once_and_words_found_are_taken(admin_client):
    add = reverse("admin:engagement_replytemplate_stock")
    admin_client.post(add)
    admin_client.post(add)
    assert ReplyTemplate.objects.count() == 18
    assert {one.language for one in ReplyTemplate.objects.all()} == {"en", "zh"}

    term = AspectTerm.objects.create(
        language="en", aspect="size", term="runs small", origin=AspectTerm.Origin.FOUND
    )
    words = reverse("admin:engagement_aspectterm_changelist")
    admin_client.post(words, {"action": "take", "_selected_action": [term.pk]})
    term.refresh_from_db()
    assert term.origin == AspectTerm.Origin.OWN


def test_a_template_with_an_unknown_placeholder_is_refused(admin_client):
    url = reverse("admin:engagement_replytemplate_add")
    fields = {"name": "Mine", "language": "en", "text": "Hello {customer}", "is_active": "on"}

    response = admin_client.post(url, fields)

    assert "“{customer}” is not known here" in response.content.decode()
    assert not ReplyTemplate.objects.exists()
