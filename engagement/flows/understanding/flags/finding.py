"""All families of flags, asked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engagement.flows.understanding.flags import (
    abuse,
    copies,
    fakes,
    links,
    personal,
    rivals,
    spam,
    stars,
)
from engagement.flows.understanding.flags.base import Flag, Subject, strongest
from engagement.flows.understanding.flags.word_lists import Watched
from engagement.learning.sentiment import text as texts
from engagement.learning.sentiment.base import CLASSES

# What is looked at; what lies beyond cannot be read by a person either.
MAX_CHARS = 20_000


def in_text(subject: Subject, watched: Watched) -> list[Flag]:
    """Return what the words alone say: no model and no other text is asked."""
    return strongest(_in_text(_cut(subject), watched))


def _in_text(subject: Subject, watched: Watched) -> Iterator[Flag]:
    yield from abuse.find(subject, watched)
    yield from personal.find(subject)
    yield from links.find(subject)
    yield from rivals.find(subject, watched)
    yield from spam.find(subject, watched)


def in_batch(
    subjects: Sequence[Subject],
    probabilities: NDArray[np.floating],
    watched: Watched,
    more: Mapping[tuple[str, str], Sequence[Flag]] | None = None,
) -> list[list[Flag]]:
    """
    Return the flags of each subject, in order; ``probabilities`` are those of the sentiment,
    shape (subjects, 3). ``more`` holds flags that trained models raise, by kind and key.

    Remembers the texts, so that later copies of them are found.
    """
    if not subjects:
        return []
    short = [_cut(subject) for subject in subjects]
    signatures = texts.signatures([subject.text for subject in short])
    copies.remember(short, signatures)
    copied = copies.find(short, signatures)
    floods = fakes.look(short)
    found = []
    for subject, row in zip(short, probabilities, strict=True):
        name = (subject.kind, subject.key)
        flags = [*_in_text(subject, watched), *copied.get(name, ()), *(more or {}).get(name, ())]
        if subject.is_review:
            felt = {one: float(share) for one, share in zip(CLASSES, row, strict=True)}
            flags += stars.find(subject, felt)
        flags += fakes.find(subject, floods, flags)
        found.append(strongest(flags))
    return found


def _cut(subject: Subject) -> Subject:
    if len(subject.text) <= MAX_CHARS:
        return subject
    return replace(subject, text=subject.text[:MAX_CHARS])
