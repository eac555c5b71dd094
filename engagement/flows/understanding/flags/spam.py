"""Advertising, texts that are no review, and reviews that were paid for, by their words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from engagement.flows.understanding.flags import word_lists
from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.flows.understanding.flags.folding import CJK, fold
from engagement.flows.understanding.flags.word_lists import Watched
from engagement.models import ReasonCode

_PROMOTION = re.compile(
    r"click (?:here|the link|below|my profile)|visit (?:my|our) (?:site|website|page|profile"
    r"|store|shop)"
    r"|(?:make|earn) (?:\$ ?\d+|money) (?:a day|per|from home|online|fast)|work from home"
    r"|(?:100% )?free (?:gift card|iphone|trial)"
    r"|limited time offer|act now|dm me|inbox me|message me (?:for|on)|follow (?:me|us) on"
    r"|subscribe to my|(?:best|cheap) (?:seo|loan|casino|viagra|cialis|replica)"
    r"|casino|viagra|crypto(?:currency)? (?:investment|trading)|bitcoin (?:investment|trader)"
    r"|guaranteed (?:profit|income)"
    r"|(?:spell caster|love spell)|加我(?:微信|好友|qq|vx|v)|加(?:微|薇|v)信?(?:领|返|了解"
    r"|咨询|详聊)|扫码|进群|招(?:代理|兼职)|兼职(?:刷|日结)|日结"
    r"|代(?:刷|购|写|开发票)|贷款|彩票|博彩|赌|棋牌|开户|信用卡套现|免费领|点击(?:链接|领取"
    r"|进入)|私信我|货源|厂家直销|批发"
)
_PAID = re.compile(
    r"好评返现|返现|五星好评.{0,6}(?:返|红包|送)|晒图.{0,6}(?:返|红包)|刷单|给好评.{0,6}(?:送"
    r"|返)|为了(?:积分|京豆|红包|返现)|凑字数?"
    r"|(?:received|given|got|sent) (?:this|it|the product|a free product"
    r"|one)? ?(?:for )?free (?:in exchange|for (?:my|an|a|this) (?:honest )?review)"
    r"|in exchange for (?:a |an |my |this )?(?:\w+ )?(?:review|discount|free )|(?:paid"
    r"|refund(?:ed)?|gift card"
    r"|voucher|discount) (?:me )?(?:for|if i (?:leave|left|write|wrote)|to (?:leave"
    r"|write)) (?:a |an )?(?:(?:good|positive|5|five)[ \-]?(?:star)? )?review"
)
_FILLER = re.compile(
    r"凑字数?|此用户没有填写评价内容?|系统默认好评|默认好评|评价方未及时做出评价"
    r"|(?:this )?review (?:is )?(?:blank|empty)"
)
_LETTERS = re.compile(r"[^\W\d_]")
_LATIN_WORD = re.compile(r"[a-z]{2,}")
_KEYS = re.compile(r"(?:asdf|qwer|zxcv|hjkl|sdfg|wert|fghj|yuiop|qaz|wsx)+", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiouyáéíóúäöüàèìòùâêîôû]", re.IGNORECASE)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}", re.IGNORECASE)
_RUN = re.compile(r"(.)\1{9,}", re.DOTALL)
_CJK = re.compile(f"[{CJK}]")
_CLAUSE = re.compile(r"[^.!?。！？；;，,\n]+")


def find(subject: Subject, watched: Watched) -> Iterator[Flag]:
    """Yield what the text alone gives away."""
    text = subject.text
    folded = fold(text)
    letters = len(_LETTERS.findall(text))
    for match in _PROMOTION.finditer(folded.text):
        yield Flag(ReasonCode.SPAM, "promotion", 0.8, (folded.span(*match.span()),))
    for span in word_lists.found(word_lists.pattern(watched.of(ReasonCode.SPAM)), folded.text):
        yield Flag(ReasonCode.SPAM, word_lists.WATCHED, 0.9, (folded.span(*span),))
    for match in _PAID.finditer(folded.text):
        yield Flag(ReasonCode.FRAUD, "paid", 0.7, (folded.span(*match.span()),))
    if text.strip():
        yield from _shape(text, letters)
    for match in _FILLER.finditer(folded.text):
        if match.end() - match.start() >= 0.5 * len(folded.text.strip()):
            yield Flag(ReasonCode.IRRELEVANT, "empty", 0.8, (folded.span(*match.span()),))


def _shape(text: str, letters: int) -> Iterator[Flag]:
    visible = sum(not character.isspace() for character in text)
    whole = ((0, len(text)),)
    if letters == 0:
        yield Flag(ReasonCode.IRRELEVANT, "empty", 0.7, whole)
        if visible > 20:
            yield Flag(ReasonCode.SPAM, "symbols", 0.8, whole)
        return
    if visible >= 40 and letters < 0.3 * visible:
        yield Flag(ReasonCode.SPAM, "symbols", 0.7, whole)
    yield from _gibberish(text, letters)
    yield from _repeated(text, letters)
    capitals = sum(map(str.isupper, text))
    if capitals >= 40 and capitals >= 0.8 * sum(map(_is_cased, text)):
        yield Flag(ReasonCode.SPAM, "shouting", 0.3, whole)


def _is_cased(character: str) -> bool:
    return character.isupper() or character.islower()


def _gibberish(text: str, letters: int) -> Iterator[Flag]:
    spans = [match.span() for match in _KEYS.finditer(text)]
    spans += [match.span() for match in _CONSONANTS.finditer(text)]
    covered = sum(end - start for start, end in spans)
    words = _LATIN_WORD.findall(text.lower())
    silent = sum(len(word) for word in words if len(word) > 3 and not _VOWEL.search(word))
    latin = sum(map(len, words))
    if covered >= 0.4 * letters or (latin >= 8 and silent >= 0.5 * latin and not _CJK.search(text)):
        yield Flag(ReasonCode.IRRELEVANT, "gibberish", 0.75, tuple(spans) or ((0, len(text)),))


def _repeated(text: str, letters: int) -> Iterator[Flag]:
    runs = [match.span() for match in _RUN.finditer(text)]
    covered = sum(end - start for start, end in runs)
    if covered >= 0.5 * len(text):
        yield Flag(ReasonCode.SPAM, "repetition", 0.7, tuple(runs))
        return
    clauses = [match.group().strip().lower() for match in _CLAUSE.finditer(text)]
    counted = Counter(clause for clause in clauses if len(clause) >= 4)
    repeated = sum(len(clause) * (n - 1) for clause, n in counted.items() if n >= 3)
    if repeated >= 0.5 * len(text):
        yield Flag(ReasonCode.SPAM, "repetition", 0.75, ((0, len(text)),))
        return
    words = re.findall(rf"[^\W\d_{CJK}]+|[{CJK}]", text.lower())
    if len(words) >= 20 and len(set(words)) <= 0.15 * len(words):
        yield Flag(ReasonCode.SPAM, "repetition", 0.7, ((0, len(text)),))
