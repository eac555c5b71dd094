"""Oscar's own reviews: read and moderated where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from oscar.core.loading import get_model

from engagement.models import Status
from engagement.shop_reviews import ShopReview, ShopReviews

FOR_MODERATION, APPROVED, REJECTED = 0, 1, 2
OURS = {
    FOR_MODERATION: Status.PENDING.value,
    APPROVED: Status.PUBLISHED.value,
    REJECTED: Status.REJECTED.value,
}
THEIRS: dict[str, int] = {
    Status.PENDING: FOR_MODERATION,
    # Oscar knows one kind of waiting.
    Status.HELD: FOR_MODERATION,
    Status.PUBLISHED: APPROVED,
    Status.REJECTED: REJECTED,
    Status.WITHDRAWN: REJECTED,
}


class OscarReviews(ShopReviews):
    """Decisions are saved one by one, as Oscar's dashboard does: that counts the stars."""

    def iter_reviews(self, since: datetime | None = None) -> Iterator[ShopReview]:
        rows = self._rows().order_by("date_created", "pk")
        if since is not None:
            rows = rows.filter(date_created__gte=since)
        for row in rows.iterator(chunk_size=2000):
            yield _read(row)

    def get_reviews(self, refs: Sequence[str]) -> dict[str, ShopReview]:
        keys = [key for key in map(_key, refs) if key is not None]
        return {str(row.pk): _read(row) for row in self._rows().filter(pk__in=keys)}

    def set_status(self, ref: str, status: str, *, seen: Sequence[str], actor: object) -> bool:
        key, theirs = _key(ref), THEIRS.get(status)
        if key is None or theirs is None:
            return False
        before = [THEIRS[one] for one in seen if one in THEIRS]
        rows = get_model("reviews", "ProductReview").objects
        with transaction.atomic(using=rows.db):
            # One statement decides which of two moderators was first.
            if not rows.filter(pk=key, status__in=before).update(status=theirs):
                return False
            # Saving counts the product's stars again.
            rows.get(pk=key).save()
        return True

    def recompute_rating(self, item_key: str) -> None:
        key = _key(item_key)
        product = get_model("catalogue", "Product").objects.filter(pk=key).first() if key else None
        if product is not None:
            product.update_rating()

    @staticmethod
    def _rows() -> Any:
        rows = get_model("reviews", "ProductReview").objects.select_related("product")
        return rows.exclude(product=None)


def _read(row: Any) -> ShopReview:
    product = row.product
    return ShopReview(
        ref=str(row.pk),
        item_key=str(product.parent_id or product.pk),
        title=str(row.title or ""),
        body=str(row.body or ""),
        # Oscar counts from none; a review has one star at least.
        rating=min(max(int(row.score), 1), 5),
        status=OURS.get(row.status, Status.PENDING.value),
        customer="" if row.user_id is None else str(row.user_id),
        author_name=str(row.name or ""),
        created_at=row.date_created,
        url=row.get_absolute_url(),
    )


def _key(ref: str) -> int | None:
    """Return a reference as a primary key; None for what no key of Oscar's can be."""
    if not (ref.isascii() and ref.isdigit()) or len(ref) > 18:
        return None
    return int(ref)
