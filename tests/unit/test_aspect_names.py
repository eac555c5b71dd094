"""Every aspect of the stock has a name that is translated."""

from __future__ import annotations

from django.utils import translation

from engagement.flows.understanding import aspect_names, aspect_words


def test_every_aspect_of_the_stock_has_a_name_in_chinese():
    stock = {aspect for terms in aspect_words.stock().values() for _word, aspect in terms}

    with translation.override("zh-hans"):
        named = {aspect: aspect_names.aspect_name(aspect) for aspect in stock}

    assert stock == set(aspect_names.NAMES)
    assert not [name for name in named.values() if name.isascii()]


def test_an_aspect_of_the_shops_own_is_called_what_the_shop_calls_it():
    with translation.override("zh-hans"):
        assert aspect_names.aspect_name("print") == "print"
