"""Every classifier keeps the contract that engagement.testing states."""

import numpy as np
import pytest

from engagement.learning.sentiment import (
    Ensemble,
    Lexicon,
    SeedModel,
    SpamClassifier,
    TfidfLogistic,
    TinyEncoder,
)
from engagement.testing import ClassifierTests

# Stands for the packaged reviews, which take seconds to learn.
SEED = (
    ["很好", "满意", "非常喜欢", "完美", "垃圾", "太差了", "失望", "难吃"] * 3,
    np.array([2, 2, 2, 2, 0, 0, 0, 0] * 3),
)


class TestTfidfLogistic(ClassifierTests):
    classifier = TfidfLogistic
    options = {"min_texts": 1}


class TestIsotonicTfidf(ClassifierTests):
    classifier = TfidfLogistic
    options = {"min_texts": 1, "calibration": "isotonic"}


class TestSpamClassifier(ClassifierTests):
    classifier = SpamClassifier
    options = {"min_texts": 1}
    # It knows two classes.
    learns = False


class TestVader(ClassifierTests):
    classifier = Lexicon
    options = {"words": "vader"}
    learns = False
    speaks = ("en",)

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        pytest.importorskip("vaderSentiment")


class TestBuiltinLexicon(ClassifierTests):
    classifier = Lexicon
    options = {"words": "builtin"}
    learns = False


class TestSeedModel(ClassifierTests):
    classifier = SeedModel
    fit_options = {"seed": SEED}
    learns = False


class TestEnsemble(ClassifierTests):
    classifier = Ensemble
    options = {
        "members": {
            "words": {
                "BACKEND": "engagement.learning.sentiment.TfidfLogistic",
                "OPTIONS": {"min_texts": 1},
            },
            "known": {
                "BACKEND": "engagement.learning.sentiment.Lexicon",
                "OPTIONS": {"words": "builtin"},
            },
        }
    }


class TestEnsembleThatFitsOnce(TestEnsemble):
    options = TestEnsemble.options | {"held_out": 0.2}


# Importing PyTorch alone takes longer than the everyday suite may.
@pytest.mark.slow
class TestTinyEncoder(ClassifierTests):
    classifier = TinyEncoder
    options = {"epochs": 12, "learning_rate": 5e-3, "width": 32, "layers": 1, "max_tokens": 48}
    explains = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")


@pytest.mark.slow
class TestQuantisedTinyEncoder(TestTinyEncoder):
    options = TestTinyEncoder.options | {"quantised": True}
    # The scale of the activations is that of the whole batch.
    tolerance = 0.05

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _graphs(cls):
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
