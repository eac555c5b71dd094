"""What the shop's customers and moderators have said a text feels like: labels to learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db.models import Exists, OuterRef, Q
from numpy.typing import NDArray

from engagement.adapters import get_adapter
from engagement.flows.understanding.subjects import code_of
from engagement.learning.sentiment.base import CLASSES
from engagement.learning.sentiment.heads import CLASS_OF_STARS
from engagement.learning.sentiment.text import normalise
from engagement.models import Post, Review, ReviewLabel, Status, SubjectKind

# A person who corrects a model has read the text with care; stars are given in passing.
CORRECTION_WEIGHT = 3
# One text in six is never learnt from. It is chosen by what it says: the same text is always held
# out, for every model and every week, so that two models can be compared on what neither has seen.
HELD_OUT_PART = 6
MAX_LABELS = 200_000
# What a model reads of a text while it learns: the rest costs memory and adds nothing.
MAX_CHARS = 4_000
SENTIMENT = "sentiment"


class Taught(NamedTuple):
    """Texts to learn from with their classes, languages and stars."""

    texts: list[str]
    classes: NDArray[np.int64]
    languages: list[str]
    stars: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labels:
    """
    Texts with the classes that people gave them (numbers as in ``CLASSES``), in order of age.

    ``stars``: what they were rated with, 0 where a person's word is all there is. ``weights``: how
    often a text counts. ``held_out``: which are only for comparing models.
    """

    texts: list[str]
    classes: NDArray[np.int64]
    stars: NDArray[np.int64]
    weights: NDArray[np.int64]
    languages: list[str]
    held_out: NDArray[np.bool_]
    n_corrections: int
    data_from: datetime | None = None
    data_until: datetime | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def seed(self) -> int:
        """A number that follows from what is here and from nothing else."""
        digest = hashlib.blake2b(digest_size=8)
        for text, label in zip(self.texts, self.classes.tolist(), strict=True):
            digest.update(f"{label}{text}".encode("utf-8", "ignore"))
        return int.from_bytes(digest.digest(), "big")

    def of(self, language: str | None, *, held_out: bool) -> NDArray[np.int64]:
        """Return the rows of a language (None: of all) that are, or are not, held out."""
        mine = np.array([language is None or code == language for code in self.languages], bool)
        return np.flatnonzero(mine & (self.held_out == held_out))

    def counts(self) -> dict[str, int]:
        """Return how many labels to learn from each language has, most of them first."""
        codes, n = np.unique(
            np.array(self.languages, dtype=object)[~self.held_out], return_counts=True
        )
        pairs = sorted(
            zip(codes.tolist(), n.tolist(), strict=True), key=lambda one: (-one[1], one[0])
        )
        return dict(pairs)

    def training(self, rows: NDArray[np.int64]) -> Taught:
        """Return what is to be learnt from ``rows``, each as often as it counts."""
        repeated = np.repeat(rows, self.weights[rows])
        return Taught(
            [self.texts[row] for row in repeated],
            self.classes[repeated],
            [self.languages[row] for row in repeated],
            self.stars[repeated],
        )


def class_of(rating: int) -> int:
    """Return the class that stars stand for: up to two negative, three neutral."""
    return int(CLASS_OF_STARS[min(max(rating, 1), 5)])


@dataclass(frozen=True, slots=True)
class _Given:
    text: str
    label: int
    stars: int
    weight: int
    language: str
    at: datetime


def read(*, channel: str, until: datetime) -> Labels:
    """Return all labels of a shop that were given before ``until``; the latest where too many."""
    corrections = _corrections(channel, until)
    rows: dict[bytes, _Given] = {}
    n_corrections = 0
    for kind, key, text, rating, claimed, at in _rated(channel, until):
        plain = normalise(text[:MAX_CHARS])
        corrected = corrections.get((kind, key))
        if not plain or (corrected is None and rating is None):
            continue
        weight = 1 if corrected is None else CORRECTION_WEIGHT
        label = class_of(rating) if corrected is None and rating is not None else corrected
        assert label is not None  # noqa: S101  one of the two is there
        slot = _digest(plain)
        known = rows.pop(slot, None)
        if known is not None and known.weight > weight:
            # The same words elsewhere: what a person said of them stands.
            rows[slot] = known
            continue
        n_corrections += corrected is not None
        language = code_of(claimed, plain)
        stars = rating if rating is not None and 1 <= rating <= 5 else 0
        rows[slot] = _Given(text[:MAX_CHARS], label, stars, weight, language, at)
        if len(rows) > MAX_LABELS:
            rows.pop(next(iter(rows)))
    given = list(rows.values())
    moments = [one.at for one in given]
    return Labels(
        texts=[one.text for one in given],
        classes=np.array([one.label for one in given], dtype=np.int64),
        stars=np.array([one.stars for one in given], dtype=np.int64),
        weights=np.array([one.weight for one in given], dtype=np.int64),
        languages=[one.language for one in given],
        held_out=np.array([slot[0] % HELD_OUT_PART == 0 for slot in rows], dtype=bool),
        n_corrections=n_corrections,
        data_from=min(moments, default=None),
        data_until=max(moments, default=None),
    )


def _digest(plain: str) -> bytes:
    return hashlib.blake2b(plain.casefold().encode("utf-8", "ignore"), digest_size=8).digest()


def _corrections(channel: str, until: datetime) -> dict[tuple[str, str], int]:
    rows = ReviewLabel.objects.filter(channel=channel, field=SENTIMENT, labelled_at__lte=until)
    return {
        (kind, key): CLASSES.index(value)
        for kind, key, value in rows.values_list("subject_kind", "subject_key", "value")
        if value in CLASSES
    }


Rated = tuple[str, str, str, int | None, str, datetime]


def _rated(channel: str, until: datetime) -> Iterator[Rated]:
    # What was rejected or is held may be a fake: its stars teach nothing, a person's word does.
    corrected = ReviewLabel.objects.filter(review=OuterRef("pk"), field=SENTIMENT)
    taught = Q(status__in=[Status.PUBLISHED, Status.PENDING]) | Q(Exists(corrected))
    reviews = Review.objects.of_channel(channel).filter(taught, created_at__lte=until)
    yield from _ours(SubjectKind.REVIEW.value, reviews.order_by("created_at", "pk"), "created_at")
    posts = Post.objects.filter(channel=channel, posted_at__lte=until)
    yield from _ours(SubjectKind.POST.value, posts.order_by("posted_at", "pk"), "posted_at")
    kept = get_adapter().reviews()
    if kept is not None and channel == get_adapter().get_channel():
        for one in kept.iter_reviews():
            if one.created_at <= until and one.status in (Status.PUBLISHED, Status.PENDING):
                yield (
                    SubjectKind.SHOP.value,
                    one.ref,
                    one.text,
                    one.rating,
                    one.language,
                    one.created_at,
                )


def _ours(kind: str, rows: Iterable[Review] | Iterable[Post], moment: str) -> Iterator[Rated]:
    fields = ("key", "title", "body", "rating", "language", moment)
    for key, title, body, rating, language, at in rows.values_list(*fields).iterator(2000):  # type: ignore[union-attr]
        yield kind, str(key), "\n".join(filter(None, (title, body))), rating, language, at
