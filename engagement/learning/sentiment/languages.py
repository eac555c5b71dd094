"""Which language a text is in: scripts first, then frequent words, endings and letters."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from engagement.learning.sentiment.cleaning import HAN, HANGUL, KANA, words
from engagement.learning.sentiment.frequent_words import ENDINGS, FREQUENT, LETTERS

_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(f"[{KANA}]")
_HANGUL = re.compile(f"[{HANGUL}]")
_LETTER = re.compile(r"[^\W\d_]")
_SCRIPTS = (
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
ENGLISH = "en"
# What a known word counts for its language; an ending or a letter of few languages is less sure.
OF_A_WORD, OF_AN_ENDING, OF_A_LETTER = 1.0, 0.3, 0.8
SHARED = 0.6  # What k languages share, counts 1 / k to this power for each.
LONGEST_ENDING, SHORTEST_ENDING = 4, 2
# How much more than English another language has to count where all letters are plain ones.
LEAD = 0.35
# Languages that count so much of the best one's sum may be the one.
CLOSE = 0.7

Worth = dict[str, list[tuple[str, float]]]


def _worth(pairs: Iterable[tuple[str, str]], most: float) -> Worth:
    """Return what each word counts for each of its languages; ``pairs`` are (word, language)."""
    codes: dict[str, list[str]] = {}
    for word, code in dict.fromkeys(pairs):
        codes.setdefault(word, []).append(code)
    return {
        word: [(code, most / len(found) ** SHARED) for code in found]
        for word, found in codes.items()
    }


def _pairs(listed: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((word, code) for code, text in listed.items() for word in text.split())


_WORDS = _worth(_pairs(FREQUENT), OF_A_WORD)
_ENDINGS = _worth(_pairs(ENDINGS), OF_AN_ENDING)
_LETTERS = _worth(((letter, code) for code, letter in _pairs(LETTERS)), OF_A_LETTER)


def language(text: str) -> str:
    """
    Return the ISO 639-1 code of the text's language, or ``"und"``.

    Scripts decide first: a fifth of the letters being Chinese makes a Chinese text even with brand
    names in it. Latin scripts (some thirty languages, ``FREQUENT``) are told apart by frequent
    words, by how the others end, and by letters that few languages have; where several may be the
    one, and English is not the likeliest, py3langid (extra ``sentiment``) chooses among these.
    Plain letters that say nothing are taken for English.
    """
    sample = text[:2_000]
    n_letters = len(_LETTER.findall(sample))
    if not n_letters:
        return "und"
    if not sample.isascii():
        n_kana, n_han = len(_KANA.findall(sample)), len(_HAN.findall(sample))
        n_hangul = len(_HANGUL.findall(sample))
        if n_han + n_kana + n_hangul >= 0.2 * n_letters:
            if n_hangul > n_han + n_kana:
                return "ko"
            return "ja" if n_kana >= 0.1 * (n_han + n_kana) else "zh"
        for code, script in _SCRIPTS:
            if len(script.findall(sample)) >= 0.5 * n_letters:
                return code
    return _latin(sample)


def _latin(sample: str) -> str:
    found = words(sample)
    sums = _sums(found, [] if sample.isascii() else [word for word in found if not word.isascii()])
    best = max(sums, key=lambda code: sums[code])
    # What is left of plain ASCII is a line such as «Runs small» or «Meh» far more often than not.
    if best == ENGLISH or (sample.isascii() and sums[best] - sums[ENGLISH] < LEAD):
        return ENGLISH if sums[best] or sample.isascii() else "und"
    close = [code for code, total in sums.items() if total >= CLOSE * sums[best]]
    return best if len(close) == 1 else _likeliest(sample, close, best)


def _sums(found: Sequence[str], accented: Sequence[str]) -> dict[str, float]:
    """Return what the words, and the letters of those that are accented, count a language."""
    sums = dict.fromkeys(FREQUENT, 0.0)
    for word in found:
        for code, worth in _WORDS.get(word) or _by_ending(word):
            sums[code] += worth
    for word in accented:
        for letter in set(word):
            for code, worth in _LETTERS.get(letter, ()):
                sums[code] += worth
    return sums


def _by_ending(word: str) -> Sequence[tuple[str, float]]:
    for n in range(LONGEST_ENDING, SHORTEST_ENDING - 1, -1):
        found = _ENDINGS.get(word[-n:])
        if found:
            return found
    return ()


def _likeliest(sample: str, codes: Sequence[str], best: str) -> str:
    """Return which of ``codes`` py3langid takes to be likeliest; ``best`` without it."""
    identifier = _identifier()
    if identifier is None:
        return best
    return next((code for code, _ in identifier.rank(sample) if code in codes), best)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    """Return py3langid, which takes 106 MB from the first text on that it is asked for."""
    if importlib.util.find_spec("py3langid") is None:
        return None
    return importlib.import_module("py3langid")
