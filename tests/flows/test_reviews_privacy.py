"""What becomes of a person's words when they ask for them, or ask to be forgotten."""

import json
from datetime import timedelta

import pytest

from engagement import shortcuts
from engagement.flows.collecting.retention import purge_events
from engagement.flows.reviews import feedback, questions
from engagement.models import (
    ItemRating,
    Question,
    Review,
    ReviewPicture,
    ReviewVote,
    Status,
    Visitor,
)
from tests.conftest import MONDAY
from tests.reviewing import book_item, bought, photo, published, reader, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def emma():
    return book_item("Emma")


def lived(emma):
    """Ada has bought, written, asked, voted and reported."""
    ada, bob = reader("ada"), reader("bob")
    bought(ada, emma)
    mine = write(ada, emma, author_name="Ada L.", files=[photo()])
    theirs = write(bob, emma, body="Not for me, sadly.", rating=2)
    questions.ask({"body": "Is it long?", "author_name": "Ada"}, author=ada, item=emma, at=MONDAY)
    feedback.vote(theirs, is_helpful=True, author=ada, at=MONDAY)
    feedback.report(theirs, reason="VAC", note="ada says", author=ada, at=MONDAY)
    return mine, theirs


def test_an_export_holds_all_of_it_and_nothing_of_others(emma):
    lived(emma)

    told = shortcuts.export(customer="ada")

    text = json.dumps(told)
    assert [one["name"] for one in told["reviews"]] == ["Ada L."]
    assert told["reviews"][0]["verified_purchase"] is True
    assert told["reviews"][0]["analysis"]["sentiment"]
    assert [one["text"] for one in told["questions"]] == ["Is it long?"]
    assert len(told["votes"]) == len(told["reports"]) == len(told["events"]) == 1
    assert "Not for me" not in text
    assert shortcuts.export(customer="nobody") == {
        name: []
        for name in (
            "visitors",
            "events",
            "profiles",
            "offers",
            "used_offers",
            "decisions",
            "reviews",
            "questions",
            "answers",
            "votes",
            "reports",
        )
    }


def test_erasing_leaves_published_words_without_a_person(emma, django_capture_on_commit_callbacks):
    mine, theirs = lived(emma)
    file = ReviewPicture.objects.get().file

    with django_capture_on_commit_callbacks(execute=True):
        shortcuts.erase(customer="ada")

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.visitor, mine.author_name, mine.order_ref) == (None, "", "")
    assert not ReviewPicture.objects.exists()
    assert not file.storage.exists(file.name)
    assert (theirs.n_helpful, theirs.n_reports) == (0, 0)
    assert Question.objects.get().author_name == ""
    assert ItemRating.objects.get(item=emma).n_total == 2
    assert shortcuts.export(customer="ada")["reviews"] == []


def test_erasing_deletes_what_was_never_published(emma):
    held = write(reader("ada"), emma, body="Call me at +44 20 7946 0958, I loved this.")
    assert held.status == Status.HELD

    shortcuts.erase(customer="ada")

    assert not Review.objects.exists()


def test_a_shop_may_delete_reviews_with_their_author(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_ERASURE": "delete"}
    lived(emma)

    shortcuts.erase(customer="ada")

    assert Review.objects.get().author_name == ""
    assert ItemRating.objects.get(item=emma).n_total == 1
    assert not Question.objects.exists()


def test_authors_outlive_their_events(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RETENTION_DAYS": 30}
    author, voter, stranger = reader("ada"), reader("bob"), reader("eve")
    review = write(author, emma)
    feedback.vote(review, is_helpful=True, author=voter, at=MONDAY)
    Visitor.objects.update(created_at=MONDAY - timedelta(days=90), consent=None)

    purge_events(channel="", at=MONDAY)

    assert set(Visitor.objects.values_list("pk", flat=True)) == {
        author.visitor_id,
        voter.visitor_id,
    }
    assert stranger.visitor_id not in set(Visitor.objects.values_list("pk", flat=True))
    assert ReviewVote.objects.count() == 1
    assert published(emma).visitor is None
