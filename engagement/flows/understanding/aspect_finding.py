"""Words by which a shop's own customers name what the lists do not know, proposed to a person."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engagement.flows.understanding import published, words
from engagement.flows.understanding.aspect_words import AspectWords
from engagement.flows.understanding.flags import word_lists
from engagement.flows.understanding.spans import clauses
from engagement.flows.understanding.subjects import texts_of
from engagement.models import AspectTerm

_WORD = re.compile(r"[a-z]{3,}")
_HAN = re.compile(r"[\u4e00-\u9fff]{2,}")
FILLING = "filling"
SAMPLE = 4000
MOST = 30
LEAST = 5
SHARE = 0.003


@dataclass(slots=True)
class _Found:
    n: int = 0
    beside: Counter[str] = field(default_factory=Counter)


def propose(*, channel: str) -> int:
    """
    Look at clauses that name no known aspect, and keep the words that recur in them as proposals.

    A proposal changes nothing until somebody takes it in the admin; what was proposed and taken or
    refused before is left as it is. The aspect proposed is the one named oftenest in the same
    reviews, unless it is named everywhere. Returns how many are new.
    """
    known = words.aspects(channel)
    rows = (
        published.analyses(channel)
        .order_by("-pk")
        .values_list("subject_kind", "subject_key", "language", "item__category", "aspects")[
            :SAMPLE
        ]
    )
    by_kind: dict[str, list[tuple[str, str, str, list[str]]]] = defaultdict(list)
    for kind, key, language, category, said in rows:
        named = sorted({one["aspect"] for one in said})
        by_kind[kind].append((key, language, category, named))
    found: dict[tuple[str, str], _Found] = defaultdict(_Found)
    n_texts: Counter[str] = Counter()
    named_at_all: Counter[str] = Counter()
    for kind, entries in by_kind.items():
        texts = texts_of(kind, [key for key, *_rest in entries])
        for key, language, category, named in entries:
            n_texts[language] += 1
            named_at_all.update(named)
            for term in set(_terms(texts.get(key, ""), language, category, known)):
                found[language, term].n += 1
                found[language, term].beside.update(named)
    total = max(sum(n_texts.values()), 1)
    new = [
        AspectTerm(
            channel=channel,
            language=language,
            aspect=_aspect(one, named_at_all, total),
            term=term,
            origin=AspectTerm.Origin.FOUND,
            n_texts=one.n,
        )
        for (language, term), one in _best(found, n_texts)
    ]
    before = AspectTerm.objects.filter(channel=channel).count()
    AspectTerm.objects.bulk_create(new, ignore_conflicts=True)
    return AspectTerm.objects.filter(channel=channel).count() - before


def _terms(text: str, language: str, category: str, known: AspectWords) -> Iterator[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    places = known.find(text, language, category)
    filling = _filling(language)
    for clause in clauses(text):
        if any(clause.start <= place.start < clause.end for place in places):
            continue
        piece = text[clause.start : clause.end].lower()
        if language == "zh":
            for run in _HAN.findall(piece):
                yield from _pieces(run)
        elif language == "en":
            yield from (
                word
                for word in _WORD.findall(piece)
                if word not in ENGLISH_STOP_WORDS and word not in filling
            )


@functools.cache
def _filling(section: str) -> frozenset[str]:
    return frozenset(word_lists.stock(FILLING).get(section, ()))


def _pieces(run: str) -> Iterable[str]:
    for length in (2, 3):
        for start in range(len(run) - length + 1):
            piece = run[start : start + length]
            if not _filling("signs").intersection(piece) and piece not in _filling("zh"):
                yield piece


def _best(
    found: dict[tuple[str, str], _Found], n_texts: Counter[str]
) -> list[tuple[tuple[str, str], _Found]]:
    """Return the commonest terms of each language, without parts of longer ones as common."""
    kept = []
    for language in sorted(n_texts):
        least = max(LEAST, SHARE * n_texts[language])
        mine = {term: one for (code, term), one in found.items() if code == language}
        common = {term: one for term, one in mine.items() if one.n >= least}
        whole = {
            term: one
            for term, one in common.items()
            if not any(
                term in other and common[other].n >= 0.7 * one.n
                for other in common
                if other != term and language == "zh"
            )
        }
        best = sorted(whole.items(), key=lambda pair: (-pair[1].n, pair[0]))[:MOST]
        kept += [((language, term), one) for term, one in best]
    return kept


def _aspect(one: _Found, named_at_all: Counter[str], total: int) -> str:
    """Return the aspect that is named beside a term more than elsewhere."""
    lifts = {
        aspect: n / one.n / (named_at_all[aspect] / total)
        for aspect, n in one.beside.items()
        if n >= 0.2 * one.n and named_at_all[aspect]
    }
    best = max(sorted(lifts), key=lambda aspect: lifts[aspect], default="")
    return best if best and lifts[best] >= 1.2 else "other"
