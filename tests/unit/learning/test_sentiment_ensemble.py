"""Classifiers that decide together."""

import numpy as np
import pytest

from engagement.learning.sentiment import Classifier, Ensemble, TfidfLogistic, seed

WORDS = ("great", "plain", "awful")
TEXTS = [f"{WORDS[i % 3]} {i}" for i in range(90)]
LABELS = np.array([2, 1, 0] * 30)


class Counting(Classifier):
    """Knows the words, and remembers what it was taught and where it was to keep its state."""

    def __init__(self):
        self.taught = []
        self.folders = []

    def fit(self, texts, labels, *, languages=None, rng=None, checkpoint=None, progress=None):
        self.taught.append(list(texts))
        self.folders.append(checkpoint)
        if progress is not None:
            progress(len(texts))
        return self

    def predict_proba(self, texts, languages=None):
        rows = [[0.1 + 0.7 * (text.split()[0] == word) for word in WORDS[::-1]] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 3)


@pytest.fixture
def taught(monkeypatch):
    """Build an ensemble of one member, fit it, and return both."""
    member = Counting()
    monkeypatch.setattr("engagement.learning.sentiment.ensemble.build", lambda spec: member)

    def fit(*, checkpoint=None, progress=None, **options):
        model = Ensemble({"one": {}}, **options)
        model.fit(
            TEXTS,
            LABELS,
            rng=np.random.default_rng(1),
            checkpoint=checkpoint,
            progress=progress,
        )
        return model, member

    return fit


def test_members_are_fitted_on_each_fold_and_then_on_everything(taught):
    model, member = taught(folds=3)
    assert [len(texts) for texts in member.taught] == [60, 60, 60, 90]
    assert (model.predict(TEXTS) == LABELS).all()


def test_with_texts_held_out_members_are_fitted_once_and_never_see_them(taught):
    model, member = taught(held_out=0.2)
    assert [len(texts) for texts in member.taught] == [72]
    assert (model.predict(TEXTS) == LABELS).all()


def test_members_that_are_fine_tuned_are_told_where_to_keep_their_state(taught, tmp_path):
    steps = []
    _model, member = taught(held_out=0.2, checkpoint=tmp_path, progress=steps.append)
    assert member.folders == [tmp_path / "one"]
    assert steps == [72]


def test_packaged_reviews_are_learnt_from_once_however_many_folds_there_are(monkeypatch):
    packaged = [f"{thing}{word}" for thing in "鞋灯书车包" for word in ("很好用", "太差了")] * 4
    monkeypatch.setattr(seed, "seed_reviews", lambda: (packaged, np.array([2, 0] * 20)))
    learnt = []
    fit = TfidfLogistic.fit

    def counted(self, texts, *args, **kwargs):
        learnt.append(len(texts))
        return fit(self, texts, *args, **kwargs)

    monkeypatch.setattr(TfidfLogistic, "fit", counted)
    Ensemble(folds=3).fit(TEXTS, LABELS, rng=np.random.default_rng(1))

    assert learnt.count(len(packaged)) == 1
    assert learnt.count(90) == 1


class Knowing(Counting):
    knows_before = True


def test_members_that_know_before_are_asked_as_they_are(monkeypatch):
    known, learner = Knowing(), Counting()
    members = iter([known, learner] * 2)
    monkeypatch.setattr("engagement.learning.sentiment.ensemble.build", lambda spec: next(members))
    Ensemble({"known": {}, "words": {}}, folds=3).fit(TEXTS, LABELS)
    assert known.taught == [[]]
    assert [len(texts) for texts in learner.taught] == [60, 60, 60, 90]


class Guessing(Counting):
    """Says nothing but chance, and not loudly, whatever it is taught."""

    def predict_proba(self, texts, languages=None):
        chance = np.random.default_rng(len(texts)).dirichlet([4, 4, 4], size=len(texts))
        return chance.astype(np.float32)


def test_few_labels_do_not_talk_an_ensemble_out_of_what_was_known(monkeypatch):
    members = {"known": Knowing, "words": Guessing}
    monkeypatch.setattr(
        "engagement.learning.sentiment.ensemble.build", lambda spec: members[spec["BACKEND"]]()
    )
    model = Ensemble({name: {"BACKEND": name} for name in members}, min_texts=6)
    model.fit(TEXTS[:12], LABELS[:12], rng=np.random.default_rng(1))
    assert model.is_stacked_
    assert (model.predict(TEXTS) == LABELS).mean() > 0.9


def test_no_more_than_half_may_be_held_out():
    with pytest.raises(ValueError, match="held_out"):
        Ensemble(held_out=0.5)


def test_members_that_can_use_stars_are_told_those_of_their_texts(monkeypatch):
    told = []

    class Starry(Counting):
        def fit(self, texts, labels, *, languages=None, rng=None, stars=None):
            told.append((list(texts), list(stars)))
            return self

    monkeypatch.setattr("engagement.learning.sentiment.ensemble.build", lambda spec: Starry())
    stars = np.array([5, 3, 1] * 30)
    model = Ensemble({"one": {}}, held_out=0.2)
    model.fit(TEXTS, LABELS, stars=stars, rng=np.random.default_rng(1))
    ((texts, given),) = told
    assert len(texts) == 72
    assert all(stars[TEXTS.index(text)] == star for text, star in zip(texts, given, strict=True))
