"""Personal data that nobody should find on a page: an author's own, or somebody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.flows.understanding.flags.folding import Folded, fold
from engagement.models import ReasonCode

_EMAIL = re.compile(
    r"[a-z0-9][a-z0-9._%+-]{0,63}\s?(?:@|\(at\)|\[at\]|\{at\})\s?"
    r"(?:[a-z0-9-]{1,63}(?:\.|\s?(?:\(dot\)|\[dot\])\s?)){1,4}[a-z]{2,18}"
)
_SPOKEN_EMAIL = re.compile(r"[a-z0-9._-]{2,64} at (?:gmail|hotmail|yahoo|outlook|qq|163) dot com?")

_CARD = re.compile(r"(?<![\d.])\d(?:[ \-]?\d){12,18}(?![\d.])")
_CHINESE_ID = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dx](?![\da-z])")
_SOCIAL = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")

_MOBILE_CN = re.compile(r"(?<![\d.])(?:(?:\+|00)?86[ \-]?)?1[3-9]\d(?:[ \-]?\d{4}){2}(?![\d.])")
_INTERNATIONAL = re.compile(r"(?<!\d)(?:\+|00)[1-9]\d{0,2}(?:[ ().\-]{0,2}\d){7,13}(?!\d)")
_US = re.compile(r"(?<![\d.])(?:1[ .\-])?(?:\(\d{3}\) ?|\d{3}[.\- ])\d{3}[.\-]\d{4}(?![\d-])")
_CALLED = re.compile(
    r"(?:call|phone|tel|telephone|mobile|cell|text|whatsapp|number is|电话|手机号?|致电"
    r"|联系方式|热线)"
    r"(?: (?:me|us|him|her|them))?(?: (?:at|on))?(?:是"
    r"|为)?[ :.]{0,3}(\+?\d(?:[ ()./\-]{0,2}\d){6,13})(?!\d)"
)

_WECHAT = re.compile(
    r"(?:微\s?信|威\s?信|薇\s?信|维\s?信|卫星|wechat|we chat|weixin|wx|v\s?信|vx|加\s?v"
    r"|加\s?薇|加\s?微)"
    r"(?:号码?|id)?(?: (?:id|is))?[ :.,，是为+]{0,4}([a-z][a-z0-9_\-]{5,19}|1[3-9]\d{9}"
    r"|[1-9]\d{5,10})(?![a-z0-9])"
)
_QQ = re.compile(
    r"(?:(?<![a-z])q\s?q|扣\s?扣|企鹅)(?:群|号码?"
    r"|号)?[ :.,，是为+]{0,4}([1-9]\d(?: ?\d){3,10})(?!\d)"
)
_MESSENGER = re.compile(
    r"(?<![a-z])(?:telegram|whatsapp|snapchat|instagram|insta|ig|line id|skype|tiktok"
    r"|kakao(?:talk)?"
    r"|facebook|fb)(?: (?:id|name|handle|account|me))*(?: (?:is|at))?[ :]{1,3}@?"
    r"((?=[a-z0-9_.]*[0-9_.@])[a-z0-9_.]{4,30})(?![a-z0-9])"
    r""
)

_MENTION = re.compile(r"(?<![a-z0-9.@])@[a-z0-9_]{4,30}(?![a-z0-9@.])")

_STREETS = (
    "street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|terrace"
    "|square|sq|highway|hwy|crescent|parkway|pkwy"
)
_STREET = re.compile(
    rf"(?<![\d$€£¥.])\d{{1,5}}[a-z]?,? (?:[A-Z][a-zA-Z'’]+ ){{1,3}}(?i:{_STREETS})(?![a-zA-Z])"
    r"(?:\.?,? (?:(?:apt|unit|suite|flat|#)\.? ?\w+|[A-Z][a-zA-Z]+(?:,? [A-Z]{2})?,? \d{5}))?"
)
_BOX = re.compile(r"(?<![a-z])p\.? ?o\.? ?box \d+")
_CHINESE_ADDRESS = re.compile(
    r"(?:[\u4e00-\u9fff]{2,8}(?:省|自治区|市|区|县|镇|乡))?[\u4e00-\u9fff]{1,10}"
    r"(?:路|街道?|大道|巷|弄|胡同|村|小区|花园|新村|苑|公寓|大厦)"
    r"[\u4e00-\u9fff]{0,6}?\d{1,5}(?:号楼?|栋|幢|弄|室|单元|座|楼)(?:\d{1,5}(?:号|室|单元|栋"
    r"|楼))*"
)


def find(subject: Subject) -> Iterator[Flag]:
    """Yield a flag for each kind of personal data in the text."""
    folded = fold(subject.text)
    taken: list[tuple[int, int]] = []

    def flags(reason: str, confidence: float, spans: Iterator[tuple[int, int]]) -> Iterator[Flag]:
        for start, end in spans:
            # A mobile number inside of a card's is no second find.
            if any(start < other and begun < end for begun, other in taken):
                continue
            taken.append((start, end))
            yield Flag(ReasonCode.PERSONAL_DATA, reason, confidence, (folded.span(start, end),))

    yield from flags("email", 0.98, _all(_EMAIL, folded))
    yield from flags("email", 0.9, _all(_SPOKEN_EMAIL, folded))
    yield from flags("identity", 0.97, _identities(folded))
    yield from flags("card", 0.97, _cards(folded))
    yield from flags("identity", 0.7, _all(_SOCIAL, folded))
    yield from flags("account", 0.95, _all(_WECHAT, folded))
    yield from flags("account", 0.9, _all(_QQ, folded))
    yield from flags("phone", 0.95, _all(_MOBILE_CN, folded))
    yield from flags("phone", 0.9, _all(_INTERNATIONAL, folded))
    yield from flags("phone", 0.85, _all(_US, folded))
    yield from flags("phone", 0.85, _all(_CALLED, folded, group=1))
    yield from flags("account", 0.7, _all(_MESSENGER, folded))
    # Also how people greet each other.
    yield from flags("account", 0.4, _all(_MENTION, folded))
    yield from flags("address", 0.75, _all(_BOX, folded))
    yield from flags("address", 0.85, _all(_CHINESE_ADDRESS, folded))
    for match in _STREET.finditer(subject.text):
        # Capitals tell "12 Baker Street" from "5 days in the street".
        yield Flag(ReasonCode.PERSONAL_DATA, "address", 0.8, (match.span(),))


def _all(
    expression: re.Pattern[str], folded: Folded, *, group: int = 0
) -> Iterator[tuple[int, int]]:
    return (match.span(group) for match in expression.finditer(folded.text))


def _cards(folded: Folded) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(folded.text):
        digits = re.sub(r"\D", "", match.group())
        if digits[0] in "3456" and len(set(digits)) > 1 and luhn(digits):
            yield match.span()


def luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of a card's number (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _identities(folded: Folded) -> Iterator[tuple[int, int]]:
    """Yield Chinese identity numbers, by their check digit (GB 11643)."""
    for match in _CHINESE_ID.finditer(folded.text):
        number = match.group()
        total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
        if number[17] == "10x98765432"[total % 11]:
            yield match.span()
