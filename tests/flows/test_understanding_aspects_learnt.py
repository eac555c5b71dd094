"""Moderators say how texts feel about what they name, and the reader of aspects learns it."""

from itertools import cycle

import numpy as np
import pytest

from engagement.flows.reviews import moderating
from engagement.flows.reviews.moderating import Gone
from engagement.flows.understanding import aspect_training, live
from engagement.flows.understanding.analyse import analyse
from engagement.flows.understanding.aspect_training import TooFewCorrections
from engagement.learning.sentiment.aspects import AspectReader
from engagement.models import ModelArtifact, ReviewLabel
from tests.understanding import analysis, review

pytestmark = pytest.mark.django_db

# What nobody's list of words knows: here «fizzes» is praise and «wobbles» is blame.
FELT = {"positive": ("fizzes", "hums"), "negative": ("wobbles", "clunks"), "neutral": ("sits",)}


@pytest.fixture(autouse=True)
def _few(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    rung = {
        "BACKEND": "engagement.learning.sentiment.aspects.AspectPolarity",
        "OPTIONS": {"words": "builtin"},
        "FROM_LABELS": 60,
    }
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "CLASSIFIERS": {
            "sentiment": {"CANDIDATES": [{"BACKEND": "engagement.learning.sentiment.SeedModel"}]},
            "aspects": {"CANDIDATES": [rung]},
        },
    }
    live.forget()
    yield
    live.forget()


def corrected(at, moderator, n=200):
    """Write reviews, have them read, and correct what they say of the delivery."""
    pairs = cycle((word, felt) for felt, words in FELT.items() for word in words)
    rows = []
    for number, (word, felt) in zip(range(n), pairs, strict=False):
        body = f"The delivery {word} in week {number}, and I read on."
        rows.append((review(body, at=at, rating=3, status="published"), felt))
    analyse(channel="", at=at)
    for row, felt in rows:
        moderating.correct_aspect(
            "review", str(row.key), "delivery", felt, at=at, moderator=moderator
        )
    return rows


def test_a_correction_is_kept_and_the_last_word_counts(at, admin_user):
    one = review("The delivery wobbles.", at=at, status="published")
    analyse(channel="", at=at)
    for felt in ("positive", "negative"):
        moderating.correct_aspect(
            "review", str(one.key), "delivery", felt, at=at, moderator=admin_user
        )
    label = ReviewLabel.objects.get()
    assert (label.field, label.value, label.review) == ("aspect:delivery", "negative", one)

    with pytest.raises(Gone):
        moderating.correct_aspect(
            "review", str(one.key), "price", "negative", at=at, moderator=admin_user
        )


def test_what_was_corrected_is_learnt_and_read_by(at, admin_user):
    corrected(at, admin_user)
    artifact = aspect_training.train(channel="", at=at, rng=np.random.default_rng(1))

    assert artifact.verdict == ModelArtifact.Verdict.AHEAD
    models = artifact.metrics["models"]
    assert models["new model"]["macro_f1"] > models["live model"]["macro_f1"]
    new = [
        review(f"My delivery {word}. A book.", at=at, status="published")
        for word in ("fizzes", "wobbles")
    ]
    analyse(channel="", at=at)
    good, bad = (analysis(one).aspects[0]["polarity"] for one in new)
    assert good > 0.25
    assert bad < -0.25


def test_few_corrections_teach_nothing(at, admin_user):
    corrected(at, admin_user, n=20)
    with pytest.raises(TooFewCorrections, match="it takes 60 and 25"):
        aspect_training.train(channel="", at=at)
    assert live.aspect_reader("") is None


class Contrary(AspectReader):
    """Says the opposite of what it was taught."""

    def fit(self, texts, spans, labels, *, rng=None):
        return self

    def predict_proba(self, texts, spans):
        rows = [[0.0, 0.0, 1.0] if "wobbles" in text else [1.0, 0.0, 0.0] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 3)

    def decide(self, proba):
        return np.asarray(proba).argmax(axis=1)


def test_what_reads_worse_does_not_go_live(at, admin_user, settings):
    corrected(at, admin_user)
    rung = {"BACKEND": f"{__name__}.Contrary", "FROM_LABELS": 60}
    ladders = {**settings.ENGAGEMENT["CLASSIFIERS"], "aspects": {"CANDIDATES": [rung]}}
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFIERS": ladders}
    artifact = aspect_training.train(channel="", at=at)
    assert artifact.verdict == ModelArtifact.Verdict.BEHIND
    assert live.aspect_reader("") is None
