"""Reviews that the shop keeps: read as they are written, and in step with what it does to them."""

from __future__ import annotations

from datetime import datetime

from engagement.adapters import get_adapter
from engagement.flows.understanding import analyse
from engagement.models import ReviewAnalysis, SubjectKind
from engagement.shop_reviews import ShopReview


def follow(ref: str, *, at: datetime, is_new_text: bool) -> bool:
    """
    Bring what is known of a review into step with the shop; return whether it waits for a worker.

    A new text is read at once where the live model is a quick one. Of a review that is gone or
    cannot be found any more, the analysis goes as well.
    """
    adapter = get_adapter()
    kept = adapter.reviews()
    review = kept.get_reviews([ref]).get(ref) if kept is not None else None
    read = ReviewAnalysis.objects.of(SubjectKind.SHOP, ref)
    if review is None:
        read.delete()
        return False
    if not is_new_text:
        _keep_in_step(review)
        return False
    channel = adapter.get_channel()
    if analyse.waits_for_worker(channel):
        # What there is was said of another text.
        read.delete()
        return True
    analyse.read_kept([review], channel=channel, at=max(at, review.created_at))
    return False


def _keep_in_step(review: ShopReview) -> None:
    """Note down what the shop's own people have decided, so that nobody is asked about it."""
    rows = ReviewAnalysis.objects.of(SubjectKind.SHOP, review.ref)
    rows.exclude(shop_status=review.status, rating=review.rating).update(
        shop_status=review.status, rating=review.rating
    )
