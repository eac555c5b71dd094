"""What a flag is, and what it says to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engagement.models import ReasonCode, SubjectKind

REASONS: dict[str, Promise] = {
    "email": _("It contains an e-mail address."),
    "phone": _("It contains a telephone number."),
    "card": _("It contains a card number."),
    "identity": _("It contains an identity number."),
    "address": _("It contains a postal address."),
    "account": _("It contains an account of a messenger."),
    "link": _("It contains a link."),
    "hidden_link": _("It contains a link that is written so as not to look like one."),
    "profanity": _("It contains swear words."),
    "insult": _("It insults somebody."),
    "hate": _("It attacks a group of people."),
    "threat": _("It threatens somebody."),
    "price": _("It names a price, which may change."),
    "voucher": _("It passes on a voucher or a code."),
    "competitor": _("It names another shop or brand."),
    "diverts": _("It tells people to buy somewhere else."),
    "stars_low": _("The text praises, the stars do not."),
    "stars_high": _("The text complains, the stars do not."),
    "promotion": _("It reads like an advertisement."),
    "paid": _("It says that the review was paid for."),
    "repetition": _("It repeats itself."),
    "gibberish": _("It is not made of words."),
    "shouting": _("It is written in capitals throughout."),
    "symbols": _("It is made of symbols."),
    "empty": _("It says nothing."),
    "copied": _("Others have written nearly the same."),
    "copied_own": _("Its author has written nearly the same about other items."),
    "burst_author": _("Its author wrote very many reviews within an hour."),
    "burst_item": _("The item got far more reviews than usual within a day."),
    "never_bought": _("Nobody knows of a purchase, and other signs are there too."),
    "fake_style": _("It is written the way invented reviews are."),
    "watched": _("It contains a word that moderators watch for."),
    "learnt": _("Moderators have mostly rejected texts like this."),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """
    A review, or a post, as flags and models read it. ``text`` is title and body; positions of
    evidence are those of its characters.
    """

    kind: str
    key: str
    channel: str
    text: str
    written_at: datetime
    language: str = ""
    rating: int | None = None
    item_id: int | None = None
    category: str = ""
    author: str = ""
    is_verified: bool = False
    pk: int = 0
    status: str = ""

    @property
    def is_review(self) -> bool:
        return self.kind != SubjectKind.POST


@dataclass(frozen=True, slots=True)
class Flag:
    """
    One thing that somebody ought to look at.

    ``code`` says what, ``reason`` why (a key of REASONS), ``confidence`` lies in 0 … 1; ``spans``
    are the evidence, as first and last-but-one position in the text. ``about`` holds what a person
    needs beside them, such as the keys of the reviews a text was copied from.
    """

    code: ReasonCode
    reason: str
    confidence: float
    spans: tuple[tuple[int, int], ...] = ()
    about: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "code": self.code.value,
            "reason": self.reason,
            "confidence": round(min(max(self.confidence, 0.0), 1.0), 3),
            "spans": [list(span) for span in self.spans],
        }
        if self.about:
            said["about"] = dict(self.about)
        return said


def describe(flag: Mapping[str, Any]) -> str:
    """Return one stored flag as a sentence in the reader's language."""
    known = REASONS.get(str(flag.get("reason", "")))
    if known is not None:
        return str(known)
    code = str(flag.get("code", ""))
    return str(ReasonCode(code).label) if code in ReasonCode.values else code


def strongest(flags: Iterable[Flag]) -> list[Flag]:
    """Join flags of one code and reason, their evidence together; the most certain first."""
    joined: dict[tuple[str, str], Flag] = {}
    for flag in flags:
        slot = (flag.code.value, flag.reason)
        known = joined.get(slot)
        if known is not None:
            flag = Flag(
                flag.code,
                flag.reason,
                max(flag.confidence, known.confidence),
                tuple(sorted({*known.spans, *flag.spans})),
                {**(known.about or {}), **(flag.about or {})} or None,
            )
        joined[slot] = flag
    return sorted(joined.values(), key=lambda flag: (-flag.confidence, flag.code, flag.reason))
