"""From what somebody typed to what a model reads."""

from __future__ import annotations

import html
import re
import unicodedata

MAX_CHARS = 20_000  # Longer texts are cut before anything looks at them.

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
KANA = r"\u3040-\u30ff\u31f0-\u31ff"
HANGUL = r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
EMOJI = (
    r"\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u25fe\u2600-\u27bf\u2934-\u2935"
    r"\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f004-\U0001f0cf\U0001f18e-\U0001f251"
    r"\U0001f300-\U0001faff\U000e0020-\U000e007f"
)

# Signs that show nothing but change how the rest is shown: C0 and C1 controls, zero-width signs,
# direction overrides and isolates, tags of no flag. ZWJ and variation selectors belong to emoji.
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c"
    r"\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\uffff]"
)
OVERRIDE = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
TAG = re.compile(r"<!--|-->|<(/?)(script|style)\b[^<>]*>|</?[a-z!?][^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(r"</?(?:p|br|div|li|ul|ol|tr|table|h[1-6]|blockquote)\b", re.IGNORECASE)
EMOJI_TOKEN = re.compile(
    rf"[{EMOJI}](?:[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\u20e3]|\u200d[{EMOJI}])*"
)
# What is no single space already: most spaces of a text are, and are left alone.
_SPACES = re.compile(r" [^\S\n]+|[^\S\n ][^\S\n]*")
_LINES = re.compile(r" ?\n[ \n]*")  # Once all other space is a single one.
_RUN = re.compile(r"(.)\1{3,}", re.DOTALL)
WORD = re.compile(rf"[{HAN}{KANA}{HANGUL}]|[^\W_{HAN}{KANA}{HANGUL}]+(?:['’][^\W\d_]+)*")


def normalise(text: str) -> str:
    """
    Return the text as models read it: HTML to text, NFKC, no invisible signs, single spaces.

    Emoji stay, set apart by spaces; line breaks stay; at most ``MAX_CHARS`` signs are read.
    """
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _SURROGATE.sub("", text))
    if "<" in text or "&" in text:
        text = _without_markup(text)
    text = INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.isascii():
        text = EMOJI_TOKEN.sub(r" \g<0> ", text)
    text = _SPACES.sub(" ", text)
    return (_LINES.sub("\n", text) if "\n" in text else text).strip()


def _without_markup(text: str) -> str:
    """Return the text between tags; comments, scripts and styles are no text. One pass."""
    parts: list[str] = []
    at, skipped_until = 0, ""
    for match in TAG.finditer(text):
        found = match.group().lower()
        if not skipped_until:
            parts.append(text[at : match.start()])
            if found == "<!--":
                skipped_until = "-->"
            elif match.group(2) and not match.group(1):
                skipped_until = match.group(2).lower()
            elif found == "-->":
                parts.append(found)
            else:
                parts.append("\n" if _BLOCK.match(found) else " ")
        elif skipped_until == (match.group(2) or found).lower():
            skipped_until = ""
        at = match.end()
    if not skipped_until:
        parts.append(text[at:])
    plain = html.unescape("".join(parts))
    return plain if plain.isascii() else unicodedata.normalize("NFKC", _SURROGATE.sub("", plain))


def squeezed(text: str) -> str:
    """Return the text with runs of one sign cut to three: «sooooo» and «soooo» are one word."""
    return _RUN.sub(r"\1\1\1", text)


def words(text: str) -> list[str]:
    """Return the lower-case words of a text; each Han, kana or Hangul sign is one."""
    return WORD.findall(text.lower())
