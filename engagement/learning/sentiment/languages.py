"""Which language a text is in: scripts first, then frequent words."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import lru_cache
from typing import Any

from engagement.learning.sentiment.cleaning import HAN, HANGUL, KANA, words

_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(f"[{KANA}]")
_HANGUL = re.compile(f"[{HANGUL}]")
_LETTER = re.compile(r"[^\W\d_]")
_SCRIPTS = (
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
# Frequent words that tell Latin-script languages apart, and for English those of short reviews.
_FREQUENT = {
    "en": "the and is it was this that for with not very but have are you they these my i great "
    "good nice love loved perfect bad poor product quality price size fits fit comfortable "
    "beautiful excellent awesome terrible recommend received item works buy bought too would",
    "de": "der die das und ist nicht ein eine ich es mit sehr für auf war gut aber auch wie wir zu "
    "schlecht qualität passt schnell gerne leider",
    "fr": "le la les et est une des je pas très pour que avec ce mais bien qui dans sur c'est bon "
    "qualité produit taille livraison merci parfait",
    "es": "el la los las y es una muy que no con para por pero lo buena bueno producto calidad me "
    "más bien llegó está talla",
    "it": "il la che è di non un una molto per con ma mi sono bene ottimo prodotto qualità taglia "
    "buono anche",
    "pt": "o a os as e é uma muito que não com para por mas bom boa produto qualidade tamanho "
    "chegou gostei ótimo",
    "nl": "de het een en is niet ik met van voor maar zeer goed erg mooi kwaliteit maat ook op "
    "snel geleverd",
}
_SETS = {code: frozenset(listed.split()) for code, listed in _FREQUENT.items()}


def language(text: str) -> str:
    """
    Return the ISO 639-1 code of the text's language, or ``"und"``.

    Scripts decide first: a fifth of the letters being Chinese makes a Chinese text even with brand
    names in it. Latin scripts are told apart by frequent words; py3langid (extra ``sentiment``) is
    asked where those say nothing and the text is long enough for it.
    """
    sample = text[:2_000]
    n_letters = len(_LETTER.findall(sample))
    if not n_letters:
        return "und"
    if not sample.isascii():
        n_kana, n_han = len(_KANA.findall(sample)), len(_HAN.findall(sample))
        n_hangul = len(_HANGUL.findall(sample))
        if n_han + n_kana + n_hangul >= 0.2 * n_letters:
            if n_hangul > n_han + n_kana:
                return "ko"
            return "ja" if n_kana >= 0.1 * (n_han + n_kana) else "zh"
        for code, script in _SCRIPTS:
            if len(script.findall(sample)) >= 0.5 * n_letters:
                return code
    return _latin(sample, n_letters)


def _latin(sample: str, n_letters: int) -> str:
    found = words(sample)
    hits = {code: sum(word in known for word in found) for code, known in _SETS.items()}
    best = max(hits, key=lambda code: hits[code])
    others = max(n for code, n in hits.items() if code != best)
    if hits[best] > others:
        return best
    identifier = _identifier()
    if identifier is not None and n_letters >= 20:
        return str(identifier.classify(sample)[0])
    # What is left of plain ASCII is a line such as «Runs small» or «Meh» far more often than not.
    return "en" if sample.isascii() and hits["en"] == hits[best] else "und"


@lru_cache(maxsize=1)
def _identifier() -> Any:
    if importlib.util.find_spec("py3langid") is None:
        return None
    return importlib.import_module("py3langid")
