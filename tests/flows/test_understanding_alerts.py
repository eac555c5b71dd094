"""Items whose reviews got worse are told once; what reviews say of items and visitors is used."""

from datetime import timedelta

import numpy as np
import pytest
from django.core import mail
from scipy.stats import false_discovery_control, fisher_exact

from engagement.flows.understanding import alerts, features
from engagement.flows.understanding.analyse import analyse
from engagement.models import ReviewAnalysis, ReviewVote, SentimentAlert
from engagement.signals import sentiment_fell
from tests.othershop.catalogue import make_item
from tests.understanding import review, visitor

pytestmark = pytest.mark.django_db

GLAD = "Excellent, wonderful, I love it"
CROSS = "Terrible, awful delivery, the worst"


def reviews(about, n, text, *, at, days):
    for number in range(n):
        review(
            f"{text} {about.key} {days} {number}",
            at=at - timedelta(days=days, minutes=number),
            rating=5 if text == GLAD else 1,
            about=about,
            status="published",
        )


@pytest.fixture
def fallen(at):
    """A book that was loved all year and is not any more, and one that is as before."""
    worse, same = make_item("Dune"), make_item("Emma")
    for one in (worse, same):
        reviews(one, 12, GLAD, at=at, days=90)
        reviews(one, 1, CROSS, at=at, days=80)
    reviews(worse, 6, CROSS, at=at, days=3)
    reviews(same, 6, GLAD, at=at, days=3)
    analyse(channel="", at=at)
    return worse


def test_what_got_worse_beyond_chance_is_told(fallen, at):
    told = []

    def listen(alert, **kwargs):
        told.append(alert)

    sentiment_fell.connect(listen)
    (alert,) = alerts.watch(channel="", at=at)
    sentiment_fell.disconnect(listen)
    assert told == [alert]
    assert alert.item == fallen
    assert alert.counts == {
        "recent": {"n": 6, "negative": 6},
        "before": {"n": 13, "negative": 1},
    }
    assert alert.q_value < 0.01
    assert alert.aspects[0] == {"aspect": "delivery", "n": 6}


def test_it_is_told_once(fallen, at):
    alerts.watch(channel="", at=at)
    assert alerts.watch(channel="", at=at + timedelta(days=1)) == []
    assert SentimentAlert.objects.count() == 1


def test_an_item_that_recovers_is_closed_and_may_fall_again(fallen, at):
    alerts.watch(channel="", at=at)
    later = at + timedelta(days=60)
    reviews(fallen, 8, GLAD, at=later, days=2)
    analyse(channel="", at=later)
    assert alerts.watch(channel="", at=later) == []
    assert SentimentAlert.objects.get().resolved_at == later
    again = later + timedelta(days=60)
    reviews(fallen, 9, CROSS, at=again, days=2)
    analyse(channel="", at=again)
    assert len(alerts.watch(channel="", at=again)) == 1


def test_one_bad_review_is_no_alert(at):
    book = make_item("Dune")
    reviews(book, 12, GLAD, at=at, days=90)
    reviews(book, 4, GLAD, at=at, days=5)
    reviews(book, 1, CROSS, at=at, days=3)
    analyse(channel="", at=at)
    assert alerts.watch(channel="", at=at) == []


def test_the_tests_are_those_of_the_textbook():
    ours = alerts.at_least(6, drawn=6, marked=7, total=19)
    theirs = fisher_exact([[6, 0], [1, 12]], alternative="greater").pvalue
    assert ours == pytest.approx(theirs)
    chances = np.array([0.01, 0.5, 0.03, 0.002])
    assert alerts.benjamini_hochberg(chances) == pytest.approx(false_discovery_control(chances))
    assert len(alerts.benjamini_hochberg(np.empty(0))) == 0


# -- by mail --------------------------------------------------------------------------------
def test_the_digest_tells_each_alert_once(fallen, at, settings):
    alerts.watch(channel="", at=at)
    assert alerts.mail_digest(channel="", at=at) == 0
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ALERT_RECIPIENTS": ["shop@example.com"]}
    assert alerts.mail_digest(channel="", at=at) == 1
    assert alerts.mail_digest(channel="", at=at) == 0
    (message,) = mail.outbox
    assert message.to == ["shop@example.com"]
    assert "Dune: 6 of the latest 6, 1 of 13 before (delivery)" in message.body


def test_a_mail_that_cannot_be_sent_is_sent_the_next_time(fallen, at, settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ALERT_RECIPIENTS": ["shop@example.com"]}
    alerts.watch(channel="", at=at)
    with monkeypatch.context() as patch:
        patch.setattr(alerts, "send_mail", _refuse)
        with pytest.raises(OSError, match="no mail"):
            alerts.mail_digest(channel="", at=at)
    assert alerts.mail_digest(channel="", at=at) == 1


def _refuse(*args):
    raise OSError("no mail today")


# -- for the rest of the app ----------------------------------------------------------------
def test_items_have_numbers_that_few_reviews_do_not_turn(fallen):
    found = features.item_features("")
    dune, emma = found.of(np.array([fallen.pk, make_item("Ulysses").pk]))
    assert found.names == ("rating", "n_ratings", "sentiment", "p_negative")
    assert dune[3] > emma[3]
    assert 1 < dune[0] < emma[0] < 5
    assert found.values.dtype == np.float32
    lonely = make_item("Nadja")
    review(CROSS, at=ReviewAnalysis.objects.first().written_at, about=lonely, status="published")
    analyse(channel="", at=ReviewAnalysis.objects.latest("analysed_at").analysed_at)
    (row,) = features.item_features("").of(np.array([lonely.pk]))
    assert row[0] > 3


def test_features_of_the_past_know_nothing_of_later(fallen, at):
    before = features.item_features("", until=at - timedelta(days=30)).of(np.array([fallen.pk]))
    after = features.item_features("", until=at).of(np.array([fallen.pk]))
    assert before[0, 2] > after[0, 2]
    assert np.expm1(before[0, 1]) == pytest.approx(13)


def test_a_shop_without_reviews_has_numbers_too(at):
    make_item("Dune")
    assert features.item_features("").values.tolist() == [[3.0, 0.0, 0.0, 0.0]]


def test_how_items_are_felt_about_in_one_query(fallen, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = features.sentiment_of([fallen.pk])
    assert found[fallen.pk].n == 19
    assert found[fallen.pk].negative == pytest.approx(7 / 19)


def test_visitors_care_about_what_they_write_and_vote_for(at):
    writer, reader = visitor(), visitor()
    liked = review("Excellent delivery, fast delivery", at=at, author=writer, status="published")
    for number in range(6):
        review(f"The story is lovely {number}", at=at, status="published")
    ReviewVote.objects.create(review=liked, visitor=reader, is_helpful=True)
    analyse(channel="", at=at)
    found = features.interests([writer.pk, reader.pk], channel="")
    assert "delivery" in dict(found[writer.pk])
    assert "delivery" in dict(found[reader.pk])
    assert dict(found[writer.pk])["delivery"] > dict(found[reader.pk])["delivery"] > 1
