"""How much feeling single words carry: VADER where it is installed, a short list where not."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from functools import lru_cache

from engagement.learning.sentiment.base import imported
from engagement.learning.sentiment.grams import pieces

Valence = Callable[[str], float]
Part = tuple[int, int, float]
MAX_READ = 2_000

# A stopgap for installations without the extra: clear words only, from 1 to 3 strong.
_ENGLISH = {
    3: "excellent amazing awesome perfect fantastic love loved best wonderful outstanding superb",
    2: "great good beautiful happy pleased recommend comfortable nice lovely impressed favorite "
    "gorgeous flattering delicious reliable thanks thank",
    1: "fine soft easy quick fast well works fits cute pretty like likes fresh friendly helpful",
    -1: "small tight thin slow late cheap returned return returning itchy hard expensive noisy",
    -2: "bad poor disappointed disappointing disappointment unfortunately broke broken ugly wrong "
    "useless waste defective faulty uncomfortable rude dirty stained",
    -3: "terrible horrible awful worst hate hated scam fraud garbage junk disgusting fake refund",
}
_CHINESE = {
    3: "非常好 太好了 完美 超赞 极好 物超所值 强烈推荐 爱不释手",
    2: "很好 不错 喜欢 满意 推荐 值得 漂亮 舒服 好评 实惠 好吃 赞 给力 惊喜 感谢 正品 棒",
    1: "好 快 新鲜 便宜 方便 合适 柔软 清晰 流畅 热情 干净 可以",
    -1: "小 贵 慢 薄 硬 吵 旧 皱 一般 色差 掉色 起球",
    -2: "差 坏 失望 后悔 难吃 不值 退货 破 脏 臭 假 粗糙 没用 投诉 卡顿 死机 差评 郁闷",
    -3: "垃圾 骗子 太差 恶心 假货 上当 最差 烂 欺骗 千万别买",
}
ENGLISH_VALENCE = {w: v for v, listed in _ENGLISH.items() for w in listed.split()}
_CHINESE_VALENCE = {w: v for v, listed in _CHINESE.items() for w in listed.split()}
_CHINESE_WORD = re.compile("|".join(sorted(_CHINESE_VALENCE, key=lambda w: (-len(w), w))))
_NEGATIONS = "not no never isn't wasn't don't doesn't didn't can't couldn't won't without"
_STRENGTHS = "very so really too extremely absolutely super"
_NOT, _VERY = (frozenset(listed.split()) for listed in (_NEGATIONS, _STRENGTHS))
_CHINESE_NOT = re.compile(r"(?:不是?|没有?|别|未|无)(?:很|太|够|怎么|那么|多么|是)?$")


@lru_cache(maxsize=1)
def _vader() -> Valence:
    module = imported("vaderSentiment.vaderSentiment", "sentiment")
    analyzer = module.SentimentIntensityAnalyzer()
    return lambda text: float(analyzer.polarity_scores(text[:MAX_READ])["compound"])


def vader(text: str) -> float:
    """
    Return VADER's compound (Hutto & Gilbert 2014), from -1 to 1; raises MissingExtra.

    Only the first ``MAX_READ`` signs are read: its time grows with the square of the length.
    """
    return _vader()(text)


def builtin(text: str) -> float:
    """Return the same kind of number from the short list of this module, English and Chinese."""
    total = sum(weight for _, _, weight in parts(text))
    return float(total / (total**2 + 15) ** 0.5)


def has_vader(words: str) -> bool:
    """Return whether to read by VADER: as asked, or with ``"auto"`` where it is installed."""
    installed = importlib.util.find_spec("vaderSentiment") is not None
    return words == "vader" or (words == "auto" and installed)


@lru_cache(maxsize=1)
def _vader_words() -> dict[str, float]:
    analyzer = imported("vaderSentiment.vaderSentiment", "sentiment").SentimentIntensityAnalyzer()
    return dict(analyzer.lexicon)


def parts(text: str, *, vader: bool = False) -> list[Part]:
    """
    Return (start, end, valence) of the words of the short list, or of VADER's, negations applied.
    """
    english = _vader_words() if vader else ENGLISH_VALENCE
    found: list[Part] = []
    tokens = pieces(text)
    for i, piece in enumerate(tokens):
        valence = float(english.get(piece.text, 0))
        if not valence:
            continue
        before = {token.text for token in tokens[max(i - 3, 0) : i]}
        if tokens[i - 1].text in _VERY and i:
            valence *= 1.3
        found.append((piece.start, piece.end, -0.7 * valence if before & _NOT else valence))
    for match in _CHINESE_WORD.finditer(text):
        valence = float(_CHINESE_VALENCE[match.group()])
        negated = _CHINESE_NOT.search(text[max(match.start() - 4, 0) : match.start()])
        found.append((match.start(), match.end(), -0.7 * valence if negated else valence))
    return sorted(found)
