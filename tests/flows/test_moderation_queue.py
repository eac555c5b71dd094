"""One queue over every kind of thing that people write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engagement.flows.reviews import queue
from engagement.flows.reviews.queue_kinds import Wanted
from engagement.models import Sentiment, Status, SubjectKind
from tests.conftest import MONDAY
from tests.moderation import answer, ask, flag, picture, post, understand_shop, write

pytestmark = pytest.mark.django_db
NOW = MONDAY + timedelta(days=1)


def kinds(n=50, start=0, **wanted):
    return [str(place.kind) for place in queue.page(Wanted(**wanted), at=NOW, start=start, n=n)]


def found(**wanted):
    """Return the rows by (kind, pk), and check that the count says the same."""
    places = queue.page(Wanted(**wanted), at=NOW, start=0, n=50)
    assert queue.count(Wanted(**wanted), at=NOW) == len(places)
    return {(str(place.kind), place.pk) for place in places}


def one(row, kind="review"):
    return {(kind, row.pk)}


@pytest.fixture
def everything():
    """Something of each kind waits; something of each kind does not."""
    written = write("Held", at=MONDAY - timedelta(hours=6), sentiment="negative")
    write("Shown", status=Status.PUBLISHED, sentiment="positive", by="other")
    shown = write("With a picture", status=Status.PUBLISHED, by="third")
    picture(shown)
    picture(written)
    post("The shop is awful", at=MONDAY - timedelta(hours=4), sentiment="negative")
    post("The shop is lovely", sentiment="positive")
    understand_shop("17", "negative", written_at=MONDAY - timedelta(hours=3))
    understand_shop("18", "positive", shop_status=Status.PUBLISHED)
    question = ask("Is it long?", at=MONDAY - timedelta(hours=2))
    answer(question, "Very.", at=MONDAY - timedelta(hours=1))
    ask("Is it good?", status=Status.PUBLISHED)
    return written


def test_one_queue_holds_every_kind_oldest_first(everything):
    assert kinds() == ["review", "post", "shop", "question", "answer", "picture"]


def test_the_newest_can_come_first(everything):
    assert kinds(order="newest") == ["picture", "answer", "question", "shop", "post", "review"]


def test_pages_follow_each_other_without_gap_or_repetition(everything):
    paged = [kind for start in (0, 2, 4, 6) for kind in kinds(n=2, start=start)]

    assert paged == kinds()


def test_what_was_displeased_most_can_come_first():
    fine = write("Fine", sentiment="positive")
    unread = write("Nobody has read this", by="b")
    angry = write("Bad", sentiment="negative", by="c", at=MONDAY + timedelta(hours=3))

    places = queue.page(Wanted(order="worst"), at=NOW, start=0, n=9)

    assert [place.pk for place in places] == [angry.pk, unread.pk, fine.pk]


def test_what_was_reported_most_can_come_first():
    write("Quiet", sentiment="positive")
    reported = write("Reported", by="b", n_reports=3, at=MONDAY + timedelta(hours=1))

    assert queue.page(Wanted(order="reported"), at=NOW, start=0, n=1)[0].pk == reported.pk


def test_filters_narrow_the_queue():
    late = MONDAY + timedelta(hours=30)
    mail = write("me@example.org", sentiment="positive", flags=[flag("PII")], rating=5)
    swears = write("Damn", of="Emma", sentiment="negative", flags=[flag("PRF")], by="b", at=late)
    chinese = write("很好", of="Emma", sentiment="neutral", language="zh", by="c", title="书评")
    old = write("Ages ago", at=MONDAY - timedelta(days=40), by="d", verified_purchase=True)

    assert found(flag="PII") == one(mail)
    assert found(flag="any") == one(mail) | one(swears)
    assert found(flag="none") == one(chinese)
    assert found(sentiment="neutral") == one(chinese)
    assert found(language="zh") == one(chinese)
    assert found(item="Emma") == one(swears) | one(chinese)
    assert found(item="emm") == one(swears) | one(chinese)
    assert found(item="dune", rating=5) == one(mail)
    assert found(age="older") == one(old)
    assert found(age="7") == one(mail) | one(swears) | one(chinese)
    assert found(search="书") == one(chinese)
    assert found(search="AGES") == one(old)
    assert found(author=old.visitor_id) == one(old)
    assert found(verified=True) == one(old)
    assert found(sentiment="negative", flag="PRF", item="Emma", language="en") == one(swears)


@pytest.mark.parametrize(
    "nonsense", [{"kind": "cow"}, {"age": "tomorrow"}, {"sentiment": "cross"}, {"flag": '"'}]
)
def test_a_filter_that_makes_no_sense_finds_nothing(nonsense):
    write("Held", sentiment="negative", flags=[flag("PII")])

    assert found(**nonsense) == set()


def test_each_kind_can_be_looked_at_alone(everything):
    for kind in SubjectKind:
        assert kinds(kind=kind) == [kind]


def test_other_statuses(everything):
    assert kinds(status=Status.PUBLISHED, order="newest").count("review") == 2
    assert sorted(kinds(status=Status.PUBLISHED)) == ["question", "review", "review", "shop"]
    assert kinds(status=Status.REJECTED) == []
    assert len(kinds(status="all")) == 12


def test_reported_reviews_are_found_among_the_published():
    reported = write("Rude", status=Status.PUBLISHED, n_reports=2)
    write("Kind", status=Status.PUBLISHED, by="b")

    assert found(status=Status.PUBLISHED, flag="reported") == one(reported)


def test_a_post_with_a_flag_or_few_stars_needs_attention_until_it_is_dealt_with():
    flagged = post("call 555", sentiment="positive", flags=[flag("PII")])
    poor = post("meh", rating=1)
    post("lovely", sentiment="positive", rating=5)
    post("dealt with", sentiment="negative", handled_at=MONDAY)

    assert found() == one(flagged, "post") | one(poor, "post")


def test_other_shops_have_their_own_queue():
    write("Here")
    there = write("There", channel="b2b", by="b")

    assert found(channel="b2b") == one(there)


def test_totals_agree_with_the_lists(everything):
    totals = queue.totals(channel="", at=NOW)

    for kind in SubjectKind:
        assert totals[kind, "waiting"] == len(kinds(kind=kind)), kind
    assert totals[SubjectKind.REVIEW, Status.PUBLISHED] == 2
    assert queue.waiting(channel="", at=NOW) == dict.fromkeys(SubjectKind, 1)


def test_the_cost_does_not_follow_the_length(everything, django_assert_num_queries):
    with django_assert_num_queries(3):
        queue.page(Wanted(order="worst", flag="any"), at=NOW, start=0, n=25)
        queue.count(Wanted(sentiment=Sentiment.NEGATIVE), at=NOW)
        queue.totals(channel="", at=NOW)


def test_an_empty_queue_is_no_mistake():
    assert kinds() == []
    assert queue.totals(channel="", at=NOW) == {}
    assert queue.languages(channel="") == []
