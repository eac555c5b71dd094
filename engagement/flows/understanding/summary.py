"""
"What customers say": a few sentences of an item's own reviews, each with the review it stands in.

Sentences are chosen one by one (maximal marginal relevance, Carbonell & Goldstein 1998): each adds
most of what many reviews speak of, and repeats least of what was said. Praise and complaints get
as many sentences as their share of all reviews earns them: a summary is as glad as its reviews.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engagement.conf import app_settings
from engagement.flows.understanding import published, rewriting
from engagement.flows.understanding.aspects import CLEAR
from engagement.flows.understanding.subjects import texts_of
from engagement.learning.sentiment.text import words
from engagement.models import Item, Review, ReviewSummary, Sentiment, Status, SubjectKind

# So many reviews earn a fourth sentence, and so many a fifth.
LENGTHS = ((0, 3), (15, 4), (40, 5))
# Reviews that are looked at, the latest ones.
MOST_REVIEWS = 400
SENTENCE = {"zh": range(6, 61), "": range(20, 201)}
# How much of a sentence's worth is what it says, the rest being that it was not said before.
RELEVANCE = 0.7
FOUND_BY = 60

_SENTENCE = re.compile(r"[^.!?\n。！？…]+(?:[.!?。！？…]+[\"'”’)）]*)?")
# Beginnings that only make sense after another sentence.
_DANGLING = re.compile(
    r"^(?:and|but|so|also|then|because|which|that|it'?s because|not)\b"
    r"|^(?:但|但是|而且|所以|因为|不过|然后|还有)"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """
    One sentence as it stands in the review that ``kind`` and ``key`` name. ``polarity``: -1 … 1.
    """

    text: str
    kind: str
    key: str
    aspect: str
    polarity: float
    rating: int | None

    @property
    def beginning(self) -> str:
        """So much of it as finds its review in the list that a page shows."""
        return self.text[:FOUND_BY]

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Summary:
    """
    What customers say of an item, in one language.

    ``sentences`` are theirs, word for word. ``rewritten``, where there is one, puts them in a
    language model's words (``rewritten_by`` names it); show it as such, and the sentences beside
    it. ``n_reviews``, ``n_positive`` and ``n_negative`` count the reviews in this language.
    """

    item_id: int
    language: str
    sentences: tuple[Sentence, ...]
    n_reviews: int
    n_positive: int
    n_negative: int
    made_at: datetime
    rewritten: str = ""
    rewritten_by: str = ""

    @property
    def percent_positive(self) -> int:
        return round(100 * self.n_positive / self.n_reviews) if self.n_reviews else 0

    def __bool__(self) -> bool:
        return bool(self.sentences)


def summary_of(item_id: int, language: str) -> Summary | None:
    """
    Return what customers say of an item, as it was made at night; None where too few say anything.

    A sentence whose review is not published any more is left out, and what was rewritten with it.
    """
    row = ReviewSummary.objects.filter(item=item_id, language=_primary(language)).first()
    if row is None:
        return None
    sentences = tuple(Sentence(**one) for one in row.sentences)
    shown = _still_published(sentences)
    kept = tuple(one for one in sentences if one.kind != SubjectKind.REVIEW or one.key in shown)
    if not kept:
        return None
    is_whole = len(kept) == len(sentences)
    return Summary(
        item_id=item_id,
        language=row.language,
        sentences=kept,
        n_reviews=row.n_reviews,
        n_positive=row.n_positive,
        n_negative=row.n_negative,
        made_at=row.made_at,
        rewritten=row.rewritten if is_whole else "",
        rewritten_by=row.rewritten_by if is_whole else "",
    )


def _still_published(sentences: Sequence[Sentence]) -> set[str]:
    keys = [one.key for one in sentences if one.kind == SubjectKind.REVIEW]
    rows = Review.objects.filter(key__in=keys, status=Status.PUBLISHED)
    found = {str(row.key): row.text for row in rows.only("key", "title", "body")}
    return {one.key for one in sentences if one.text in found.get(one.key, "")}


def _primary(language: str) -> str:
    return language.replace("_", "-").split("-")[0].lower()


# -- making them ----------------------------------------------------------------------------
def due(*, channel: str) -> list[int]:
    """Return the items whose summaries are older than an analysis of one of their reviews."""
    made: dict[int, datetime] = {}
    rows = ReviewSummary.objects.filter(channel=channel).values_list("item", "made_at")
    for item, moment in rows:
        made[item] = min(moment, made.get(item, moment))
    latest: dict[int, datetime] = {}
    analysed = published.analyses(channel).values_list(
        "item", "analysed_at", "review__published_at"
    )
    for item, moment, shown in analysed.iterator(2000):
        moment = max(moment, shown or moment)
        latest[item] = max(moment, latest.get(item, moment))
    gone = made.keys() - latest.keys()
    return sorted({i for i, moment in latest.items() if i not in made or moment > made[i]} | gone)


def make(item_id: int, *, channel: str, at: datetime) -> list[ReviewSummary]:
    """Choose the sentences of an item anew, in every language that has enough reviews."""
    rows = list(
        published.analyses(channel)
        .filter(item=item_id)
        .order_by("-written_at", "-pk")
        .values(
            "subject_kind", "subject_key", "language", "sentiment", "rating", "aspects", "flags"
        )[:MOST_REVIEWS]
    )
    by_language: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_language[row["language"]].append(dict(row))
    made = []
    for language, mine in sorted(by_language.items()):
        if len(mine) < app_settings.SUMMARY_REVIEWS:
            continue
        chosen = choose(mine, language)
        if len(chosen) < LENGTHS[0][1]:
            continue
        made.append(_store(item_id, channel, language, mine, chosen, at))
    stale = ReviewSummary.objects.filter(item=item_id)
    stale.exclude(language__in=[row.language for row in made]).delete()
    return made


def _store(
    item_id: int,
    channel: str,
    language: str,
    rows: Sequence[dict[str, Any]],
    chosen: Sequence[Sentence],
    at: datetime,
) -> ReviewSummary:
    title = Item.objects.filter(pk=item_id).values_list("title", flat=True).first() or ""
    before = ReviewSummary.objects.filter(item=item_id, language=language).first()
    sentences = [one.as_json() for one in chosen]
    if before is not None and before.sentences == sentences and before.rewritten:
        text, by = before.rewritten, before.rewritten_by
    else:
        text, by = rewriting.rewrite(chosen, title=title, language=language, channel=channel)
    moods = Counter(row["sentiment"] for row in rows)
    made, _created = ReviewSummary.objects.update_or_create(
        item_id=item_id,
        language=language,
        defaults={
            "channel": channel,
            "sentences": sentences,
            "rewritten": text,
            "rewritten_by": by,
            "n_reviews": len(rows),
            "n_positive": moods[Sentiment.POSITIVE],
            "n_negative": moods[Sentiment.NEGATIVE],
            "made_at": at,
        },
    )
    return made


def make_all(*, channel: str, at: datetime) -> int:
    """Make the summaries that are due; return how many items they are of."""
    items = due(channel=channel)
    for item in items:
        make(item, channel=channel, at=at)
    return len(items)


# -- choosing -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Candidate:
    sentence: Sentence
    aspects: frozenset[str]
    tokens: frozenset[str]


def choose(rows: Sequence[dict[str, Any]], language: str) -> list[Sentence]:
    """
    Return three to five sentences of these reviews (as ``make`` reads them), the weightiest first.

    Fewer, or none, where the reviews have no sentences that say something of an aspect. The same
    reviews give the same sentences.
    """
    shares = _shares(rows)
    n = next(length for least, length in reversed(LENGTHS) if len(rows) >= least)
    quotas = _quotas(rows, n)
    pool = list(_candidates(rows, language))
    chosen: list[_Candidate] = []
    for side in (1, -1):
        mine = [c for c in pool if c.sentence.polarity * side >= CLEAR]
        _take(mine, quotas[side], shares, chosen)
    _take([c for c in pool if abs(c.sentence.polarity) >= CLEAR], n - len(chosen), shares, chosen)
    weights = {id(c): sum(shares[a] for a in c.aspects) for c in chosen}
    return [c.sentence for c in sorted(chosen, key=lambda c: -weights[id(c)])]


def _shares(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return which part of the reviews speaks of each aspect."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({one["aspect"] for one in row["aspects"]})
    return defaultdict(float, {aspect: n / len(rows) for aspect, n in counts.items()})


def _quotas(rows: Sequence[dict[str, Any]], n: int) -> dict[int, int]:
    """Return how many sentences of praise (1) and of complaint (-1) the reviews earn."""
    moods = Counter(row["sentiment"] for row in rows)
    good, bad = moods[Sentiment.POSITIVE], moods[Sentiment.NEGATIVE]
    if not good + bad:
        return {1: 0, -1: 0}
    complaints = round(n * bad / (good + bad))
    return {1: n - complaints, -1: complaints}


def _candidates(rows: Sequence[dict[str, Any]], language: str) -> Iterator[_Candidate]:
    lengths = SENTENCE.get(language, SENTENCE[""])
    clean = [row for row in rows if row["aspects"] and not _is_flagged(row)]
    texts: dict[tuple[str, str], str] = {}
    for kind in sorted({row["subject_kind"] for row in clean}):
        keys = [row["subject_key"] for row in clean if row["subject_kind"] == kind]
        texts |= {(kind, key): text for key, text in texts_of(kind, keys).items()}
    seen: set[str] = set()
    for row in clean:
        text = texts.get((row["subject_kind"], row["subject_key"]), "")
        for match in _SENTENCE.finditer(text):
            sentence = match.group().strip()
            inside = [
                one
                for one in row["aspects"]
                if match.start() <= one["start"] and one["end"] <= match.end()
            ]
            if not inside or len(sentence) not in lengths or _DANGLING.match(sentence.lower()):
                continue
            signs = {one["polarity"] > 0 for one in inside if abs(one["polarity"]) >= CLEAR}
            tokens = frozenset(words(sentence))
            if len(signs) != 1 or sentence in seen or _shouts(sentence):
                # What praises and complains in one breath cannot stand for either.
                continue
            seen.add(sentence)
            clearest = max(inside, key=lambda one: abs(one["polarity"]))
            yield _Candidate(
                Sentence(
                    text=sentence,
                    kind=row["subject_kind"],
                    key=row["subject_key"],
                    aspect=clearest["aspect"],
                    polarity=clearest["polarity"],
                    rating=row["rating"],
                ),
                frozenset(one["aspect"] for one in inside),
                tokens,
            )


def _shouts(sentence: str) -> bool:
    capitals = sum(map(str.isupper, sentence))
    return capitals > 10 and capitals > 0.6 * sum(map(str.isalpha, sentence))


def _is_flagged(row: dict[str, Any]) -> bool:
    return any(flag.get("confidence", 1.0) >= app_settings.FLAG_CONFIDENCE for flag in row["flags"])


def _take(
    pool: Sequence[_Candidate], n: int, shares: dict[str, float], chosen: list[_Candidate]
) -> None:
    """Add up to ``n`` of ``pool`` to what was chosen, one review each, the best first."""
    left = [c for c in pool if c not in chosen]
    for _ in range(n):
        authors = {(c.sentence.kind, c.sentence.key) for c in chosen}
        free = [c for c in left if (c.sentence.kind, c.sentence.key) not in authors]
        if not free:
            return
        covered = {aspect for c in chosen for aspect in c.aspects}
        best = max(free, key=lambda c: _worth(c, shares, covered, chosen))
        chosen.append(best)
        left.remove(best)


def _worth(
    candidate: _Candidate,
    shares: dict[str, float],
    covered: set[str],
    chosen: Sequence[_Candidate],
) -> float:
    new = sum(shares[aspect] for aspect in candidate.aspects - covered)
    known = sum(shares[aspect] for aspect in candidate.aspects & covered)
    # Three aspects in one sentence say more than one, not three times as much.
    relevance = min(new + 0.25 * known, 1.0) * (0.5 + 0.5 * abs(candidate.sentence.polarity))
    alike = max((_overlap(candidate.tokens, one.tokens) for one in chosen), default=0.0)
    return RELEVANCE * relevance - (1 - RELEVANCE) * alike


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    both = len(one | other)
    return len(one & other) / both if both else 0.0
