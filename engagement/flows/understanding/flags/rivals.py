"""Other shops, prices and vouchers: what a review says of the trade instead of the thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engagement.flows.understanding.flags import word_lists
from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.flows.understanding.flags.folding import fold
from engagement.flows.understanding.flags.word_lists import Watched
from engagement.models import ReasonCode

# A name alone compares; with one of these near it, customers are sent away.
_AWAY = re.compile(
    r"(?:cheaper|better price|half the price|lower price|same (?:one|thing|product|item)"
    r"|instead"
    r"|buy (?:it|this|them|one|yours)?|bought (?:it|one|mine)|get (?:it|this|them|one|yours)"
    r"|go to|available (?:at|on|from)|order (?:it|from)|shop at|found it)"
    r"|更便宜|便宜多了|便宜得?很?多|去.{0,3}买|上.{0,4}买|不如去|不如在|直接去|建议(?:去|在)"
    r"|同款|别家|其他家"
)
_AWAY_ANYWHERE = re.compile(
    r"(?:buy|get|order|purchase|found|find) (?:it|this|them|one|the same(?: \w+)?) "
    r"(?:for less |cheaper |elsewhere|somewhere else|from another|at another|at a different)"
    r"|(?:cheaper|better) (?:elsewhere|somewhere else|at (?:other|another) (?:store|shop"
    r"|site)s?)"
    r"|(?:don't|do not|never) buy (?:it |this |anything )?(?:from|at|on) (?:this|here)\w*"
    r"|别家(?:店|买|更)|(?:去|换|到)(?:别家|其他家|别的店|别的平台|实体店|线下)(?:买|更"
    r"|便宜)?|私聊我|找我买|联系我买"
)
_NEAR = 40

_MONEY = re.compile(
    r"(?:[$€£¥￥]|usd|eur|gbp|rmb|cny) ?\d[\d,.]*|(?<![\d.])\d[\d,.]* ?(?:dollars?|bucks"
    r"|euros?|usd|eur|gbp|rmb|yuan|元|块钱?|人民币)(?![a-z])"
)
_VOUCHER = re.compile(
    r"(?:use|with|enter|apply)(?: my| the| this| promo| discount"
    r"| coupon)* code:? [a-z0-9]{4,16}"
    r"|(?:coupon|promo|discount|voucher|referral) code|优惠码|折扣码|邀请码|返利|返现码|领券"
    r"|优惠券"
)


def find(subject: Subject, watched: Watched) -> Iterator[Flag]:
    """Yield flags for other shops, for sending people there, for prices and for vouchers."""
    folded = fold(subject.text)
    stock = word_lists.stock("shops")[""]
    named = word_lists.pattern(
        tuple(
            name
            for name in (*stock, *watched.of(ReasonCode.COMPETITOR))
            if name not in watched.allowed
        )
    )
    for start, end in word_lists.found(named, folded.text):
        span = (folded.span(start, end),)
        near = folded.text[max(start - _NEAR, 0) : end + _NEAR]
        if _AWAY.search(near):
            yield Flag(ReasonCode.DIRECTS_AWAY, "diverts", 0.75, span)
        yield Flag(ReasonCode.COMPETITOR, "competitor", 0.6, span)
    for match in _AWAY_ANYWHERE.finditer(folded.text):
        yield Flag(ReasonCode.DIRECTS_AWAY, "diverts", 0.7, (folded.span(*match.span()),))
    expression = word_lists.pattern(watched.of(ReasonCode.DIRECTS_AWAY))
    for span_ in word_lists.found(expression, folded.text):
        yield Flag(ReasonCode.DIRECTS_AWAY, word_lists.WATCHED, 0.9, (folded.span(*span_),))
    for match in _MONEY.finditer(folded.text):
        yield Flag(ReasonCode.PRICE, "price", 0.6, (folded.span(*match.span()),))
    for match in _VOUCHER.finditer(folded.text):
        yield Flag(ReasonCode.PRICE, "voucher", 0.75, (folded.span(*match.span()),))
