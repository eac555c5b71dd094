"""Links, also those that are written so as not to look like one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings

from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.flows.understanding.flags.folding import fold
from engagement.models import ReasonCode

# Endings that are no word and no abbreviation in a review ("it.is", "size.me").
_ENDINGS = (
    "com|net|org|info|biz|shop|store|online|site|club|top|xyz|vip|app|link|live|cc|cn|com\\.cn|tv"
    "|io|co\\.uk|de|fr|ru|jp|eu|us|hk|tw|ly|gl|page|wang|ltd"
)
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(r"(?:h(?:tt|xx)ps?|ftp)\s?:\s?/\s?/\s?[!-;=?-~]+|<a\s[^>]{0,200}href")
_NAME = re.compile(
    rf"(?<![a-z0-9@.\-])(?:www\s?\.\s?)?(?:{_LABEL}\.){{1,4}}(?:{_ENDINGS})(?![a-z0-9\-@])(?:/[!-~]*)?"
    rf"|(?<![a-z0-9])www\s?\.\s?{_LABEL}\s?\.\s?[a-z]{{2,10}}"
)
_HIDDEN = re.compile(
    rf"(?<![a-z0-9]){_LABEL}\s?(?:\(dot\)|\[dot\]|\{{dot\}}|\(\.\)|。|点)\s?(?:com|net|org|cn"
    rf"|shop|top|xyz|cc)(?![a-z0-9])"
    rf"|(?<![a-z0-9])(?:{_LABEL}\s)?{_LABEL}\s(?:dot|d0t)\s(?:com|net|org|cn|shop"
    rf"|xyz)(?![a-z0-9])"
)
_MAILBOX = re.compile(r"@\s?(?:[a-z0-9\-]+\.)*$")


def find(subject: Subject) -> Iterator[Flag]:
    """Yield a flag for links; those to the shop itself are left out."""
    folded = fold(subject.text)
    for reason, expression, confidence in (
        ("link", _ADDRESS, 0.99),
        ("link", _NAME, 0.9),
        ("hidden_link", _HIDDEN, 0.8),
    ):
        for match in expression.finditer(folded.text):
            if _MAILBOX.search(folded.text[: match.start()]) or _is_ours(match.group()):
                continue
            yield Flag(ReasonCode.LINK, reason, confidence, (folded.span(*match.span()),))


def _is_ours(address: str) -> bool:
    host = re.sub(r"^\w+\s?:\s?/\s?/\s?", "", address).partition("/")[0].partition(":")[0]
    ours = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name not in ("*", "")]
    return any(host == name or host.endswith(f".{name}") for name in ours)
