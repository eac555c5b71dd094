"""A customer's text as a moderator sees it: escaped, with what speaks against it marked."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

# Characters that show nothing and may turn what stands beside them around. Joiners that ordinary
# emoji and scripts need (U+200C, U+200D) and variation selectors are no trick.
ALLOWED_INVISIBLE = frozenset("\n\t‌‍")


@dataclass(frozen=True, slots=True)
class Mark:
    """What one stretch of a text shows: positions of characters, ``end`` not included."""

    start: int
    end: int
    label: str


def marked(text: str, marks: Iterable[Mark] = ()) -> SafeString:
    """
    Return ``text`` as HTML with every mark in a ``<mark>`` that says what it is evidence of.

    Marks may overlap, reach beyond the text or be empty: they are cut to it, and a stretch that
    belongs to several names all of them, in the order in which they were given.
    """
    fitting = _fitting(len(text), marks)
    edges = sorted({0, len(text), *(m.start for m in fitting), *(m.end for m in fitting)})
    parts: list[SafeString] = []
    for start, end in itertools.pairwise(edges):
        labels = list(
            dict.fromkeys(m.label for m in fitting if m.start <= start and end <= m.end and m.label)
        )
        covered = any(m.start <= start and end <= m.end for m in fitting)
        piece = _visible(text[start:end])
        parts.append(_mark(piece, labels) if covered else piece)
    return format_html_join("", "{}", ((part,) for part in parts))


def _fitting(length: int, marks: Iterable[Mark]) -> list[Mark]:
    cut = [Mark(max(m.start, 0), min(m.end, length), m.label) for m in marks]
    return [m for m in cut if m.start < m.end]


def _mark(piece: SafeString, labels: Sequence[str]) -> SafeString:
    named = ", ".join(labels)
    # A screen reader says nothing about <mark>: the label is read before the words it is about.
    return format_html(
        '<mark class="eng-evidence" title="{}"><span class="visually-hidden">[{}] </span>{}</mark>',
        named,
        named or _("evidence"),
        piece,
    )


def _visible(text: str) -> SafeString:
    """Escape, and show characters that would otherwise work unseen."""
    if not any(_is_hidden(character) for character in text):
        return format_html("{}", text)
    return format_html_join(
        "",
        "{}",
        (
            (
                format_html(
                    '<span class="eng-invisible" title="{}">U+{}</span>',
                    unicodedata.name(character, _("control character")).title(),
                    f"{ord(character):04X}",
                )
                if _is_hidden(character)
                else character,
            )
            for character in text
        ),
    )


def _is_hidden(character: str) -> bool:
    return character not in ALLOWED_INVISIBLE and unicodedata.category(character) in ("Cc", "Cf")
