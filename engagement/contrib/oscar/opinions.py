"""Reviews and votes that customers write in Oscar: told, read at once, and kept in step with."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from engagement import tasks
from engagement.contrib.oscar.lines import line_of
from engagement.contrib.oscar.waiting import after_commit
from engagement.shortcuts import receiver_guard, record_event

_BEFORE = "_engagement_text"


@after_commit
def added(*, review: Any, request: HttpRequest, **kwargs: Any) -> None:
    _tell("submit_review", review, request, f"review-{review.pk}")


@after_commit
def voted(
    *, instance: Any, created: bool = False, request: HttpRequest | None = None, **kwargs: Any
) -> None:
    if created and request is not None:
        _tell("vote_review", instance.review, request, f"vote-{instance.pk}")


def _tell(event: str, review: Any, request: HttpRequest, name: str) -> None:
    if review.product_id is not None:
        record_event(event, request=request, items=[line_of(review.product)], event_id=name)


@receiver_guard
def review_read(*, instance: Any, **kwargs: Any) -> None:
    """Remember what a review said when it came from the database: it may be edited."""
    values = instance.__dict__
    if values.get(instance._meta.pk.attname) is not None:
        values[_BEFORE] = _text(instance)


@receiver_guard
def review_saved(*, instance: Any, **kwargs: Any) -> None:
    before, now = instance.__dict__.get(_BEFORE), _text(instance)
    instance.__dict__[_BEFORE] = now
    _changed(ref=str(instance.pk), is_new_text=before != now)


@receiver_guard
def review_deleted(*, instance: Any, **kwargs: Any) -> None:
    _changed(ref=str(instance.pk), is_new_text=False)


@after_commit
def _changed(*, ref: str, is_new_text: bool, **kwargs: Any) -> None:
    tasks.follow_shop_review(ref=ref, is_new_text=is_new_text)


def _text(review: Any) -> tuple[Any, Any]:
    # Not through the attributes: what is deferred would be fetched.
    return review.__dict__.get("title"), review.__dict__.get("body")
