"""Lists of words: those that come with the app, those of the settings, those of the admin."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engagement.conf import app_settings
from engagement.models import FlagTerm, ReasonCode

FOLDER = Path(__file__).resolve().parent.parent / "words"
OK = "ok"
WATCHED = "watched"


@dataclass(frozen=True)
class Watched:
    """
    What a site watches for beside the lists of the app: terms by code, and what it allows.

    ``allowed`` holds terms that are harmless here whatever a list says.
    """

    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()

    def of(self, code: ReasonCode) -> tuple[str, ...]:
        return self.terms.get(code.value, ())


@functools.cache
def stock(name: str) -> dict[str, tuple[str, ...]]:
    """Return a list of the app by section; terms before any section are under ""."""
    sections: dict[str, list[str]] = {}
    section = ""
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        sections.setdefault(section, []).append(line.lower())
    return {name: tuple(terms) for name, terms in sections.items()}


def watched(channel: str) -> Watched:
    """Return the words of ``FLAG_WORDS`` and of the admin."""
    terms: dict[str, list[str]] = {}
    allowed: set[str] = set()
    for code, words in app_settings.FLAG_WORDS.items():
        if code == OK:
            allowed.update(word.lower() for word in words)
        else:
            terms.setdefault(code, []).extend(word.lower() for word in words)
    rows = FlagTerm.objects.filter(channel__in={"", channel}).order_by("pk")
    for code, term, is_allowed in rows.values_list("code", "term", "is_allowed"):
        if is_allowed:
            allowed.add(term.lower())
        else:
            terms.setdefault(code, []).append(term.lower())
    return Watched(
        {code: tuple(dict.fromkeys(words)) for code, words in terms.items()}, frozenset(allowed)
    )


@functools.lru_cache(maxsize=256)
def pattern(terms: tuple[str, ...]) -> re.Pattern[str] | None:
    """
    Return one expression for all terms, longest first; None without any. In scripts that have
    spaces a term is a whole word, or its beginning where it ends with a star.
    """
    ordered = sorted(set(terms), key=lambda term: (-len(term), term))
    bounded = [term for term in ordered if _spaced(term[:1]) and not term.endswith("*")]
    open_ended = [term[:-1] for term in ordered if _spaced(term[:1]) and term.endswith("*")]
    elsewhere = [term.removesuffix("*") for term in ordered if not _spaced(term[:1])]
    parts = []
    # What stands outside of the brackets is looked at once a place, not once a term.
    if bounded:
        parts.append(rf"(?<![a-z0-9])(?:{_any(bounded)})(?![a-z0-9])")
    if open_ended:
        parts.append(rf"(?<![a-z0-9])(?:{_any(open_ended)})")
    if elsewhere:
        parts.append(_any(elsewhere))
    return re.compile("|".join(parts)) if parts else None


def _any(terms: Iterable[str]) -> str:
    return "|".join(re.escape(term).replace(r"\ ", r"[\W_]+") for term in terms)


def _spaced(character: str) -> bool:
    return character.isalnum() and ord(character) < 0x2E80


def found(
    expression: re.Pattern[str] | None, text: str, spared: re.Pattern[str] | None = None
) -> list[tuple[int, int]]:
    """Return where the expression holds, except inside of what ``spared`` finds."""
    if expression is None:
        return []
    spans = [match.span() for match in expression.finditer(text)]
    return [span for span in spans if not is_spared(span, spared, text)] if spans else []


def is_spared(span: tuple[int, int], spared: re.Pattern[str] | None, text: str) -> bool:
    """Return whether a stretch of text is part of something harmless."""
    if spared is None:
        return False
    return any(
        match.start() <= span[0] and span[1] <= match.end() for match in spared.finditer(text)
    )
