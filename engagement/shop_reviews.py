"""
The part of an adapter for a shop that keeps its own reviews: they are read and moderated here and
stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ShopReview:
    """
    One review as the shop keeps it. ``ref`` is the shop's key as a string; ``status`` is one of
    pending, published, held, rejected, withdrawn; ``customer`` is the shop's id, "" for a guest.
    """

    ref: str
    item_key: str
    body: str
    created_at: datetime
    title: str = ""
    rating: int | None = None
    status: str = "published"
    customer: str = ""
    author_name: str = ""
    language: str = ""
    verified_purchase: bool = False
    reply: str = ""
    updated_at: datetime | None = None
    url: str = ""

    @property
    def text(self) -> str:
        """What there is to read: title and body."""
        return "\n".join(part for part in (self.title, self.body) if part)


class ShopReviews:
    """
    Safe answers to every question about the shop's own reviews, to be overridden.

    An adapter returns one of these from ``reviews()``; None there (the default) says that the shop
    keeps no reviews of its own, and the app's ``Review`` is used.
    """

    def iter_reviews(self, since: datetime | None = None) -> Iterator[ShopReview]:
        """Yield all reviews, or what was written or changed since, oldest first."""
        return iter(())

    def get_reviews(self, refs: Sequence[str]) -> dict[str, ShopReview]:
        """Return reviews by reference, in one query; unknown references are absent."""
        raise NotImplementedError

    def set_status(self, ref: str, status: str, *, seen: Sequence[str], actor: object) -> bool:
        """
        Give a review a status if it has one of those ``seen``; return whether it was so.

        ``actor`` is the Django user who decided, None for the policy. Must be atomic: the second
        of two moderators gets False.
        """
        raise NotImplementedError

    def write_reply(self, ref: str, text: str, *, actor: object) -> bool:
        """Put the shop's answer under a review, "" to take it back; return whether it could."""
        return False

    def recompute_rating(self, item_key: str) -> None:
        """Have the shop count an item's stars again, where it keeps the result."""
