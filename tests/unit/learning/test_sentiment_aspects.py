"""What customers speak of, and how they feel about it."""

import numpy as np
import pytest

from engagement.learning.sentiment import Lexicon
from engagement.learning.sentiment.aspects import (
    AspectPolarity,
    aspect_polarity,
    clauses,
    find_aspects,
)

SAID = {2: ("great", "lovely", "excellent"), 0: ("terrible", "awful", "horrible")}
THINGS = ("battery", "screen", "keyboard", "price", "fabric")


def sentences():
    texts, spans, labels = [], [], []
    for first in THINGS:
        for second in THINGS:
            if first == second:
                continue
            for i in range(3):
                text = f"the {first} is {SAID[2][i]} but the {second} is {SAID[0][i]}"
                for thing, label in ((first, 2), (second, 0)):
                    start = text.index(thing)
                    texts.append(text)
                    spans.append((start, start + len(thing)))
                    labels.append(label)
    return texts, spans, np.array(labels)


def test_clauses_end_at_marks_and_before_but():
    text = "Lovely dress, but the zip broke. 质量好，但是物流慢"
    assert [text[slice(*place)].strip(" ,") for place in clauses(text)] == [
        "Lovely dress",
        "but the zip broke.",
        "质量好，",
        "但是物流慢",
    ]


def test_one_text_feels_differently_about_two_things():
    text = "The screen is excellent, but the battery is terrible"
    spans = [(4, 10), (33, 40)]
    assert [text[slice(*span)] for span in spans] == ["screen", "battery"]
    model = Lexicon(words="builtin").fit([], [])
    proba = aspect_polarity([text, text], spans, model)
    assert proba.shape == (2, 3)
    assert proba[0].argmax() == 2
    assert proba[1].argmax() == 0
    assert aspect_polarity([], [], model).shape == (0, 3)


def test_labels_teach_which_words_belong_to_which_thing():
    texts, spans, labels = sentences()
    model = AspectPolarity(words="builtin").fit(texts, spans, labels)
    new = "the strap is lovely but the buckle is awful"
    places = [(new.index(thing), new.index(thing) + len(thing)) for thing in ("strap", "buckle")]
    assert model.predict([new, new], places).tolist() == [2, 0]


def test_a_stored_model_answers_the_same():
    texts, spans, labels = sentences()
    model = AspectPolarity(words="builtin").fit(texts, spans, labels)
    again = AspectPolarity(**model.get_options()).set_arrays(model.get_arrays())
    np.testing.assert_allclose(
        again.predict_proba(texts, spans), model.predict_proba(texts, spans), atol=1e-6
    )


def test_english_aspects_are_found_without_labels():
    texts = [
        f"The {thing} is {word} and I walked home quickly"
        for thing in THINGS
        for words in SAID.values()
        for word in words
    ]
    found = find_aspects(texts, min_texts=3)
    assert set(THINGS) <= set(found.terms)
    assert "walked" not in found.terms
    assert found.spans("My Battery died, the screen too") == [
        (3, 10, "battery"),
        (21, 27, "screen"),
    ]


@pytest.mark.parametrize("segmenter", ["jieba", None])
def test_chinese_aspects_are_found_without_labels(segmenter, monkeypatch):
    if segmenter is not None:
        pytest.importorskip(segmenter)
    else:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ends = ("很好", "不错", "太差", "一般", "非常棒")
    starts = ("感觉", "总之", "说实话")
    texts = [f"{s}，{t}{e}" for s in starts for t in ("质量", "物流", "面料") for e in ends]
    found = find_aspects(texts, ["zh"] * len(texts), min_texts=3)
    assert {"质量", "物流", "面料"} <= set(found.terms)


def test_few_texts_hold_no_aspects():
    assert find_aspects([]).terms == ()
    assert find_aspects(["The fabric is lovely"]).terms == ()
