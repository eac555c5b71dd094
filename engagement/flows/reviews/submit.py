"""An author writes, edits and withdraws a review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.collecting import ingest
from engagement.flows.collecting.guard import receiver_guard
from engagement.flows.reviews import pictures, purchases, ratings, reading
from engagement.flows.reviews.announcing import announce
from engagement.flows.reviews.authors import Author, MayNotWrite
from engagement.flows.reviews.deciding import Actor, decide
from engagement.flows.reviews.drafts import Fault, Invalid, ReviewDraft, read_review
from engagement.flows.reviews.pictures import Encoded
from engagement.models import (
    Item,
    ModerationDecision,
    Review,
    ReviewEdit,
    ReviewPicture,
    Status,
    SubjectKind,
)
from engagement.signals import review_edited, review_submitted


class UnknownItem(LookupError):
    """The catalogue mirror has no such item, or the shop shows it no more."""


class AlreadyReviewed(Exception):
    """All that this author bought of the item has been reviewed; ``review`` is the latest one."""

    def __init__(self, review: Review | None) -> None:
        self.review = review
        super().__init__(_("You have reviewed this already. You can edit what you wrote."))


class Final(Exception):
    """The review was rejected for what editing does not change, or was withdrawn."""

    def __init__(self) -> None:
        super().__init__(_("This review cannot be edited any more."))


def find_item(key: str, *, channel: str) -> Item:
    """Return a shown item of the mirror by its key; raises UnknownItem."""
    if "\0" in key:
        raise UnknownItem(key)
    item = Item.objects.of_channel(channel).filter(key=key, is_active=True).first()
    if item is None:
        raise UnknownItem(key)
    return item


def submit(
    data: Mapping[str, Any],
    *,
    author: Author,
    item: Item,
    at: datetime,
    source: str = Review.Source.FORM,
    order_ref: str = "",
    files: Iterable[Any] = (),
    at_once: bool = True,
) -> Review:
    """
    Store a review and have it read ``at_once``, or leave that to the sweep.

    ``data`` holds ``rating``, ``title``, ``body``, ``author_name``; ``files`` are sent pictures.
    Raises Invalid, AlreadyReviewed, MayNotWrite. What is returned may be published, held (its
    ``reasons`` say why) or pending.
    """
    if get_adapter().reviews() is not None:
        raise MayNotWrite("kept_by_shop", _("This shop keeps its reviews elsewhere."))
    draft, encoded = read_all(data, files)
    place = purchases.free_order(author.visitor_ids, item, wanted=order_ref)
    if place is None:
        raise AlreadyReviewed(_latest_of(author, item))
    order, is_verified = place
    if app_settings.REVIEW_AUTHORS == "buyers" and not is_verified:
        raise MayNotWrite("not_bought", _("Only who has bought this here can review it."))
    try:
        with transaction.atomic():
            review = Review.objects.create(
                channel=author.channel,
                item=item,
                visitor_id=author.visitor_id,
                purchase_key=purchases.key_of(author.visitor_id, item.pk, order),
                order_ref=order,
                verified_purchase=is_verified,
                source=source,
                created_at=at,
                updated_at=at,
                **_fields(draft),
            )
            keep_pictures(review, encoded, at=at)
    except IntegrityError:
        # The same form, sent twice at once: the constraint has decided.
        raise AlreadyReviewed(_latest_of(author, item)) from None
    announce(review_submitted, Review, review=review)
    transaction.on_commit(partial(_record, "submit_review", review, author, at), robust=True)
    return reading.read_and_settle(review, at=at) if at_once else review


def read_all(
    data: Mapping[str, Any], files: Iterable[Any], *, room: int | None = None
) -> tuple[ReviewDraft, list[Encoded]]:
    """Return the draft and the pictures, or raise Invalid with the faults of both."""
    faults: dict[str, list[Fault]] = {}
    draft, encoded = None, []
    try:
        draft = read_review(data)
    except Invalid as invalid:
        faults |= invalid.faults
    try:
        encoded = pictures.encode_all(files, room=room)
    except Invalid as invalid:
        faults |= invalid.faults
    if faults or draft is None:
        raise Invalid(faults)
    return draft, encoded


def edit(
    review: Review,
    data: Mapping[str, Any],
    *,
    author: Author,
    at: datetime,
    files: Iterable[Any] = (),
) -> Review:
    """
    Replace what a review says, keeping what it said; it is read anew. Raises Final, Invalid.

    Fields that ``data`` leaves out stay. A published review is hidden until it was read again.
    """
    if review.status == Status.WITHDRAWN or not review.can_be_mended:
        raise Final()
    now = {
        "rating": review.rating,
        "title": review.title,
        "body": review.body,
        "author_name": review.author_name,
    }
    room = app_settings.REVIEW_PICTURES - review.pictures.count()
    said = {name: data[name] for name in now if name in data}
    draft, encoded = read_all({**now, **said}, files, room=room)
    fields = _fields(draft)
    if all(getattr(review, name) == value for name, value in fields.items()) and not encoded:
        return review
    # Later than the last version in any case: an analysis of that one is not of this one.
    at = max(at, review.updated_at + timedelta(microseconds=1))
    with transaction.atomic():
        # Of two edits at once, and of an edit and a decision, the later one finds the row changed.
        changed = Review.objects.filter(
            pk=review.pk, updated_at=review.updated_at, status=review.status
        ).update(status=Status.PENDING, updated_at=at, **fields)
        if not changed:
            raise Invalid({"": [Fault("changed", _("This has changed meanwhile. Look again."))]})
        ReviewEdit.objects.create(
            review=review,
            rating=review.rating,
            title=review.title,
            body=review.body,
            edited_at=at,
        )
        if review.status != Status.PENDING:
            ModerationDecision.objects.create(
                channel=review.channel,
                subject_kind=SubjectKind.REVIEW,
                subject_key=str(review.key),
                review=review,
                from_status=review.status,
                to_status=Status.PENDING,
                actor=Actor.AUTHOR,
                decided_at=at,
            )
        keep_pictures(review, encoded, at=at)
        if review.status == Status.PUBLISHED:
            ratings.recount(review.item_id, at=at)
    review.refresh_from_db()
    announce(review_edited, Review, review=review)
    return reading.read_and_settle(review, at=at)


def withdraw(review: Review, *, at: datetime) -> None:
    """Take a review back; its author may write another. Raises AlreadyModerated when gone."""
    decide(
        SubjectKind.REVIEW,
        review.key,
        Status.WITHDRAWN,
        at=at,
        actor=Actor.AUTHOR,
        seen=[Status.PENDING, Status.HELD, Status.PUBLISHED, Status.REJECTED],
    )


def own(key: UUID | str, *, visitor_ids: Iterable[int]) -> Review:
    """Return one's own review by key; raises Review.DoesNotExist for anybody else's."""
    rows = Review.objects.select_related("item").exclude(status=Status.WITHDRAWN)
    return rows.get(key=key, visitor__in=list(visitor_ids))


def keep_pictures(review: Review, encoded: Iterable[Encoded], *, at: datetime) -> None:
    """Store pictures with a review; one that it has already is passed over."""
    known = set(review.pictures.values_list("sha256", flat=True))
    for one in encoded:
        if one.sha256 in known:
            continue
        known.add(one.sha256)
        picture = ReviewPicture(
            review=review,
            sha256=one.sha256,
            width=one.width,
            height=one.height,
            n_bytes=len(one.data),
            created_at=at,
        )
        picture.file.save("picture.jpg", one.file(), save=True)


def _fields(draft: ReviewDraft) -> dict[str, Any]:
    return {
        "rating": draft.rating,
        "title": draft.title,
        "body": draft.body,
        "author_name": draft.author_name,
        "language": draft.language,
    }


def _latest_of(author: Author, item: Item) -> Review | None:
    rows = Review.objects.filter(visitor__in=author.visitor_ids, item=item)
    return rows.exclude(status=Status.WITHDRAWN).order_by("-pk").first()


@receiver_guard
def _record(event: str, review: Review, author: Author, at: datetime) -> None:
    """Note the event down, for those who have agreed to be remembered."""
    payload = {
        "event": event,
        "event_id": f"{event}:{review.key}",
        "event_time": at,
        "items": [{"item_id": review.item.key}],
    }
    person = author.person
    ingest.ingest([payload], channel=author.channel, person=person, at=at, trusted=True)


def record_vote(review: Review, author: Author, *, at: datetime) -> None:
    """Note down, after the transaction, that somebody has voted on a review."""
    transaction.on_commit(partial(_record, "vote_review", review, author, at), robust=True)
