"""A shop that keeps its own reviews: ours are off, theirs are decided about and answered."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from engagement.adapters import ModelReviews
from engagement.flows.reviews.authors import MayNotWrite
from engagement.flows.reviews.deciding import AlreadyModerated, decide, undo
from engagement.flows.reviews.replies import reply_in_shop
from engagement.flows.understanding import kept
from engagement.models import ModerationDecision, Review, ReviewAnalysis, Status
from engagement.testing import ShopReviewsTests
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_book
from tests.othershop.models import Opinion
from tests.reviewing import book_item, reader, write

NAMES = {
    "MODEL": "othershop.Opinion",
    "ITEM": "book_id",
    "RATING": "stars",
    "TITLE": "headline",
    "BODY": "words",
    "CUSTOMER": "reader_id",
    "CREATED_AT": "written",
    "REPLY": "answer",
    "STATUS": "state",
    "STATUSES": {"new": "pending", "ok": "published", "bad": "rejected"},
}


def opinions():
    book = make_book("Emma")
    return [
        Opinion.objects.create(book=book, words=words, written=MONDAY + timedelta(hours=n))
        for n, words in enumerate(("Good.", "Bad."))
    ]


class TestModelReviews(ShopReviewsTests):
    @staticmethod
    def reviews():
        return ModelReviews(NAMES)

    def fill(self):
        opinions()


@pytest.fixture
def theirs(db, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEWS": NAMES}
    return opinions()


@pytest.fixture
def ada(db):
    return get_user_model().objects.create_user("Ada", is_staff=True)


def test_the_app_keeps_no_reviews_beside_the_shops(theirs):
    with pytest.raises(MayNotWrite) as refused:
        write(reader("ada"), book_item("Dune"))

    assert refused.value.code == "kept_by_shop"
    assert not Review.objects.exists()


def test_a_decision_is_written_into_the_shop_as_the_shop_would(theirs, ada):
    decision = decide("shop", theirs[0].pk, "rejected", at=MONDAY, moderator=ada, reasons=["PRF"])

    row = Opinion.objects.get(pk=theirs[0].pk)
    assert (row.state, row.n_saved) == ("bad", 2)
    assert (decision.from_status, decision.to_status) == ("pending", "rejected")
    undo(decision, moderator=ada, at=MONDAY)
    assert Opinion.objects.get(pk=theirs[0].pk).state == "new"


def test_the_second_moderator_of_the_shops_review_is_told(theirs, ada):
    decide("shop", theirs[0].pk, "published", at=MONDAY, moderator=ada)

    with pytest.raises(AlreadyModerated, match="Already moderated by Ada"):
        decide("shop", theirs[0].pk, "rejected", at=MONDAY, moderator=ada, reasons=["SPM"])

    assert ModerationDecision.objects.count() == 1


def test_a_reply_is_put_under_the_shops_review(theirs, ada):
    reply_in_shop(str(theirs[0].pk), "Thank you.", by=ada)

    assert Opinion.objects.get(pk=theirs[0].pk).answer == "Thank you."
    with pytest.raises(Review.DoesNotExist):
        reply_in_shop("99999", "Hello?", by=ada)


def test_a_shop_that_knows_no_held_keeps_waiting(theirs):
    decide("shop", theirs[0].pk, "published", at=MONDAY)
    decide("shop", theirs[0].pk, "held", at=MONDAY, seen=["published"])

    assert (
        ModelReviews(NAMES).get_reviews([str(theirs[0].pk)])[str(theirs[0].pk)].status
        == Status.PENDING
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"REVIEWS": {"MODEL": "othershop.Nothing"}}, "does not exist"),
        ({"REVIEWS": {**NAMES, "BODY": "wrods"}}, "words"),
        ({"REVIEWS": {**NAMES, "STATUSES": {"new": "waiting"}}}, "waiting"),
        ({"REVIEW_POLICY": {"XXX": "hold"}}, "XXX"),
        ({"REVIEW_POLICY": {"PII": "hide"}}, "hide"),
        ({"REVIEW_AUTHORS": "everybody"}, "everybody"),
        ({"REVIEW_RATE": "often"}, "often"),
    ],
)
def test_mistakes_in_settings_are_told_at_start_up(settings, wrong, said):
    from engagement.checks import check_settings

    with override_settings(ENGAGEMENT={**settings.ENGAGEMENT, **wrong}):
        messages = check_settings()

    assert any(said in f"{one.msg} {one.hint}" for one in messages)


# -- read as they are written -------------------------------------------------------------------
RUDE = "You are all idiots and assholes."


def opinion(words, state, at=MONDAY):
    return Opinion.objects.create(book=make_book("Dune"), words=words, state=state, written=at)


@pytest.mark.parametrize(
    ("words", "state", "age", "after"),
    [
        (RUDE, "ok", 0, "new"),
        (RUDE, "ok", 3, "ok"),
        (RUDE, "new", 0, "new"),
        ("Lovely.", "new", 0, "new"),
        ("Lovely.", "ok", 0, "ok"),
    ],
)
def test_policy_holds_what_is_new_and_publishes_nothing(theirs, words, state, age, after):
    row = opinion(words, state, MONDAY - timedelta(days=age))

    kept.follow(str(row.pk), at=MONDAY, is_new_text=True)

    row.refresh_from_db()
    assert row.state == after
    assert ReviewAnalysis.objects.get(subject_key=str(row.pk)).shop_status == (
        "published" if after == "ok" else "pending" if state == "new" else "held"
    )


def test_what_the_shops_people_decide_is_noted_and_not_undone(theirs):
    row = opinion(RUDE, "new")
    kept.follow(str(row.pk), at=MONDAY, is_new_text=True)
    Opinion.objects.filter(pk=row.pk).update(state="ok")

    kept.follow(str(row.pk), at=MONDAY, is_new_text=False)
    kept.follow(str(row.pk), at=MONDAY, is_new_text=True)

    row.refresh_from_db()
    assert row.state == "ok"
    assert ReviewAnalysis.objects.get().shop_status == "published"


def test_a_review_that_is_gone_leaves_nothing(theirs):
    row = opinion(RUDE, "new")
    kept.follow(str(row.pk), at=MONDAY, is_new_text=True)
    key = str(row.pk)
    row.delete()

    kept.follow(key, at=MONDAY, is_new_text=False)

    assert not ReviewAnalysis.objects.exists()


def test_a_new_text_waits_where_reading_takes_long(theirs, settings):
    row = opinion("Lovely.", "new")
    kept.follow(str(row.pk), at=MONDAY, is_new_text=True)
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFY_AT_ONCE": False}

    assert kept.follow(str(row.pk), at=MONDAY, is_new_text=True)

    assert not ReviewAnalysis.objects.exists()
