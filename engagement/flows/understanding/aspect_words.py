"""The words by which customers name an aspect: those of the app, and a shop's own."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engagement.flows.understanding.flags import word_lists
from engagement.models import AspectTerm

Terms = tuple[tuple[str, str], ...]


class Named(NamedTuple):
    """A place in a text where an aspect is named."""

    start: int
    end: int
    aspect: str


@dataclass(frozen=True)
class AspectWords:
    """
    Words by language, as pairs (word, aspect); those of ``own`` hold for a category's beginning.
    """

    stock: Mapping[str, Terms] = field(default_factory=dict)
    own: Mapping[tuple[str, str], Terms] = field(default_factory=dict)
    ignored: frozenset[tuple[str, str, str]] = frozenset()

    def find(self, text: str, language: str, category: str = "") -> list[Named]:
        """Return where a text names aspects, in order, the longest name at each place."""
        found: dict[str, str] = {}
        found.update(self.stock.get(language, ()))
        # The narrowest category speaks last.
        for (code, path), terms in sorted(self.own.items(), key=lambda one: len(one[0][1])):
            if code == language and category.startswith(path):
                found.update(terms)
        left_out = {
            term
            for code, path, term in self.ignored
            if code == language and category.startswith(path)
        }
        terms = tuple(sorted((t, a) for t, a in found.items() if t not in left_out))
        return _matcher(terms)(text)


@functools.lru_cache(maxsize=256)
def _matcher(terms: Terms) -> Matcher:
    return Matcher(terms)


class Matcher:
    """All words of one language and category in one expression."""

    def __init__(self, terms: Terms) -> None:
        self.aspects = {term.removesuffix("*"): aspect for term, aspect in terms}
        self.stems = sorted(
            (term[:-1] for term, _ in terms if term.endswith("*")), key=len, reverse=True
        )
        self.expression = word_lists.pattern(tuple(term for term, _ in terms))

    def __call__(self, text: str) -> list[Named]:
        if self.expression is None:
            return []
        lowered = text.lower()
        if len(lowered) != len(text):
            # A few capitals become two letters; positions must be those of the text as it stands.
            lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        return [
            Named(match.start(), match.end(), aspect)
            for match in self.expression.finditer(lowered)
            if (aspect := self._aspect(match.group()))
        ]

    def _aspect(self, word: str) -> str:
        plain = re.sub(r"[\W_]+", " ", word) if " " in word else word
        known = self.aspects.get(word) or self.aspects.get(plain)
        if known:
            return known
        stem = next((stem for stem in self.stems if word.startswith(stem)), "")
        return self.aspects.get(stem, "")


@functools.cache
def stock() -> dict[str, Terms]:
    """Return the app's words by language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for aspect, lines in word_lists.stock("aspects").items():
        for line in lines:
            language, _, words = line.partition(":")
            pairs = [(word.strip(), aspect) for word in words.split(",") if word.strip()]
            found.setdefault(language.strip(), []).extend(pairs)
    # A word of two aspects names the first.
    return {code: tuple(dict(reversed(pairs)).items()) for code, pairs in found.items()}


def of_channel(channel: str) -> AspectWords:
    """Return the words that hold for a shop; what was only found in its texts does not count."""
    own: dict[tuple[str, str], list[tuple[str, str]]] = {}
    ignored = set()
    rows = AspectTerm.objects.filter(
        channel__in={"", channel}, origin=AspectTerm.Origin.OWN
    ).order_by("channel", "pk")
    for row in rows:
        code = row.language.split("-")[0].lower()
        if row.is_ignored:
            ignored.add((code, row.category, row.term.lower()))
        else:
            own.setdefault((code, row.category), []).append((row.term.lower(), row.aspect))
    return AspectWords(
        stock(), {slot: tuple(pairs) for slot, pairs in own.items()}, frozenset(ignored)
    )
