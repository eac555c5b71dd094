"""Texts written to deceive, and what gives them away."""

import numpy as np
import pytest

from engagement.learning.sentiment.base import NEGATIVE, POSITIVE
from engagement.learning.sentiment.spam import REASONS, SpamClassifier, traits

ADVERT = ["BEST deal ever!!! my husband and I always buy cheap pills at our shop number"]
HONEST = ["The room on floor 4 near the lift cost 120 a night; the tap dripped"]


@pytest.fixture(scope="module")
def fitted():
    texts = [f"{text} {i}" for text in ADVERT + HONEST for i in range(30)]
    labels = [NEGATIVE] * 30 + [POSITIVE] * 30
    return SpamClassifier().fit(texts, labels, rng=np.random.default_rng(1))


def test_spam_is_told_from_honest_texts(fitted):
    proba = fitted.predict_proba(["best cheap pills at our shop", "the tap on floor 4 dripped", ""])
    assert proba[0, NEGATIVE] > 0.6 > 0.4 > proba[1, NEGATIVE]
    assert np.isfinite(proba).all()


def test_it_points_at_words_and_traits(fitted):
    text = "cheap pills near the lift"
    weights = {text[start:end]: weight for start, end, weight in fitted.explain(text)}
    assert weights["pills"] < 0 < weights["lift"]
    reasons = fitted.reasons(ADVERT[0])
    assert {reason.name for reason in reasons} == set(REASONS)
    assert reasons[0].value >= reasons[-1].value


def test_traits_count_what_their_names_say():
    values = dict(traits("I paid 20 for my room!"))
    assert values["first_person"] == pytest.approx(2 / 6)
    assert values["numbers"] == pytest.approx(1 / 6)
    assert values["exclamations"] > 0
    assert all(np.isfinite(value) for value in dict(traits("")).values())


def test_without_labels_of_both_kinds_it_answers_how_frequent_spam_was():
    nothing = SpamClassifier().fit([], []).predict_proba(["x"])
    assert nothing[0, NEGATIVE] == pytest.approx(0.5)
    honest = SpamClassifier().fit(["a b c"] * 8, [POSITIVE] * 8).predict_proba(["x"])
    assert honest[0, NEGATIVE] < 0.2
