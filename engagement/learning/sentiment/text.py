"""Preprocessing as its own step: a text cleaned, measured, compared with the others."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from engagement.learning.sentiment import cleaning
from engagement.learning.sentiment.cleaning import MAX_CHARS, normalise, squeezed, words
from engagement.learning.sentiment.duplicates import Pair, near_duplicates, signatures, similarity
from engagement.learning.sentiment.languages import language

__all__ = [
    "Cleaned",
    "Pair",
    "clean",
    "language",
    "near_duplicates",
    "normalise",
    "signatures",
    "similarity",
    "squeezed",
    "words",
]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """
    A text for models and rules; what is shown to people is the original.

    ``n_words`` counts a sign of Chinese, Japanese or Korean as a word. ``n_overrides`` is how many
    signs that reverse the direction of writing were removed: nobody types them by accident.
    ``repetition`` is the share of the text that a compressor does not need, from 0 to 1: template
    texts and «good good good good» are above ``0.6``. ``shouting`` is the share of capitals among
    cased letters, in texts of at least ten.
    """

    text: str
    language: str
    n_chars: int
    n_words: int
    n_emoji: int
    n_invisible: int
    n_overrides: int
    had_html: bool
    was_cut: bool
    repetition: float
    shouting: float

    @property
    def is_empty(self) -> bool:
        return not self.n_words and not self.n_emoji


def clean(text: str) -> Cleaned:
    """Return the text normalised, and measured (:class:`Cleaned`)."""
    plain = normalise(text)
    words = cleaning.WORD.findall(plain)
    cased = [sign for sign in plain if sign.isupper() or sign.islower()]
    packed = len(zlib.compress(plain.encode("utf-8", "ignore"), 6)) - 8
    n_bytes = len(plain.encode("utf-8", "ignore"))
    return Cleaned(
        text=plain,
        language=language(plain),
        n_chars=len(plain),
        n_words=len(words),
        n_emoji=len(cleaning.EMOJI_TOKEN.findall(plain)),
        n_invisible=len(cleaning.INVISIBLE.findall(text[:MAX_CHARS])),
        n_overrides=len(cleaning.OVERRIDE.findall(text[:MAX_CHARS])),
        had_html=bool(cleaning.TAG.search(text[:MAX_CHARS])),
        was_cut=len(text) > MAX_CHARS,
        repetition=min(max(1 - packed / n_bytes, 0.0), 1.0) if n_bytes >= 20 else 0.0,
        shouting=sum(map(str.isupper, cased)) / len(cased) if len(cased) >= 10 else 0.0,
    )
