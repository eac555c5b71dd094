"""What somebody typed, made safe to keep, or refused field by field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.conf import app_settings
from engagement.learning.sentiment.text import language

MAX_TITLE = 150
MAX_NAME = 60
MAX_NOTE = 500
# More than anybody writes: such a text is not even looked at.
ABSURD = 200_000
# A decoder's mark for bytes that it could not read: the sender's encoding was another one.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
# Controls, halves of surrogate pairs, signs that turn the direction of what follows, and others
# that are not seen. The joiners of emoji and of Indic scripts stay.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Marks that stack: a letter of some scripts has a few, one with thirty climbs over the page.
STACKED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field, as a code for programs and a sentence for people."""

    code: str
    message: str


class Invalid(ValueError):
    """The text cannot be taken as it is. ``faults`` says what is wrong, by field."""

    def __init__(self, faults: Mapping[str, Sequence[Fault]]) -> None:
        super().__init__("; ".join(f"{name}: {one.message}" for name, one in _flat(faults)))
        self.faults = {name: list(found) for name, found in faults.items()}

    @property
    def messages(self) -> dict[str, list[str]]:
        return {name: [one.message for one in found] for name, found in self.faults.items()}


def _flat(faults: Mapping[str, Sequence[Fault]]) -> list[tuple[str, Fault]]:
    return [(name, one) for name, found in faults.items() for one in found]


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    rating: int
    title: str
    body: str
    author_name: str
    language: str


@dataclass(frozen=True, slots=True)
class TextDraft:
    """A question, or an answer to one."""

    body: str
    author_name: str
    language: str


def read_review(data: Mapping[str, Any]) -> ReviewDraft:
    """Return what ``rating``, ``title``, ``body`` and ``author_name`` say; raises Invalid."""
    faults: dict[str, list[Fault]] = {}
    rating = _rating(data.get("rating"), faults)
    title = read_line("title", data.get("title"), MAX_TITLE, faults)
    body = read_body(data.get("body"), faults, least=app_settings.REVIEW_MIN_CHARACTERS)
    name = read_line("author_name", data.get("author_name"), MAX_NAME, faults)
    if faults:
        raise Invalid(faults)
    return ReviewDraft(rating, title, body, name, language(f"{title}\n{body}"))


def read_text(data: Mapping[str, Any]) -> TextDraft:
    """Return what ``body`` and ``author_name`` of a question or answer say; raises Invalid."""
    faults: dict[str, list[Fault]] = {}
    body = read_body(data.get("body"), faults, least=2)
    name = read_line("author_name", data.get("author_name"), MAX_NAME, faults)
    if faults:
        raise Invalid(faults)
    return TextDraft(body, name, language(body))


def _rating(value: Any, faults: dict[str, list[Fault]]) -> int:
    if value in (None, ""):
        faults["rating"] = [Fault("required", _("Choose one to five stars."))]
        return 0
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[1-5](\.0+)?", text, re.ASCII):
        faults["rating"] = [Fault("not_a_rating", _("A rating is one to five whole stars."))]
        return 0
    return int(text[0])


def read_line(field: str, value: Any, most: int, faults: dict[str, list[Fault]]) -> str:
    """Return one line of text; what is wrong with it goes to ``faults``."""
    text = " ".join(_cleaned(field, value, faults).split())
    if len(text) > most:
        faults.setdefault(field, []).append(_too_long(text, most))
    return text


def read_body(value: Any, faults: dict[str, list[Fault]], *, least: int) -> str:
    """Return a text of several lines; what is wrong with it goes to ``faults``."""
    text = _cleaned("body", value, faults)
    if "body" in faults:
        return ""
    lines = (line.strip() for line in text.split("\n"))
    text = LINES.sub("\n\n", "\n".join(lines)).strip()
    if len(text) > app_settings.REVIEW_MAX_CHARACTERS:
        faults["body"] = [_too_long(text, app_settings.REVIEW_MAX_CHARACTERS)]
    elif not text and least:
        faults["body"] = [Fault("required", _("Write a few words."))]
    elif len(text) < least:
        message = ngettext(
            "Write at least %(n)d character.", "Write at least %(n)d characters.", least
        )
        faults["body"] = [Fault("too_short", message % {"n": least})]
    return text


def _cleaned(field: str, value: Any, faults: dict[str, list[Fault]]) -> str:
    """Return text in NFC without what cannot be seen."""
    if value is None:
        return ""
    if not isinstance(value, str):
        faults[field] = [Fault("not_text", _("This must be text."))]
        return ""
    if len(value) > ABSURD:
        faults[field] = [_too_long(value, app_settings.REVIEW_MAX_CHARACTERS)]
        return ""
    if UNREADABLE in value:
        message = _("Some characters could not be read. Send the text as UTF-8.")
        faults[field] = [Fault("wrong_encoding", message)]
        return ""
    text = value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return unicodedata.normalize("NFC", STACKED.sub(r"\1", UNSEEN.sub("", text)))


def _too_long(text: str, most: int) -> Fault:
    message = _("At most %(most)d characters, please; this has %(n)d.")
    return Fault("too_long", message % {"most": most, "n": len(text)})
