"""The words by which customers name parts and traits of things, found without labels."""

from __future__ import annotations

import importlib.util
import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engagement.learning.sentiment import valence
from engagement.learning.sentiment.base import imported
from engagement.learning.sentiment.cleaning import normalise
from engagement.learning.sentiment.grams import pieces
from engagement.learning.sentiment.languages import language

_CLAUSE_END = re.compile(
    r"[.!?;,\n。！？；，…—]|\b(?:but|however|although|though|yet|while|whereas|except)\b"
    r"|但是?|不过|可是|然而"
)
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]+")


def clauses(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of the clauses of a text: between marks, and before «but»."""
    edges, at = [], 0
    for match in _CLAUSE_END.finditer(text):
        word = match.group().isalpha()
        edge = match.start() if word else match.end()
        if text[at:edge].strip():
            edges.append((at, edge))
            at = edge
    if text[at:].strip():
        edges.append((at, len(text)))
    return edges


class Aspect(NamedTuple):
    """A word that customers use for a part or trait: in how many texts, and how surely a noun."""

    term: str
    language: str
    n_texts: int
    score: float


@dataclass(frozen=True, slots=True)
class Aspects:
    """What :func:`find_aspects` found, best first; ``terms`` are the words alone."""

    found: tuple[Aspect, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(aspect.term for aspect in self.found)

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, term) where ``text`` names one of them, longest first, in order."""
        taken: list[tuple[int, int, str]] = []
        lower = text.lower() if len(text.lower()) == len(text) else text
        for term in sorted(self.terms, key=lambda term: (-len(term), term)):
            edge = r"\b" if term.isascii() else ""
            for match in re.finditer(f"{edge}{re.escape(term)}{edge}", lower):
                if all(match.end() <= start or match.start() >= end for start, end, _ in taken):
                    taken.append((match.start(), match.end(), term))
        return sorted(taken)


# What stands before a noun, after it, and what is no noun whatever stands around it.
_BEFORE_NOUNS = "the this these my its their your our his her a an with of for great good"
_AFTER_NOUNS = "is was are were looks looked feels felt works worked seems could has"
_NEVER_NOUNS = (
    "only other same way lot bit first second one ones two time day days week weeks year "
    "years thing things reason fact great good bad nice best worst new old little big "
    "small large more most much many really very well just like love loved bought buy got "
    "get product item order"
)
_BEFORE, _AFTER, _NO_NOUN = (
    frozenset(listed.split()) for listed in (_BEFORE_NOUNS, _AFTER_NOUNS, _NEVER_NOUNS)
)
_ZH_AFTER = re.compile(r"^(?:很|不|太|非常|挺|还|有点|真|好|差|特别|也|比较|一般|蛮)")
_ZH_STOP = re.compile(
    r"[的了是我你他她它们这那就都也很不太在有和与及给要会能可让被把说到去来还没又再吗呢吧啊呀哦嗯只但因为所以如果非常挺真好差]"
)
MOST_SIGNS = 4
# A gram that two texts share by chance is no word; cohesion is a log ratio.
MIN_COHESION = 2.0


def find_aspects(
    texts: Sequence[str],
    languages: Sequence[str] | None = None,
    *,
    n: int = 50,
    min_share: float = 0.003,
    min_texts: int = 5,
) -> Aspects:
    """
    Return the ``n`` words of each language that customers judge most: no labels, no dictionary.

    English: words and pairs that stand where nouns stand («the … is») and near words of feeling.
    Chinese: nouns by jieba (extra ``sentiment``) or, without it, runs of signs that stick together
    (pointwise mutual information) and are judged right after. Other languages find nothing.
    """
    codes = [language(text) for text in texts] if languages is None else list(languages)
    found: list[Aspect] = []
    for code in ("en", "zh"):
        own = [normalise(t) for t, c in zip(texts, codes, strict=True) if c[:2].lower() == code]
        least = max(min_texts, math.ceil(min_share * len(own)))
        candidates = _english(own) if code == "en" else _chinese(own)
        kept = [
            Aspect(term, code, n_texts, round(score, 6))
            for term, (n_texts, score) in candidates.items()
            if n_texts >= least and score > 0
        ]
        kept.sort(key=lambda aspect: (-aspect.score, aspect.term))
        found += kept[:n]
    return Aspects(tuple(found))


def _english(texts: Sequence[str]) -> dict[str, tuple[int, float]]:
    seen: Counter[str] = Counter()
    framed: Counter[str] = Counter()
    felt: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text in texts:
        here: set[str] = set()
        for start, end in clauses(text):
            tokens = [piece.text for piece in pieces(text[start:end])]
            feels = bool(valence.parts(text[start:end]))
            for i in range(len(tokens)):
                for size in (1, 2):
                    words = tokens[i : i + size]
                    if len(words) < size or not all(map(_may_be_noun, words)):
                        continue
                    term = " ".join(words)
                    before = tokens[i - 1] if i else ""
                    after = tokens[i + size] if i + size < len(tokens) else ""
                    total[term] += 1
                    framed[term] += (before in _BEFORE) + (after in _AFTER)
                    felt[term] += feels
                    here.add(term)
        seen.update(here)
    scores = {}
    for term, n_texts in seen.items():
        noun = framed[term] / total[term]
        # A noun is framed most of the times it is used; verbs and adjectives now and then.
        if noun < 0.35:
            continue
        judged = (felt[term] + 1) / (total[term] + 3)
        weight = 1.4 if " " in term else 1.0
        scores[term] = (n_texts, weight * noun * judged * math.log1p(n_texts))
    return scores


def _may_be_noun(word: str) -> bool:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return (
        len(word) > 2
        and word.isalpha()
        and word not in ENGLISH_STOP_WORDS
        and word not in _NO_NOUN
        and word not in valence.ENGLISH_VALENCE
    )


def _chinese(texts: Sequence[str]) -> dict[str, tuple[int, float]]:
    if importlib.util.find_spec("jieba") is not None:
        return _segmented(texts)
    return _sticking(texts)


def _segmented(texts: Sequence[str]) -> dict[str, tuple[int, float]]:
    tagger = imported("jieba.posseg", "sentiment")
    imported("jieba", "sentiment").setLogLevel(60)
    seen: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text in texts:
        here: set[str] = set()
        tokens = [(pair.word, pair.flag) for pair in tagger.cut(text)]
        for i, (word, flag) in enumerate(tokens):
            if flag[:1] == "n" and len(word) >= 2 and _HAN_RUN.fullmatch(word):
                total[word] += 1
                judged[word] += i + 1 < len(tokens) and tokens[i + 1][1][:1] in {"a", "d"}
                here.add(word)
        seen.update(here)
    return {
        term: (n, (judged[term] + 1) / (total[term] + 3) * math.log1p(n))
        for term, n in seen.items()
    }


def _sticking(texts: Sequence[str]) -> dict[str, tuple[int, float]]:
    signs: Counter[str] = Counter()
    grams: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    for text in texts:
        here: set[str] = set()
        for run in _HAN_RUN.findall(text):
            signs.update(run)
            for size in range(2, MOST_SIGNS + 1):
                for i in range(len(run) - size + 1):
                    gram = run[i : i + size]
                    if _ZH_STOP.search(gram):
                        continue
                    grams[gram] += 1
                    judged[gram] += bool(_ZH_AFTER.match(run[i + size :]))
                    here.add(gram)
        seen.update(here)
    n_signs = sum(signs.values()) or 1
    longer: dict[str, int] = defaultdict(int)
    for gram, count in grams.items():
        for inside in (gram[1:], gram[:-1]):
            longer[inside] = max(longer[inside], count)
    scores = {}
    for gram, n_texts in seen.items():
        if n_texts < 2:
            continue
        expected = math.prod(signs[sign] / n_signs for sign in gram)
        cohesion = math.log(grams[gram] / n_signs / expected) / (len(gram) - 1)
        # Half of a longer word is not a word: its whole is nearly as frequent.
        if cohesion < MIN_COHESION or longer[gram] > 0.7 * grams[gram]:
            continue
        scores[gram] = (
            n_texts,
            (judged[gram] + 1) / (grams[gram] + 3) * math.log1p(n_texts) * min(cohesion, 6) / 6,
        )
    return scores
