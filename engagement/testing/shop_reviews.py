"""
What the reviews that a shop keeps itself must do, as tests to inherit.

In the test suite of a shop that answers ``reviews()``, with pytest-django::

    from engagement.testing import ShopReviewsTests

    class TestMyReviews(ShopReviewsTests):
        reviews = MyReviews

        def fill(self):
            make_review(status="new", text="Good")
            make_review(status="new", text="Bad")
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest

from engagement.models import Status
from engagement.shop_reviews import ShopReview, ShopReviews
from engagement.testing.adapters import STRANGE_KEYS

WAITING = (Status.PENDING, Status.HELD)


@pytest.mark.django_db
class ShopReviewsTests:
    """Inherit, name the class in ``reviews``, make two reviews that wait in ``fill``."""

    reviews: ClassVar[type[ShopReviews]]
    # Whether the shop has a place for answers.
    can_reply: ClassVar[bool] = True

    def fill(self) -> None:
        """Make two reviews in the shop's own model that wait for a moderator."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _filled(self, db: None) -> None:
        self.shop = self.reviews()
        self.fill()

    def all(self) -> list[ShopReview]:
        return list(self.shop.iter_reviews())

    def test_reviews_come_oldest_first_with_all_that_is_needed(self) -> None:
        found = self.all()

        assert len(found) >= 2
        assert found == sorted(found, key=lambda one: one.created_at)
        for one in found:
            assert one.ref
            assert one.item_key
            assert one.created_at.tzinfo is not None
            assert one.rating is None or 1 <= one.rating <= 5
            assert one.status in Status.values

    def test_what_has_not_changed_since_is_left_out(self) -> None:
        latest = max(one.updated_at or one.created_at for one in self.all())

        assert list(self.shop.iter_reviews(latest + timedelta(days=1))) == []

    def test_references_lead_back_and_strange_ones_nowhere(self) -> None:
        refs = [one.ref for one in self.all()]

        found = self.shop.get_reviews([*refs, *STRANGE_KEYS])

        assert sorted(found) == sorted(refs)
        assert {ref: one.ref for ref, one in found.items()} == {ref: ref for ref in refs}

    def test_the_first_decision_counts(self) -> None:
        ref = self.all()[0].ref

        assert self.shop.set_status(ref, Status.PUBLISHED, seen=WAITING, actor=None) is True
        assert self.shop.set_status(ref, Status.REJECTED, seen=WAITING, actor=None) is False
        assert self.shop.get_reviews([ref])[ref].status == Status.PUBLISHED

    def test_a_decision_can_be_taken_back(self) -> None:
        ref = self.all()[0].ref
        self.shop.set_status(ref, Status.REJECTED, seen=WAITING, actor=None)

        assert self.shop.set_status(ref, Status.PUBLISHED, seen=[Status.REJECTED], actor=None)
        assert self.shop.get_reviews([ref])[ref].status == Status.PUBLISHED

    def test_strange_references_cannot_be_decided_about(self) -> None:
        for ref in STRANGE_KEYS:
            assert not self.shop.set_status(ref, Status.PUBLISHED, seen=WAITING, actor=None)
            assert not self.shop.write_reply(ref, "Hello", actor=None)

    def test_an_answer_is_kept_and_taken_back(self) -> None:
        if not self.can_reply:
            pytest.skip("this shop has no place for answers")
        ref = self.all()[0].ref

        assert self.shop.write_reply(ref, "Thank you.", actor=None) is True
        assert self.shop.get_reviews([ref])[ref].reply == "Thank you."
        assert self.shop.write_reply(ref, "", actor=None) is True
        assert self.shop.get_reviews([ref])[ref].reply == ""
