"""Two moderators at the same rows at the same moment: every row is decided about once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from engagement.flows.reviews import moderating
from engagement.flows.reviews.deciding import AlreadyModerated
from engagement.flows.reviews.moderating import Looked
from engagement.models import ItemRating, ModerationDecision, Review, Status
from tests.conftest import MONDAY
from tests.moderation import picture, write

NOW = MONDAY + timedelta(hours=1)


def together(*acts):
    """Run ``acts`` in a thread each, all from the same moment on; return what each answers."""
    gate = threading.Barrier(len(acts))

    def run(act):
        try:
            gate.wait(timeout=30)
            return act()
        except AlreadyModerated as late:
            return late
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result(timeout=60) for one in [pool.submit(run, act) for act in acts]]


@pytest.fixture
def moderators(django_user_model):
    return [django_user_model.objects.create_user(name) for name in ("ada", "ben")]


def looked(review, **fields):
    return Looked("review", str(review.key), version=review.updated_at, **fields)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_one_decision_each_whoever_is_quicker(moderators):
    ada, ben = moderators
    for n in range(12):
        review = write(f"Text {n}", by=f"reader-{n}", of=f"Book {n % 3}", rating=5)
        shown = picture(review)

        def approve(review=review, shown=shown):
            seen = looked(review, pictures=[str(shown.key)])
            return moderating.act(seen, "approve", at=NOW, moderator=ada)

        def reject(review=review):
            return moderating.act(looked(review), "reject", at=NOW, moderator=ben, reason="SPM")

        answers = together(approve, reject)

        decisions = ModerationDecision.objects.filter(subject_key=str(review.key))
        decision = decisions.get()
        late = [one for one in answers if isinstance(one, AlreadyModerated)]
        assert len(late) == 1
        assert decision.moderator.username in str(late[0])
        review.refresh_from_db()
        shown.refresh_from_db()
        assert review.status == decision.to_status
        # What hangs on the decision follows it, and is not half of each.
        assert (shown.status == Status.PUBLISHED) == (review.status == Status.PUBLISHED)
    for rating in ItemRating.objects.all():
        published = Review.objects.filter(item=rating.item_id, status=Status.PUBLISHED)
        assert rating.n_total == published.count()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_overlapping_selections_end_and_leave_one_decision_a_row(moderators):
    ada, ben = moderators
    reviews = [write(f"Text {n}", by=f"reader-{n}", of=f"Book {n % 2}") for n in range(10)]

    def all_of(moderator, what, order):
        def go():
            done = 0
            for review in order:
                try:
                    moderating.act(looked(review), what, at=NOW, moderator=moderator, reason="SPM")
                    done += 1
                except AlreadyModerated:
                    pass
            return done

        return go

    in_order = sorted(reviews, key=lambda one: str(one.key))
    done = together(
        all_of(ada, "approve", in_order[:7]),
        all_of(ben, "reject", in_order[3:]),
    )

    assert sum(done) == len(reviews)
    keys = list(ModerationDecision.objects.values_list("subject_key", flat=True))
    assert sorted(keys) == sorted(str(one.key) for one in reviews)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_decision_is_taken_back_once(moderators):
    ada, ben = moderators
    review = write("Text")
    decision = moderating.act(looked(review), "approve", at=NOW, moderator=ada)

    answers = together(
        *(
            lambda who=who: moderating.take_back(decision.pk, at=NOW, moderator=who)
            for who in (ada, ben)
        )
    )

    assert len([one for one in answers if isinstance(one, AlreadyModerated)]) == 1
    assert ModerationDecision.objects.filter(undoes=decision).count() == 1
    review.refresh_from_db()
    assert review.status == Status.HELD


@pytest.mark.django_db
def test_who_looks_at_an_old_page_changes_nothing(moderators):
    ada, ben = moderators
    review = write("Text")
    moderating.act(looked(review), "approve", at=NOW, moderator=ada)

    with pytest.raises(AlreadyModerated, match="by ada"):
        moderating.act(looked(review), "approve", at=NOW, moderator=ben)
    assert ModerationDecision.objects.count() == 1
