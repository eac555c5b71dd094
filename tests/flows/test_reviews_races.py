"""Two at once, on a database that lets them: one decision each, one review a purchase."""

import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from engagement.flows.reviews import feedback, submit
from engagement.flows.reviews.deciding import AlreadyModerated, decide, decide_many, undo
from engagement.flows.reviews.submit import AlreadyReviewed
from engagement.models import ItemRating, ModerationDecision, Review, ReviewVote, Status
from tests.conftest import MONDAY
from tests.reviewing import book_item, bought, published, reader

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def at_once(*calls):
    """Call functions at the same moment, each on a connection of its own; return what came out."""
    gate = threading.Barrier(len(calls))
    results = [None] * len(calls)

    def run(place, call):
        try:
            gate.wait(10)
            results[place] = call()
        except Exception as problem:
            results[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.fixture
def emma():
    return book_item("Emma")


def moderators(n=2):
    return [get_user_model().objects.create_user(f"moderator-{i}") for i in range(n)]


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_moderators_one_decides_and_the_other_is_told(emma, attempt):
    review = Review.objects.create(item=emma, rating=3, body="Hm.", status=Status.HELD)
    ada, bob = moderators()

    results = at_once(
        lambda: decide("review", review.key, "published", at=MONDAY, moderator=ada),
        lambda: decide("review", review.key, "rejected", at=MONDAY, moderator=bob, reasons=["SPM"]),
    )

    (late,) = [one for one in results if isinstance(one, AlreadyModerated)]
    decision = ModerationDecision.objects.get()
    assert late.decision == decision
    assert decision.moderator.username in late.message
    assert Review.objects.get().status == decision.to_status


def test_two_bulk_decisions_over_the_same_rows_neither_deadlock_nor_decide_twice(emma):
    keys = [
        Review.objects.create(item=emma, rating=3, body="x", status=Status.HELD).key
        for _ in range(30)
    ]
    ada, bob = moderators()

    first, second = at_once(
        lambda: decide_many("review", keys, "published", at=MONDAY, moderator=ada),
        lambda: decide_many("review", keys[::-1], "published", at=MONDAY, moderator=bob),
    )

    assert len(first.decisions) + len(second.decisions) == 30
    assert len(first.conflicts) + len(second.conflicts) == 30
    assert ModerationDecision.objects.count() == 30
    assert ItemRating.objects.get().n_total == 30


def test_a_decision_is_taken_back_once(emma):
    review = Review.objects.create(item=emma, rating=3, body="x", status=Status.HELD)
    ada, bob = moderators()
    decision = decide("review", review.key, "published", at=MONDAY, moderator=ada)

    results = at_once(
        lambda: undo(decision, moderator=ada, at=MONDAY),
        lambda: undo(decision, moderator=bob, at=MONDAY),
    )

    assert sum(isinstance(one, AlreadyModerated) for one in results) == 1
    assert ModerationDecision.objects.count() == 2


@pytest.mark.parametrize("attempt", range(3))
def test_a_form_that_is_sent_twice_at_once_makes_one_review(emma, attempt):
    ada = reader("ada")
    bought(ada, emma)

    def send():
        return submit.submit({"rating": 5, "body": "Good."}, author=ada, item=emma, at=MONDAY)

    results = at_once(send, send, send)

    assert sum(isinstance(one, AlreadyReviewed) for one in results) == 2
    assert Review.objects.count() == 1


def test_reviews_that_are_published_at_once_are_all_counted(emma):
    reviews = [
        Review.objects.create(item=emma, rating=n % 5 + 1, body="x", status=Status.HELD)
        for n in range(6)
    ]

    results = at_once(
        *(
            lambda key=review.key: decide("review", key, "published", at=MONDAY)
            for review in reviews
        )
    )

    assert not [one for one in results if isinstance(one, Exception)]
    assert ItemRating.objects.get().n_total == 6
    assert ItemRating.objects.get().counts == (2, 1, 1, 1, 1)


def test_votes_that_come_at_once_are_all_counted(emma):
    review = published(emma)
    voters = [reader(f"voter-{n}") for n in range(6)]

    results = at_once(
        *(
            lambda who=who: feedback.vote(review, is_helpful=True, author=who, at=MONDAY)
            for who in voters
        )
    )

    assert not [one for one in results if isinstance(one, Exception)]
    review.refresh_from_db()
    assert review.n_helpful == ReviewVote.objects.count() == 6


def test_an_edit_and_a_decision_at_once_never_publish_what_nobody_saw(emma):
    author = reader("ada")
    review = Review.objects.create(
        item=emma, rating=3, body="Seen.", status=Status.HELD, visitor_id=author.visitor_id
    )
    (ada,) = moderators(1)

    at_once(
        lambda: decide(
            "review", review.key, "published", at=MONDAY, moderator=ada, version=review.updated_at
        ),
        lambda: submit.edit(
            Review.objects.get(pk=review.pk),
            {"body": "Call me: +44 20 7946 0958"},
            author=author,
            at=MONDAY,
        ),
    )

    review.refresh_from_db()
    assert not (review.status == Status.PUBLISHED and "Call" in review.body)
