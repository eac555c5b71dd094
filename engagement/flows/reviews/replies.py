"""What the shop answers under a review."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from engagement.adapters import get_adapter
from engagement.flows.reviews.announcing import announce
from engagement.flows.reviews.deciding import AlreadyModerated
from engagement.flows.reviews.drafts import Fault, Invalid, read_body
from engagement.models import Review, Status
from engagement.signals import review_replied


def reply(review: Review, text: str, *, by: Any, at: datetime, seen: str | None = None) -> Review:
    """
    Publish the shop's answer under a review, or change it.

    ``seen`` is the answer that was there when writing began: raises AlreadyModerated(None) where a
    colleague has written another one meanwhile. Raises Invalid for a text that cannot be taken.
    """
    faults: dict[str, list[Fault]] = {}
    body = read_body(text, faults, least=1)
    if faults:
        raise Invalid(faults)
    return _put(review, body, by, at, review.reply_text if seen is None else seen)


def take_back(review: Review, *, by: Any, at: datetime) -> Review:
    """Remove the shop's answer."""
    return _put(review, "", by, None, review.reply_text)


def _put(review: Review, body: str, by: Any, at: datetime | None, seen: str) -> Review:
    with transaction.atomic():
        rows = Review.objects.filter(pk=review.pk, reply_text=seen)
        rows = rows.exclude(status=Status.WITHDRAWN)
        if not rows.update(reply_text=body, reply_at=at, reply_by=by if body else None):
            raise AlreadyModerated(None)
        review.refresh_from_db()
        announce(review_replied, Review, review=review)
    return review


def reply_in_shop(ref: str, text: str, *, by: Any) -> None:
    """Have the shop put an answer under a review of its own; raises Invalid, DoesNotExist."""
    faults: dict[str, list[Fault]] = {}
    body = read_body(text, faults, least=0)
    if faults:
        raise Invalid(faults)
    shop = get_adapter().reviews()
    if shop is None or not shop.write_reply(ref, body, actor=by):
        raise Review.DoesNotExist(f"The shop has no review {ref}, or takes no answers.")
