"""Finding products by words: every word has to be in the name, brand or category, or a synonym."""

from __future__ import annotations

import re

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from shop_demo.models import Product

MAX_WORDS = 8
# What people say for what the shelf says. Both sides in lower case.
SYNONYMS = {
    "aubergine": ["eggplant"],
    "biscuit": ["cookie", "biscuit"],
    "breakfast": ["cereal", "breakfast"],
    "capsicum": ["bell pepper"],
    "catsup": ["ketchup"],
    "coke": ["cola"],
    "coriander": ["cilantro"],
    "courgette": ["zucchini"],
    "crisps": ["potato chips", "crisps"],
    "donut": ["doughnut"],
    "fizzy": ["soda", "sparkling"],
    "loo": ["toilet"],
    "mince": ["ground beef"],
    "nappies": ["diapers"],
    "nappy": ["diapers"],
    "noodles": ["noodle", "ramen", "pasta"],
    "oj": ["orange juice"],
    "pop": ["soda", "ice pops"],
    "prawn": ["shrimp"],
    "soda": ["soda", "seltzer"],
    "spring onion": ["green onion"],
    "steak": ["steak", "beef"],
    "sweets": ["candy"],
    "veggie": ["vegetable", "meatless"],
    "veg": ["vegetable"],
    "薯条": ["薯条", "french fries"],
    "西红柿": ["番茄"],
    "土豆": ["土豆", "potato"],
    "马铃薯": ["土豆"],
    "尿布": ["纸尿裤"],
    "起司": ["奶酪"],
    "芝士": ["奶酪", "芝士"],
    "优格": ["酸奶"],
    "凤梨": ["菠萝"],
    "零食": ["零食"],
}


def words_of(query: str) -> list[str]:
    return re.findall(r"[\w%&'.½¼-]+", query.lower())[:MAX_WORDS]


def _alternatives(word: str) -> list[str]:
    """Return what a product may say instead of ``word``: synonyms, and the singular of a plural."""
    found = [word, *SYNONYMS.get(word, [])]
    if len(word) > 4 and word.endswith("ies"):
        found.append(word[:-3])
    elif len(word) > 4 and word.endswith("oes"):
        found.append(word[:-2])
    elif len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        singular = word[:-1]
        found += [singular, *SYNONYMS.get(singular, [])]
    return list(dict.fromkeys(found))


def find(query: str) -> QuerySet[Product]:
    """
    Return the products that have every word of ``query``, those with it in their name first,
    then what sells best. Nothing for a query without a word.
    """
    words = words_of(query)
    if not words:
        return Product.objects.none()
    condition = Q()
    in_name = Q()
    for word in words:
        either = Q()
        named = Q()
        for alternative in _alternatives(word):
            either |= Q(search_text__contains=alternative)
            named |= Q(name__icontains=alternative) | Q(name_zh__contains=alternative)
        condition &= either
        in_name &= named
    return (
        Product.objects.shown()
        .filter(condition)
        .annotate(
            place=Case(When(in_name, then=Value(0)), default=Value(1), output_field=IntegerField())
        )
        .order_by("place", "-n_sold", "pk")
    )
