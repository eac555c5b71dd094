"""
What every classifier of texts must do, as tests to inherit.

In the test suite of a project that has its own backend::

    from engagement.testing import ClassifierTests

    class TestMine(ClassifierTests):
        classifier = Mine
        options = {"depth": 3}

``learns``, ``explains`` and ``speaks`` tell what the model is: whether labels teach it words it did
not know, whether it points at the words that mattered, and which languages it understands.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from engagement.learning.sentiment import NEGATIVE, NEUTRAL, POSITIVE, Classifier, score
from engagement.learning.sentiment.text import MAX_CHARS

_SAID = {
    "en": {
        POSITIVE: ["great", "lovely", "excellent", "perfect"],
        NEUTRAL: ["ordinary", "usual", "average", "plain"],
        NEGATIVE: ["terrible", "awful", "horrible", "broken"],
    },
    "zh": {
        POSITIVE: ["很好", "满意", "喜欢", "完美"],
        NEUTRAL: ["普通", "平常", "凑合", "还行"],
        NEGATIVE: ["垃圾", "太差", "失望", "难吃"],
    },
}
_ABOUT = {
    "en": ["the dress", "this phone", "the kettle", "my shoes", "the book"],
    "zh": ["这件衣服", "手机", "水壶", "鞋子", "这本书"],
}

BAD_TEXTS = [
    "",
    " \n\t ",
    "\x00\x07\x1b[31m",
    "\u202etxet desrever\u202c",
    "<script>alert(1)</script>",
    "<b",
    "🙂" * 5_000,
    "👩‍👩‍👧‍👦",
    "\ud800 lone surrogate",
    "a" * 100_000,
    "&#x110000; &amp;amp; &notanentity;",
    "好" * 30_000,
    "ﷺ" * 1_000,
    "!!!???",
    "1234567890",
]


def reviews() -> tuple[list[str], np.ndarray]:
    """
    Return texts of both languages whose words give their class away, and the class numbers.

    Positive ones are the most frequent by far, as in shops.
    """
    texts, labels = [], []
    for code in ("en", "zh"):
        for label, often in ((POSITIVE, 3), (NEUTRAL, 1), (NEGATIVE, 1)):
            words = _SAID[code][label]
            for thing in _ABOUT[code]:
                for i, word in enumerate(words):
                    other = words[(i + 1) % len(words)]
                    if code == "en":
                        texts += [f"{thing} is {word} and {other}"] * often
                    else:
                        texts += [f"{thing}{word}，{other}"] * often
                    labels += [label] * often
    return texts, np.array(labels)


class ClassifierTests:
    """Inherit, name the class in ``classifier``, and pytest does the rest."""

    classifier: ClassVar[type[Classifier]]
    options: ClassVar[dict[str, Any]] = {}
    # What is passed to fit() beside texts and labels.
    fit_options: ClassVar[dict[str, Any]] = {}
    # Labels teach it words.
    learns: ClassVar[bool] = True
    # explain() points at words.
    explains: ClassVar[bool] = True
    # By how much an answer may differ with the company that a text is asked in.
    tolerance: ClassVar[float] = 2e-3
    # Languages whose plain praise and blame it must tell apart.
    speaks: ClassVar[tuple[str, ...]] = ("en", "zh")

    @classmethod
    def make(cls, **options: Any) -> Classifier:
        return cls.classifier(**{**cls.options, **options})

    @classmethod
    def fit(cls, texts: list[str], labels: Any, seed: int = 1, **kwargs: Any) -> Classifier:
        rng = np.random.default_rng(seed)
        return cls.make().fit(texts, labels, rng=rng, **{**cls.fit_options, **kwargs})

    # Fitted once a class: models that take seconds stay bearable.
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> Classifier:
        texts, labels = reviews()
        return cls.fit(texts, labels)

    # -- the answer -------------------------------------------------------------------------
    def test_tells_praise_from_blame(self, fitted: Classifier) -> None:
        for code in self.speaks:
            praise, blame = (
                _ABOUT[code][0] + (" is " if code == "en" else "") + _SAID[code][label][0]
                for label in (POSITIVE, NEGATIVE)
            )
            good, bad = score(fitted.predict_proba([praise, blame]))
            assert good > bad, (praise, blame)

    def test_finds_again_what_it_has_learnt(self, fitted: Classifier) -> None:
        if not self.learns:
            pytest.skip("learns no words from labels")
        texts, labels = reviews()
        assert (fitted.predict(texts) == labels).mean() > 0.9

    # -- the shape --------------------------------------------------------------------------
    def test_gives_probabilities_of_three_classes(self, fitted: Classifier) -> None:
        texts, _ = reviews()
        proba = fitted.predict_proba(texts)
        assert proba.shape == (len(texts), 3)
        assert proba.dtype == np.float32
        assert (proba >= 0).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-4)
        classes = fitted.predict(texts)
        assert classes.shape == (len(texts),)
        assert set(classes.tolist()) <= {NEGATIVE, NEUTRAL, POSITIVE}

    def test_no_texts_give_no_answers(self, fitted: Classifier) -> None:
        assert fitted.predict_proba([]).shape == (0, 3)
        assert fitted.predict([]).shape == (0,)
        assert score(fitted.predict_proba([])).shape == (0,)

    def test_one_at_a_time_or_all_together_is_the_same(self, fitted: Classifier) -> None:
        texts, _ = reviews()
        texts = [*texts[::7], "", "a much longer text " * 30]
        together = fitted.predict_proba(texts)
        for text, expected in zip(texts, together, strict=True):
            alone = fitted.predict_proba([text])[0]
            np.testing.assert_allclose(alone, expected, atol=self.tolerance)

    def test_languages_may_be_told(self, fitted: Classifier) -> None:
        texts = ["the dress is great", "这件衣服很好"]
        told = fitted.predict_proba(texts, languages=["en", "zh"])
        np.testing.assert_allclose(told, fitted.predict_proba(texts), atol=1e-6)

    def test_a_text_has_a_vector_or_none(self, fitted: Classifier) -> None:
        texts = ["the dress is great", "这件衣服很好", ""]
        vectors = fitted.vectors(texts)
        assert len(vectors) == len(texts)
        for vector in vectors:
            assert vector is None or (vector.ndim == 1 and np.isfinite(vector).all())
        assert fitted.vectors([]) == []

    # -- whatever people type ---------------------------------------------------------------
    def test_bad_texts_get_an_answer(self, fitted: Classifier) -> None:
        proba = fitted.predict_proba(BAD_TEXTS)
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-4)
        for text in BAD_TEXTS:
            if len(text) < MAX_CHARS:
                fitted.explain(text)

    # -- little to learn from ---------------------------------------------------------------
    def test_nothing_to_learn_from(self) -> None:
        proba = self.fit([], []).predict_proba(["the dress is great", "这件衣服很好", ""])
        assert proba.shape == (3, 3)
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-4)

    def test_a_single_label(self) -> None:
        proba = self.fit(["the dress is great"], [POSITIVE]).predict_proba(["the dress is great"])
        assert proba[0].argmax() == POSITIVE

    def test_labels_of_two_classes_only(self) -> None:
        texts, labels = reviews()
        kept = labels != NEUTRAL
        some = [text for text, keep in zip(texts, kept, strict=True) if keep]
        proba = self.fit(some, labels[kept]).predict_proba(some[:5])
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-4)

    def test_labels_that_are_no_classes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="class numbers"):
            self.fit(["good", "bad"], [0, 3])
        with pytest.raises(ValueError, match="labels of shape"):
            self.fit(["good", "bad"], [0])

    # -- the same again ---------------------------------------------------------------------
    def test_the_same_data_give_the_same_model(self, fitted: Classifier) -> None:
        texts, labels = reviews()
        again = self.fit(texts, labels)
        np.testing.assert_allclose(
            again.predict_proba(texts[:20]), fitted.predict_proba(texts[:20]), atol=1e-6
        )

    def test_the_global_random_state_is_left_alone(self) -> None:
        texts, labels = reviews()
        np.random.seed(5)  # noqa: NPY002
        expected = np.random.random()  # noqa: NPY002
        np.random.seed(5)  # noqa: NPY002
        self.fit(texts[::3], labels[::3])
        assert np.random.random() == expected  # noqa: NPY002

    def test_asking_changes_nothing(self, fitted: Classifier) -> None:
        texts, _ = reviews()
        first = fitted.predict_proba(texts[:5])
        fitted.explain(texts[0])
        fitted.predict_proba(["something else", ""])
        np.testing.assert_array_equal(fitted.predict_proba(texts[:5]), first)

    # -- storage ----------------------------------------------------------------------------
    def test_options_are_stored_unchanged(self) -> None:
        options = self.make().get_options()
        assert json.loads(json.dumps(options)) == options
        assert self.classifier(**options).get_options() == options
        for name, value in self.options.items():
            assert options[name] == value

    def test_storing_and_loading_changes_nothing(self, fitted: Classifier, tmp_path: Path) -> None:
        """Through real files, mapped read-only, as workers do."""
        arrays = {}
        for name, array in fitted.get_arrays().items():
            assert array.dtype.kind in "biufS", name
            np.save(tmp_path / f"{name}.npy", array, allow_pickle=False)
            arrays[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        loaded = self.classifier(**fitted.get_options()).set_arrays(arrays)
        texts, _ = reviews()
        np.testing.assert_allclose(
            loaded.predict_proba(texts[:20]), fitted.predict_proba(texts[:20]), atol=1e-6
        )
        np.testing.assert_array_equal(loaded.predict(texts), fitted.predict(texts))
        assert loaded.explain(texts[0]) == fitted.explain(texts[0])

    # -- reasons ----------------------------------------------------------------------------
    def test_points_at_the_words_that_mattered(self, fitted: Classifier) -> None:
        for code in self.speaks:
            for label, sign in ((POSITIVE, 1), (NEGATIVE, -1)):
                word = _SAID[code][label][0]
                text = f"the dress is {word}" if code == "en" else f"这件衣服{word}"
                spans = fitted.explain(text)
                if not self.explains:
                    assert spans == []
                    continue
                assert spans == sorted(spans)
                assert all(0 <= start < end <= len(text) for start, end, _ in spans)
                start = text.index(word)
                inside = sum(w for s, e, w in spans if s >= start and e <= start + len(word))
                assert inside * sign > 0, (text, spans)
