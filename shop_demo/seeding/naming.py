"""
From the short hand of a till to something a customer reads.

``FLUID MILK WHITE ONLY``, ``1 GA``, manufacturer 69 becomes “White Milk, 1 gal — Fennel”. The
source data hides brands and flavours, so brand names are invented: the same one for a
manufacturer wherever it appears.
"""

from __future__ import annotations

import hashlib
import re

OWN_BRAND = "Fennel"
# The source data's numbers for "the shop itself" and "nobody in particular".
OWN_MANUFACTURER = 69
NO_MANUFACTURER = 2

UNITS = {
    "OZ": "oz",
    "OZS": "oz",
    "OUNCE": "oz",
    "FL OZ": "fl oz",
    "LB": "lb",
    "LBS": "lb",
    "GA": "gal",
    "GAL": "gal",
    "GALON": "gal",
    "GALLON": "gal",
    "QT": "qt",
    "PT": "pt",
    "DZ": "dozen",
    "DOZ": "dozen",
    "CT": "ct",
    "CNT": "ct",
    "PC": "pc",
    "PK": "pack",
    "PACK": "pack",
    "SQ FT": "sq ft",
    "FT": "ft",
    "L": "L",
    "LTR": "L",
    "ML": "ml",
    "LOAD": "loads",
    "LOADS": "loads",
    "LD": "loads",
    "LDS": "loads",
    "STEM": "stems",
    "STEMS": "stems",
    "PCS": "pc",
    "PKS": "pack",
    "KIT": "kit",
    "G": "g",
    "GM": "g",
    "GR": "g",
    "KG": "kg",
    "IN": "in",
    "YD": "yd",
    "CAP": "capsules",
    "TAB": "tablets",
}
_NUMBER = r"(?:\d+ \d/\d|\d+/\d|\d*\.?\d+)"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_ONE = re.compile(rf"^({_NUMBER})? ?({_UNIT})\b")
_MANY = re.compile(rf"^(\d+) ?(?:({_UNIT}) ?)?[/\-] ?({_NUMBER}) ?({_UNIT})\b")
_SPAN = re.compile(r"^(\d+)-(\d+) (CT)\b")
_FRACTIONS = {"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔"}


def size(text: str | None) -> str:
    """Return a package size as it is written on a shelf: ``10/6.75 OZ`` is ``10 × 6.75 oz``."""
    if not text:
        return ""
    # Leading article numbers and single letters are leftovers of the till: "L    16 OZ".
    plain = re.sub(r"^(?:[A-Z]{1,3}\s+|\d{4,}\s+|\(\d+\)\s*)(?=[\d.])", "", text.strip())
    plain = re.sub(r"\s+", " ", plain).replace(" - ", "/")
    span = _SPAN.match(plain)
    if span:
        return f"{span[1]}–{span[2]} {UNITS[span[3]]}"
    many = _MANY.match(plain)
    if many:
        count, count_unit, amount, unit = many.groups()
        if unit in ("CT", "PK", "PC"):
            # "18 OZ/30 CT": thirty of eighteen ounces.
            each = f"{_number(count)} {UNITS[count_unit]}" if count_unit else ""
            return f"{_number(amount)} × {each}" if each else f"{count} × {_number(amount)}"
        if count_unit in (None, "PK", "CT", "PACK"):
            # A fraction is one amount: "1/2 GAL".
            if count_unit is None and f"{count}/{amount}" in _FRACTIONS:
                return f"{_FRACTIONS[f'{count}/{amount}']} {UNITS[unit]}"
            return f"{count} × {_number(amount)} {UNITS[unit]}"
        return f"{_number(count)} {UNITS[count_unit]}"
    one = _ONE.match(plain)
    if one is None:
        return ""
    amount, unit = one.groups()
    if unit in ("CT", "PK", "PC", "KIT") and (amount in (None, "1") or len(amount) > 3):
        # One piece is no size, and six digits are an article number.
        return ""
    return f"{_number(amount or '1')} {UNITS[unit]}"


def _number(text: str) -> str:
    """Return ``.5`` as ``0.5``, ``1/2`` as ``½``, ``14.0`` as ``14``, ``8 1/2`` as ``8½``."""
    whole, _, rest = text.rpartition(" ")
    if "/" in rest:
        return whole + _FRACTIONS.get(rest, f" {rest}" if whole else rest)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"0{text}" if text.startswith(".") else text


def is_crate(package: str) -> bool:
    """Return whether a size is that of the crate that loose fruit arrives in, not of a purchase."""
    amount, _, unit = package.partition(" ")
    try:
        number = float(amount.split("–")[0])
    except ValueError:
        return False
    return (unit == "lb" and number > 10) or (unit == "ct" and number >= 9)


ABBREVIATIONS = {
    "BBQ": "barbecue",
    "BF": "beef",
    "BKD": "baked",
    "BRD": "breaded",
    "BRKFST": "breakfast",
    "CARB": "carbonated",
    "CHIX": "chicken",
    "CHOC": "chocolate",
    "CND": "canned",
    "CNDY": "candy",
    "CKYS": "cookies",
    "CONC": "concentrate",
    "CRKR": "crackers",
    "DECAF": "decaffeinated",
    "DNR": "dinner",
    "DNRS": "dinners",
    "DRNK": "drink",
    "DRNKS": "drinks",
    "FD": "food",
    "FLVR": "flavored",
    "FLVRD": "flavored",
    "FRE": "fresh",
    "FRZ": "frozen",
    "FRZN": "frozen",
    "GRND": "ground",
    "IQF": "frozen",
    "JCE": "juice",
    "MISC": "assorted",
    "MLK": "milk",
    "MNRL": "mineral",
    "MT": "meat",
    "MX": "mix",
    "MXS": "mixes",
    "ORG": "organic",
    "PKG": "packed",
    "PKGD": "packed",
    "PREP": "prepared",
    "PWDR": "powder",
    "REFRIG": "chilled",
    "REFRIGERATED": "chilled",
    "REFRGRATD": "chilled",
    "RTS": "ready-to-serve",
    "RW": "",
    "SFT": "soft",
    "SGL": "single",
    "SNGL": "single",
    "SNKS": "snacks",
    "SRV": "serve",
    "SS": "single-serve",
    "SW": "sweet",
    "GDS": "goods",
    "VEG": "vegetables",
    "WHL": "whole",
    "WTR": "water",
    "XLARGE": "extra-large",
}
_SMALL = {"and", "with", "of", "in", "for", "the", "on", "or"}


def words(text: str) -> str:
    """
    Return a source type as readable words: what is in brackets goes, abbreviations are spelt out.

    Used for the rare types that the vocabulary does not name.
    """
    plain = re.sub(r"\(.*", "", text)
    plain = re.sub(r"[:/\-.&+,]+", " ", plain.replace("&", " and "))
    spelt = [ABBREVIATIONS.get(word.upper(), word.lower()) for word in plain.split()]
    kept = [word for position, word in enumerate(spelt) if word and word not in spelt[:position]]
    titled = [
        word if word in _SMALL and position else word[:1].upper() + word[1:]
        for position, word in enumerate(kept)
    ]
    while titled and titled[-1].lower() in _SMALL:
        titled.pop()
    return " ".join(titled)


_FIRST = """
    Alder Amberly Ashcombe Barrow Beacon Birchwood Bramble Brightwater Cedarline Clover
    Copperfield Coralie Dapple Dunmore Elderby Emberley Fallow Fernley Finch Foxglove Gable
    Greystone Harrow Hazelby Heatherly Hollow Ivywood Juniper Kestrel Larkspur Linden Marlow
    Meadowlea Millbrook Mossgate Nettlebed Oakhurst Otterby Pepperwood Pinnock Quillon Ramsley
    Redwing Rookery Rowan Saffrey Sorrel Sparrow Stonecrop Tansy Thistle Thornby Tilbury
    Umberland Valerian Walden Willowby Winslow Wrenfield Yarrow
"""
FIRST_WORDS = _FIRST.split()
_SECOND = "Farm|Mill|Kitchen|Creek|& Sons|Foods|Orchard|Lane|House|Bros.|Bay|Grove|Pantry|Table|||"
SECOND_WORDS = _SECOND.split("|")


def brand(manufacturer: int, *, is_own: bool = False) -> str:
    """Return the invented brand of a manufacturer, the shop's own, or "" for loose goods."""
    if is_own or manufacturer == OWN_MANUFACTURER:
        return OWN_BRAND
    if manufacturer == NO_MANUFACTURER:
        return ""
    digest = hashlib.blake2b(str(manufacturer).encode(), digest_size=8).digest()
    first = FIRST_WORDS[int.from_bytes(digest[:4]) % len(FIRST_WORDS)]
    second = SECOND_WORDS[int.from_bytes(digest[4:]) % len(SECOND_WORDS)]
    return f"{first} {second}".strip()
