"""Each language is read by its own model, all others by the rest's."""

import numpy as np
import pytest

from engagement.learning.sentiment import Lexicon, TfidfLogistic
from engagement.learning.sentiment.by_language import ByLanguage, read
from engagement.testing import ClassifierTests

HERE = "engagement.learning.sentiment"
GRAMS = {"BACKEND": f"{HERE}.TfidfLogistic", "OPTIONS": {"min_texts": 1}}
WORDS = {"BACKEND": f"{HERE}.Lexicon", "OPTIONS": {"words": "builtin"}}


class TestByLanguage(ClassifierTests):
    classifier = ByLanguage
    options = {"parts": {"": GRAMS, "zh": GRAMS}}


def contrary(language):
    """A model that has learnt the opposite of what words mean, in one language."""
    texts = {"en": ["good book", "bad book"], "zh": ["好书", "坏书"]}[language] * 10
    return TfidfLogistic(min_texts=1).fit(texts, np.array([0, 2] * 10))


@pytest.fixture
def mixed():
    parts = {"": WORDS, "zh": GRAMS}
    return ByLanguage(parts).take({"": Lexicon("builtin").fit([], []), "zh": contrary("zh")})


def test_each_text_is_read_by_its_languages_model(mixed):
    assert mixed.predict(["a good book", "好书", "a bad book", "坏书"]).tolist() == [2, 0, 0, 2]


def test_a_language_that_is_told_is_believed(mixed):
    assert mixed.predict(["好书"], ["zh-hans"]).tolist() == [0]
    assert mixed.predict(["好书"], ["en"]).tolist() == [2]
    assert mixed.predict(["a good book"], ["en-GB"]).tolist() == [2]
    assert mixed.predict(["a good book"], ["fr"]).tolist() == [2]


def test_what_is_read_once_is_what_is_asked_twice(mixed):
    texts = ["a good book", "好书", ""]
    proba, classes = read(mixed, texts)
    assert np.array_equal(proba, mixed.predict_proba(texts))
    assert np.array_equal(classes, mixed.predict(texts))
    plain = Lexicon("builtin").fit([], [])
    assert np.array_equal(read(plain, texts)[1], plain.predict(texts))


def test_there_is_always_somebody_to_read(mixed):
    with pytest.raises(ValueError, match="without a part"):
        ByLanguage({"en": GRAMS})
    assert mixed.predict_proba([]).shape == (0, 3)
