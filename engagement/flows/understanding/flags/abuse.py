"""
Swear words, insults, hate and threats, in English and Chinese, however they are disguised.

Lists, not a model: one trained on hate speech flagged a tenth of ordinary Chinese reviews, where
``垃圾`` is what people call a bad product. Every match brings its evidence, and a person decides.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engagement.flows.understanding.flags import word_lists
from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.flows.understanding.flags.folding import (
    CJK,
    Folded,
    Word,
    fold,
    squeeze,
    without_gaps,
    words,
)
from engagement.flows.understanding.flags.word_lists import Watched
from engagement.models import ReasonCode

# Insults are also said of things ("these idiotic zips"): what is certain is the group word.
# Mild words ("damn good boots") are told apart from swearing by how sure their flag is.
MILD = "mild"
CONFIDENCE = {MILD: 0.4, "profanity": 0.7, "insult": 0.6, "hate": 0.95, "threat": 0.9}
AT_SOMEBODY = 0.85
_YOU = re.compile(
    r"(?<![a-z])(?:you|your|u|ur|yourself|staff|seller|sellers|owner|support|employees?|manager"
    r"|designers?|customers?|people|they|she|he)(?![a-z])|你|您|客服|老板|卖家|商家|店家|店主|快递员"
)
_NEAR = 24


def find(subject: Subject, watched: Watched) -> Iterator[Flag]:
    """Yield a flag for each kind of abuse in the text."""
    folded = fold(subject.text)
    for kind, span in {**_english(folded, watched), **_chinese(folded, watched)}.values():
        start, end = span
        confidence = CONFIDENCE[kind]
        if kind == "insult":
            near = folded.text[max(start - _NEAR, 0) : end + _NEAR]
            confidence = AT_SOMEBODY if _YOU.search(near) else confidence
        reason = "profanity" if kind == MILD else kind
        yield Flag(ReasonCode.PROFANITY, reason, confidence, (folded.span(start, end),))
    expression = word_lists.pattern(watched.of(ReasonCode.PROFANITY))
    for start, end in word_lists.found(expression, folded.text):
        yield Flag(ReasonCode.PROFANITY, word_lists.WATCHED, 0.9, (folded.span(start, end),))


Found = dict[tuple[int, int], tuple[str, tuple[int, int]]]


@dataclass(frozen=True)
class _Lexicon:
    whole: dict[str, str]
    stems: dict[str, str]
    phrases: list[tuple[str, re.Pattern[str]]]
    masked: dict[str, list[tuple[str, bool, str]]]


@functools.cache
def _lexicon() -> _Lexicon:
    whole: dict[str, str] = {}
    stems: dict[str, str] = {}
    masked: dict[str, list[tuple[str, bool, str]]] = {}
    phrases = []
    for kind, terms in word_lists.stock("abuse_en").items():
        if kind == word_lists.OK:
            continue
        long = tuple(term for term in terms if " " in term or "'" in term)
        expression = word_lists.pattern(long)
        if expression is not None:
            phrases.append((kind, expression))
        for term in terms:
            if term in long:
                continue
            stem = term.removesuffix("*")
            (stems if term.endswith("*") else whole)[stem] = kind
            if len(stem) >= 4:
                masked.setdefault(stem[0], []).append((stem, term.endswith("*"), kind))
    return _Lexicon(whole, stems, phrases, masked)


def _english(folded: Folded, watched: Watched) -> Found:
    lexicon = _lexicon()
    harmless = (*word_lists.stock("abuse_en")[word_lists.OK], *sorted(watched.allowed))
    spared = word_lists.pattern(harmless)
    found: Found = {}
    for kind, expression in lexicon.phrases:
        for span in word_lists.found(expression, folded.text, spared):
            found[span] = (kind, span)
    for word in words(folded):
        span = (word.start, word.end)
        kind = _masked(word, lexicon) if word.masked else _kind(word.text)
        if not kind or word.text in watched.allowed:
            continue
        if not word_lists.is_spared(span, spared, folded.text):
            found[span] = (kind, span)
    return found


@functools.lru_cache(maxsize=20_000)
def _kind(word: str) -> str:
    """Return what a word is; letters that are held too long count once or twice."""
    if not word.isascii():
        return ""
    lexicon = _lexicon()
    for form in dict.fromkeys((word, squeeze(word, 2), squeeze(word))):
        if form != word and len(form) < 4:
            # "asss" may be meant; "as" and "coon" of "cooon" must not come out of other words.
            continue
        if form in lexicon.whole:
            return lexicon.whole[form]
        for length in range(min(len(form), 14), 2, -1):
            if form[:length] in lexicon.stems:
                return lexicon.stems[form[:length]]
    return ""


def _masked(word: Word, lexicon: _Lexicon) -> str:
    for stem, is_open, kind in lexicon.masked.get(word.text[:1], ()):
        if len(word.text) != len(stem) and not (is_open and len(word.text) > len(stem)):
            continue
        letters = zip(word.text, stem, strict=False)
        if all(written in (meant, "*", "#", "%") for written, meant in letters):
            return kind
    return ""


@functools.cache
def _chinese_patterns() -> list[tuple[str, re.Pattern[str]]]:
    stock = word_lists.stock("abuse_zh")
    return [
        (kind, expression)
        for kind, terms in stock.items()
        if kind != word_lists.OK and (expression := word_lists.pattern(terms)) is not None
    ]


_HAS_CJK = re.compile(f"[{CJK}]")


def _chinese(folded: Folded, watched: Watched) -> Found:
    """Look with and without what was put between the characters."""
    found: Found = {}
    if not _HAS_CJK.search(folded.text):
        # Only the letters that Chinese swear words are shortened to.
        return _in_chinese(folded, watched)
    close = without_gaps(folded)
    places = {where: place for place, where in reversed(list(enumerate(folded.where)))}
    for _span, (kind, (start, end)) in _in_chinese(close, watched).items():
        span = places[close.where[start]], places[close.where[end - 1]] + 1
        if span[1] - span[0] <= 3 * (end - start):
            found[span] = (kind, span)
    return found


def _in_chinese(folded: Folded, watched: Watched) -> Found:
    harmless = (*word_lists.stock("abuse_zh")[word_lists.OK], *sorted(watched.allowed))
    spared = word_lists.pattern(harmless)
    return {
        span: (kind, span)
        for kind, expression in _chinese_patterns()
        for span in word_lists.found(expression, folded.text, spared)
    }
