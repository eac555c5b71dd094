"""Stars and words that contradict each other: usually a slip of the finger, sometimes a trick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.models import ReasonCode

LOW, HIGH = 2, 4
# Below so many letters the text is too short to hold it against the stars.
MIN_LETTERS = 12
SURE = 0.9


def find(subject: Subject, probabilities: Mapping[str, float]) -> Iterator[Flag]:
    """
    Yield a flag where calibrated ``probabilities`` of the text say the opposite of the stars.

    It needs both: a bad review with few stars, and a good one with many, are never flagged.
    """
    if subject.rating is None or sum(map(str.isalnum, subject.text)) < MIN_LETTERS:
        return
    if subject.rating <= LOW and probabilities["positive"] >= SURE:
        yield Flag(ReasonCode.MISLEADING_STARS, "stars_low", probabilities["positive"])
    elif subject.rating >= HIGH and probabilities["negative"] >= SURE:
        yield Flag(ReasonCode.MISLEADING_STARS, "stars_high", probabilities["negative"])
