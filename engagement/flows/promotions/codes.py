"""Codes that people read aloud and type: hard to guess, hard to mistake."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable

# No vowels, so that no words arise; of letters and digits that look alike (0 O, 1 I L, 5 S, 2 Z,
# 6 G, 8 B) one at most.
ALPHABET = "BCDFGHJKMNPQRTVWXY23479"
# 23 ^ 14 is 2 ^ 63.
LENGTH = 14
LONGEST = 64


def new_code() -> str:
    """Return a code of 63 random bits, as it is stored."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalised(text: str) -> str:
    """Return what somebody typed as codes are compared: capitals without spaces and dashes."""
    plain = unicodedata.normalize("NFKC", text)[: 4 * LONGEST].upper()
    return "".join(letter for letter in plain if letter.isalnum())[:LONGEST]


def distinct(given: Iterable[str]) -> list[str]:
    """Return what was typed as codes are compared, each once, in the order given."""
    return list(dict.fromkeys(code for code in map(normalised, given) if code))


def spaced(code: str) -> str:
    """Return one of our codes as it is shown, in groups of four: BCDF-GHJK-MNPQ-RT."""
    if len(code) != LENGTH or any(letter not in ALPHABET for letter in code):
        return code
    return "-".join(code[start : start + 4] for start in range(0, LENGTH, 4))
