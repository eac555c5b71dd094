"""Undo what people do to words so that a filter does not see them; remember where they stood."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Letters that digits and signs stand in for. A sign counts only where letters are next to it.
LEET = str.maketrans("01345789@$!|+", "oieastbgasiit")
UPRIGHT = re.compile(r"[1!|]")
# What is drawn like a Latin letter in other alphabets.
LOOKALIKES = str.maketrans(
    "аеорсухіѕԁһјӏոαεορτυνικ",
    "aeopcyxisdhjlnaeoptuvik",
)
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"

_TOKEN = re.compile(r"[@$]?[^\W_]+(?:[*#%@$!|+]+[^\W_]+)*[$*]*")
_SPELT = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]{1,3}[^\W_]){2,}(?![^\W_])")
_MASKS = re.compile(r"[*#%]")


@dataclass(frozen=True, slots=True)
class Folded:
    """Text in plain lower-case letters; ``where[i]`` is the original place of its character i."""

    text: str
    where: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original place of ``text[start:end]``."""
        return self.where[start], self.where[end - 1] + 1


@functools.lru_cache(maxsize=8)
def fold(text: str) -> Folded:
    """Full width to half, capitals to small, accents and invisible characters away."""
    # Every family of flags asks for the same text one after the other.
    if text.isascii():
        return Folded(text.lower(), range(len(text)))
    letters: list[str] = []
    where: list[int] = []
    for place, character in enumerate(text):
        if character.isascii():
            letters.append(character.lower())
            where.append(place)
            continue
        for part in unicodedata.normalize("NFKD", character).lower().translate(LOOKALIKES):
            if unicodedata.category(part) in ("Mn", "Cf", "Cc", "Me"):
                continue
            letters.append(part)
            where.append(place)
    return Folded("".join(letters), tuple(where))


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it may have been meant; ``masked`` holds signs in place of letters."""

    text: str
    start: int
    end: int
    masked: bool = False


def words(folded: Folded) -> Iterator[Word]:
    """Yield the words of a folded text, and words that were spelt out letter by letter."""
    for match in _TOKEN.finditer(folded.text):
        token = match.group()
        if _MASKS.search(token):
            yield Word(token.translate(LEET), *match.span(), masked=True)
        else:
            yield from (Word(letters, *match.span()) for letters in _meant(token))
    for match in _SPELT.finditer(folded.text):
        joined = re.sub(r"[\W_]", "", match.group())
        if len(joined) < 4 or sum(map(str.isdigit, joined)) > 1:
            # "A 5'5 person" spells nothing.
            continue
        yield from (Word(letters, *match.span()) for letters in _meant(joined))


def _meant(token: str) -> Iterator[str]:
    """Yield what a word may mean: among letters, digits and signs stand for letters."""
    if token.isalpha() or token.isdigit():
        yield token
        return
    yield token.translate(LEET)
    if UPRIGHT.search(token):
        yield UPRIGHT.sub("l", token).translate(LEET)


def squeeze(word: str, most: int = 1) -> str:
    """Return ``word`` with every run of one letter cut to ``most``."""
    return re.sub(r"(.)\1+", lambda run: run.group(1) * min(most, len(run.group())), word)


def without_gaps(folded: Folded) -> Folded:
    """Return only the letters and digits, for scripts that write no spaces."""
    kept = [place for place, character in enumerate(folded.text) if character.isalnum()]
    return Folded(
        "".join(folded.text[place] for place in kept), tuple(folded.where[p] for p in kept)
    )
