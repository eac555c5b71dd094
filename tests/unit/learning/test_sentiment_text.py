"""What is left of a text for models, and which texts say the same."""

import numpy as np
import pytest

from engagement.learning.sentiment import languages
from engagement.learning.sentiment import text as texts
from engagement.learning.sentiment.encoders import batches
from engagement.learning.sentiment.text import clean, language, near_duplicates, normalise


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  so \t good\r\n\r\n really ", "so good\nreally"),
        ("<p>Fits <b>well</b></p><br>Thanks&nbsp;&amp; bye", "Fits well\nThanks & bye"),
        ("<script>alert('great')</script>bad", "bad"),
        ("<!-- great --> bad", "bad"),
        ("size < 38 and price > 10", "size < 38 and price > 10"),
        ("I <3 it", "I <3 it"),
        ("\u202edoog\u202c go\u200bod\x00", "doog good"),
        ("ｇｏｏｄ！", "good!"),
        ("nice👍🏽nice", "nice 👍🏽 nice"),
        ("\ud800ok", "ok"),
        ("<script>never closed", ""),
    ],
)
def test_a_text_is_read_without_what_only_disturbs(typed, read):
    assert normalise(typed) == read


def test_reading_again_changes_nothing():
    for typed in ("<b>Ｆｉｔｓ</b> 👍 well", "好！！\n不错 &lt;b&gt;", "a\u0301 ﷺ"):
        once = normalise(typed)
        assert normalise(once).split() == normalise(once).split()


def test_a_cleaned_text_tells_what_was_odd_about_it():
    cleaned = clean("\u202e<b>GREAT GREAT GREAT GREAT GREAT GREAT</b>\u202c 🙂")
    assert cleaned.n_overrides == 2
    assert cleaned.had_html
    assert cleaned.n_emoji == 1
    assert cleaned.n_words == 6
    assert cleaned.shouting == 1
    assert cleaned.repetition > 0.4
    assert not cleaned.was_cut
    assert clean("x" * 30_000).was_cut
    assert clean(" \u200b ").is_empty
    assert not clean("🙂").is_empty


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The dress fits and I love it", "en"),
        ("Meh", "en"),
        ("这件衣服质量很好", "zh"),
        ("iPhone 屏幕不错", "zh"),
        ("とても良いです", "ja"),
        ("정말 좋아요", "ko"),
        ("Очень хорошо", "ru"),
        ("Die Qualität ist sehr gut und schnell geliefert", "de"),
        ("La qualité est très bonne et la livraison rapide", "fr"),
        ("Muy buena calidad y llegó antes de lo esperado", "es"),
        ("Il prodotto è arrivato subito, la taglia è giusta", "it"),
        ("Chegou muito rápido e o tecido não é transparente", "pt"),
        ("Mooie kwaliteit, maar de maat valt klein uit", "nl"),
        ("Mycket bra kvalitet och snabb leverans", "sv"),
        ("Meget god kvalitet, men størrelsen er for lille", "da"),
        ("Veldig bra kvalitet, men størrelsen er for liten", "no"),
        ("Todella hyvä laatu ja sopii täydellisesti", "fi"),
        ("Väga hea kvaliteet ja kiire tarne", "et"),
        ("Ļoti laba kvalitāte un ātra piegāde", "lv"),
        ("Labai gera kokybė ir greitas pristatymas", "lt"),
        ("Bardzo dobra jakość, ale rozmiar jest za mały", "pl"),
        ("Velmi dobrá kvalita, ale velikost je příliš malá", "cs"),
        ("Veľmi dobrá kvalita, ale veľkosť je príliš malá", "sk"),
        ("Zelo dobra kakovost in hitra dostava", "sl"),
        ("Vrlo dobra kvaliteta, ali veličina je premala", "hr"),
        ("Nagyon jó minőség, de a méret túl kicsi", "hu"),
        ("Calitate foarte bună și livrare rapidă", "ro"),
        ("Çok güzel bir ürün, kargo da hızlı geldi", "tr"),
        ("Barangnya bagus dan sesuai dengan ukuran", "id"),
        ("Sản phẩm rất đẹp và giao hàng nhanh", "vi"),
        ("12345 !!!", "und"),
        ("", "und"),
    ],
)
def test_a_language_is_recognised(text, code):
    assert language(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "Lovely worn as a tunic or dress. Looks great over a pair of jeans or as a dress!",
        "Gave this to a friend as a gift.  soft, lovely.  she loves it.",
        "Cute kimono\nSuper cute! no complaints! fun print! light weight soft material!",
        "Stunning one of a kind dress worth every penny, a twist on a kimono!",
        "Killer sushi, no egg, no anchovy",
    ],
)
def test_english_is_not_taken_for_another_language(text, monkeypatch):
    monkeypatch.setattr(languages, "_identifier", lambda: pytest.fail("py3langid was asked"))
    assert language(text) == "en"


def test_py3langid_chooses_only_among_what_the_words_allow(monkeypatch):
    class Identifier:
        def rank(self, text):
            return [("so", -1.0), ("no", -2.0), ("da", -3.0)]

    unclear = "Jeg kan ikke se det"
    monkeypatch.setattr(languages, "_identifier", lambda: None)
    assert language(unclear) in {"da", "no"}
    monkeypatch.setattr(languages, "_identifier", Identifier)
    assert language(unclear) == "no"


def test_texts_that_say_the_same_are_found():
    one = "I bought this dress for a wedding and everybody loved the colour and the fit of it"
    other = one.replace("wedding", "party") + "!!!"
    rows = texts.signatures(
        [one, "The kettle leaks after two weeks, and nobody answers my letters", other, "Very good"]
    )
    pairs = near_duplicates(rows, threshold=0.6)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2)]
    assert 0.6 <= pairs[0].similarity <= 1


def test_short_praise_is_nobodys_copy():
    rows = texts.signatures(["Very good!", "Very good!", ""])
    assert not rows.any()
    assert near_duplicates(rows) == []


def test_chinese_copies_are_found():
    said = "衣服质量很好，物流也快，客服态度不错，下次还会再来买"
    rows = texts.signatures([said, said + "。", "手机屏幕碎了，客服一直不理人，非常失望"])
    assert [(p.first, p.second) for p in near_duplicates(rows)] == [(0, 1)]


def test_signatures_are_the_same_in_any_process():
    row = texts.signatures(["the same five words again and again"])[0]
    assert row.dtype == np.uint32
    np.testing.assert_array_equal(row, texts.signatures(["the same five words again and again"])[0])


def test_batches_hold_texts_of_like_length_and_few_enough_tokens():
    lengths = [3, 9, 1, 3, 30, 4]
    rows = [[1] * n for n in lengths]

    assert batches(rows, 4) == [[2, 0, 3, 5], [1, 4]]
    assert batches(rows, 4, 9) == [[2, 0, 3], [5], [1], [4]]
    assert batches([], 4) == []
