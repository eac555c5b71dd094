"""What a text says of each aspect: the clause that names it, and how that clause feels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from engagement.flows.understanding.aspect_words import AspectWords
from engagement.flows.understanding.flags.base import Subject
from engagement.learning.sentiment.aspects import AspectReader
from engagement.learning.sentiment.base import Classifier, score

# A clause ends where a sentence does, at a comma, and where somebody says "but".
_BREAK = re.compile(
    r"[.!?;,\n。！？；，、…~～]+|\s(?=(?:but|however|although|though|except|while|yet)\s)"
    r"|(?=但是|不过|可是|就是|然而|只是|虽然)"
)
# Fewer words say nothing of their own: "Size, colour, price: all wrong."
MIN_WORDS = 3
# How much of an aspect's feeling is the clause's, the rest being the whole text's.
CLAUSE_SHARE = 0.75
MAX_ASPECTS = 24
MAX_QUOTE = 300


class Clause(NamedTuple):
    """A part of a text."""

    start: int
    end: int


def clauses(text: str) -> list[Clause]:
    """Return the clauses of a text, without the blanks around them."""
    found, start = [], 0
    for match in [*_BREAK.finditer(text), None]:
        end = len(text) if match is None else match.start()
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            found.append(Clause(left, start + len(piece.rstrip())))
        start = end if match is None else max(match.end(), start)
    return found


def aspects_of(
    subjects: Sequence[Subject],
    words: AspectWords,
    classifier: Classifier,
    reader: AspectReader | None = None,
) -> list[list[dict[str, Any]]]:
    """
    Return what each text says of which aspect: ``{"aspect", "polarity", "quote", "start", "end"}``.

    One entry a clause and aspect, in order. ``polarity`` lies between -1 (bad) and 1 (good); the
    quote is the clause, its place that in the text. ``reader``: what has learnt how texts feel
    about what they name; without, ``classifier`` reads the clause.
    """
    found = [namings(subject, words) for subject in subjects]
    if not any(found):
        return [[] for _ in subjects]
    if reader is not None:
        polarities = _read(subjects, found, reader)
    else:
        polarities = _read_clauses(subjects, found, classifier)
    return [
        [
            {
                "aspect": one.aspect,
                "polarity": round(polarity, 3),
                "quote": subject.text[one.clause.start : one.clause.end][:MAX_QUOTE],
                "start": one.clause.start,
                "end": min(one.clause.end, one.clause.start + MAX_QUOTE),
            }
            for one, polarity in zip(named, felt, strict=True)
        ]
        for subject, named, felt in zip(subjects, found, polarities, strict=True)
    ]


class Naming(NamedTuple):
    """A clause that names an aspect, and where: ``place`` is (start, end) of the word."""

    clause: Clause
    aspect: str
    place: tuple[int, int]


def namings(subject: Subject, words: AspectWords) -> list[Naming]:
    places = words.find(subject.text, subject.language, subject.category)
    if not places:
        return []
    parts = clauses(subject.text)
    named: dict[tuple[Clause, str], Naming] = {}
    for place in places:
        clause = next((c for c in parts if c.start <= place.start < c.end), None)
        if clause is not None:
            naming = Naming(clause, place.aspect, (place.start, place.end))
            named.setdefault((clause, place.aspect), naming)
    return list(named.values())[:MAX_ASPECTS]


Polarities = list[list[float]]


def _read(
    subjects: Sequence[Subject], found: Sequence[Sequence[Naming]], reader: AspectReader
) -> Polarities:
    texts = [s.text for s, named in zip(subjects, found, strict=True) for _ in named]
    places = [one.place for named in found for one in named]
    felt = iter(score(reader.predict_proba(texts, places)).tolist())
    return [[next(felt) for _ in named] for named in found]


def _read_clauses(
    subjects: Sequence[Subject], found: Sequence[Sequence[Naming]], classifier: Classifier
) -> Polarities:
    pieces: list[str] = []
    languages: list[str] = []
    for subject, named in zip(subjects, found, strict=True):
        for clause in dict.fromkeys(one.clause for one in named):
            pieces.append(subject.text[clause.start : clause.end])
            languages.append(subject.language)
    felt = iter(score(classifier.predict_proba(pieces, languages)).tolist())
    whole = score(
        classifier.predict_proba([s.text for s in subjects], [s.language for s in subjects])
    ).tolist()
    answers = []
    for subject, named, mood in zip(subjects, found, whole, strict=True):
        of_clause = {clause: next(felt) for clause in dict.fromkeys(o.clause for o in named)}
        answers.append([_mixed(subject, one, of_clause[one.clause], mood) for one in named])
    return answers


def _mixed(subject: Subject, one: Naming, felt: float, whole: float) -> float:
    words = _n_words(subject.text[one.clause.start : one.clause.end])
    share = CLAUSE_SHARE if words >= MIN_WORDS else 0.0
    return share * felt + (1 - share) * whole


_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def _n_words(text: str) -> int:
    return len(_WORD.findall(text))
