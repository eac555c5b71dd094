"""Grams found by the tree are those that are counted one by one; space is evened out."""

import numpy as np
import pytest

from engagement.learning.sentiment.cleaning import normalise
from engagement.learning.sentiment.grams import Grams
from engagement.learning.sentiment.heads import Head
from engagement.testing.classifiers import BAD_TEXTS

TEXTS = [
    "Runs small\nruns small, but I love it! runs small",
    "Love it, love it",
    "质量很好，质量很好\n质量 very good 很好",
    "NIKE 鞋子很好 NIKE鞋子",
    "👍 great 👍",
    "nothing, that others say",
    *(text[:200] for text in BAD_TEXTS),
]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_words": 3, "n_signs": 4},
        {"marks": True, "titles": False},
        {"letters": 4},
        {"n_words": 0, "n_signs": 0, "letters": 3},
        {"max_grams": 5},
    ],
    ids=str,
)
def test_a_row_holds_the_known_grams_of_its_text(options):
    grams = Grams(**{"min_texts": 1, **options}).fit(TEXTS)
    rows = grams.transform([*TEXTS, "unheard of 未知"])
    for row, text in enumerate(TEXTS):
        columns = rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
        known = {grams.columns[gram] for gram in grams.of(text) if gram in grams.columns}
        assert set(columns.tolist()) == known, text
        assert (np.diff(columns) > 0).all()
        assert not known or np.isclose(np.square(rows[[row]].data).sum(), 1, atol=1e-5)


def test_a_gram_never_reaches_into_the_next_text():
    grams = Grams(min_texts=1).fit(["very good"])
    assert grams.transform(["very", "good"]).nnz == 2


def test_texts_in_batches_are_texts_all_the_same(monkeypatch):
    grams = Grams(min_texts=1).fit(TEXTS)
    whole = grams.transform(TEXTS)
    monkeypatch.setattr("engagement.learning.sentiment.grams.BATCH", 4)
    assert (grams.transform(TEXTS) != whole).nnz == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b", "a b"),
        ("a\t\t b \t c", "a b c"),
        (" a \n \n\t b ", "a\nb"),
        ("a\u3000b\u00a0c", "a b c"),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_space_is_single(text, expected):
    assert normalise(text) == expected


def test_ratios_find_the_word_that_tells_the_classes_apart():
    texts = [f"the dress {word}" for word in ("great", "awful") for _ in range(1_000)]
    labels = np.repeat([2, 0], 1_000)
    grams = Grams().fit(texts)
    head = Head(ratios=True).fit(grams.transform(texts), labels, np.random.default_rng(1))
    lines = head.coef_[2] - head.coef_[0]
    assert lines[grams.columns["great"]] > 0 > lines[grams.columns["awful"]]
    assert abs(lines[grams.columns["dress"]]) < 0.1 * lines[grams.columns["great"]]
    assert (head.predict_proba(grams.transform(texts)).argmax(axis=1) == labels).all()
