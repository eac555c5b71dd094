"""The ladder is climbed with the labels that there are; what is live is never made worse."""

from datetime import timedelta
from typing import ClassVar

import numpy as np
import pytest

from engagement.conf import DEFAULTS
from engagement.flows.training import artifact_files, artifacts
from engagement.flows.understanding import comparing, labels, ladder, live
from engagement.flows.understanding.analyse import analyse
from engagement.flows.understanding.labels import class_of
from engagement.flows.understanding.train import NoRung, UnknownClassifier, train
from engagement.learning.sentiment import Lexicon, TfidfLogistic, seed
from engagement.learning.sentiment.base import build
from engagement.learning.sentiment.by_language import ByLanguage
from engagement.models import Activation, ModelArtifact, Review, ReviewLabel
from engagement.signals import artifact_rejected
from tests.understanding import analysis, post, rated, review

pytestmark = pytest.mark.django_db

WORDS = {"BACKEND": "engagement.learning.sentiment.Lexicon", "OPTIONS": {"words": "builtin"}}
GRAMS = {"BACKEND": "engagement.learning.sentiment.TfidfLogistic", "FROM_LABELS": 60}


class Broken(TfidfLogistic):
    def fit(self, texts, labels, *, languages=None, rng=None):
        raise MemoryError("too much")


class Contrary(TfidfLogistic):
    """Learns the opposite."""

    def fit(self, texts, labels, *, languages=None, rng=None):
        return super().fit(texts, 2 - np.asarray(labels), languages=languages, rng=rng)


class Starry(TfidfLogistic):
    """Remembers the classes and stars that it was taught."""

    told: ClassVar[list] = []

    def fit(self, texts, labels, *, languages=None, rng=None, stars=None):
        self.told.append((list(labels), list(stars)))
        return super().fit(texts, labels, languages=languages, rng=rng)


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path_factory):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path_factory.mktemp("models")},
        },
    }


@pytest.fixture(autouse=True)
def rungs(settings):
    def use(*candidates):
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "CLASSIFIERS": {"sentiment": {"CANDIDATES": list(candidates)}},
        }

    use(WORDS, GRAMS)
    return use


def mine(backend, **entry):
    return {"BACKEND": f"{__name__}.{backend.__name__}", **entry}


def parts(artifact):
    model, _arrays = artifacts.rebuild(artifact, ByLanguage)
    return {code: type(part) for code, part in model.models.items()}


# -- climbing -------------------------------------------------------------------------------
def test_without_labels_the_lowest_rung_goes_live(at):
    report = train(channel="", at=at)
    assert report.activated
    assert report.rungs == {"": "Lexicon"}
    assert report.artifact.verdict == "untested"


def test_each_language_climbs_as_far_as_its_labels_reach(at):
    rated(150, at=at, language="en")
    rated(30, at=at, language="zh")
    report = train(channel="", at=at)
    assert report.rungs == {"": "Lexicon", "en": "TfidfLogistic"}
    assert report.activated
    assert report.artifact.verdict == "ahead"
    assert parts(report.artifact) == {"": Lexicon, "en": TfidfLogistic}


def test_the_stock_ladder_keeps_what_was_known_beside_few_labels(settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFIERS": DEFAULTS["CLASSIFIERS"]}
    pairs = [("很好用", "太差了"), ("值得买", "全是垃圾")]
    known = [f"{thing}{word}" for thing in "鞋灯书车包" for pair in pairs for word in pair] * 4
    monkeypatch.setattr(seed, "seed_reviews", lambda: (known, np.array([2, 0] * 40)))
    (few,) = (rung for rung in ladder.rungs_of("sentiment") if rung.from_labels == 100)
    # The shop's own labels hold one pair, and words of their own; never the other pair.
    words = [word for pair in (pairs[0], ("满意", "失望")) for word in pair]
    own = [f"第{n}次买，{word}" for n in range(30) for word in words]
    model = build(few.spec).fit(own, np.array([2, 0] * 60), rng=np.random.default_rng(1))

    proba = model.predict_proba(["伞，失望", "伞，满意", "伞全是垃圾", "伞值得买"])

    assert (proba[:, 0] > proba[:, 2]).tolist() == [True, False, True, False]


def test_what_was_measured_is_kept_with_the_model(at):
    rated(180, at=at)
    metrics = train(channel="", at=at).artifact.metrics
    assert metrics["models"]["new model"]["macro_f1"] > metrics["models"]["live model"]["macro_f1"]
    assert metrics["models"]["new model"]["calibration_error"] < 0.2
    assert set(metrics["languages"]["en"]) == {"Lexicon", "TfidfLogistic"}
    assert sum(metrics["reliability"]["counts"]) == metrics["labels"]["held_out"]
    assert metrics["gain"]["low"] <= metrics["gain"]["mean"] <= metrics["gain"]["high"]


def test_the_lowest_rung_is_there_to_go_back_to(at):
    rated(150, at=at)
    trained = train(channel="", at=at).artifact
    artifacts.roll_back("sentiment", channel="", at=at)
    assert artifacts.live("sentiment", channel="") != trained
    assert type(live.sentiment("").classifier.models[""]) is Lexicon
    assert live.artifact_id("") == live.sentiment("").artifact_id != trained.pk


# -- the gate -------------------------------------------------------------------------------
def test_a_model_that_is_not_better_stays_in_the_drawer(at, rungs):
    rated(150, at=at)
    good = train(channel="", at=at).artifact
    rungs(WORDS, mine(Contrary, FROM_LABELS=60))
    told = []
    artifact_rejected.connect(told.append, weak=False)

    def listen(**kwargs):
        told.append(kwargs["reason"])

    artifact_rejected.connect(listen, weak=False)
    report = train(channel="", at=at + timedelta(days=7))
    artifact_rejected.disconnect(listen)
    assert not report.activated
    assert report.artifact.verdict == "behind"
    assert artifacts.live("sentiment", channel="") == good
    assert told[-1] == report.reason


def test_the_same_labels_again_change_nothing(at):
    rated(150, at=at)
    first = train(channel="", at=at)
    again = train(channel="", at=at + timedelta(days=7))
    assert not again.activated
    assert artifacts.live("sentiment", channel="") == first.artifact


def test_few_labels_more_do_not_have_everything_read_anew(at):
    rated(20, at=at)
    first = train(channel="", at=at).artifact
    rated(2, at=at + timedelta(days=1))
    assert not train(channel="", at=at + timedelta(days=7)).activated
    rated(60, at=at + timedelta(days=8))
    assert train(channel="", at=at + timedelta(days=14)).activated
    assert artifacts.live("sentiment", channel="") != first


def test_a_rung_that_fails_costs_only_itself(at, rungs):
    rated(150, at=at)
    rungs(WORDS, mine(Broken, FROM_LABELS=60), GRAMS)
    report = train(channel="", at=at)
    assert report.failures == {"Broken · en": "MemoryError: too much"}
    assert report.rungs["en"] == "TfidfLogistic"


def test_when_every_rung_fails_nothing_changes(at, rungs):
    before = train(channel="", at=at).artifact
    rungs(mine(Broken, FROM_LABELS=0))
    with pytest.raises(NoRung, match="too much"):
        train(channel="", at=at + timedelta(days=7))
    assert artifacts.live("sentiment", channel="") == before
    assert ModelArtifact.objects.count() == Activation.objects.count() == 1


def test_a_classifier_that_settings_do_not_name_is_told(settings, at):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFIERS": {}}
    with pytest.raises(UnknownClassifier):
        train(channel="", at=at)


def test_damaged_files_leave_the_reading_to_the_model_before(at):
    rated(150, at=at)
    trained = train(channel="", at=at).artifact
    artifact_files.storage().delete(f"{trained.path}/manifest.json")
    live.forget()
    assert live.sentiment("").artifact_id != trained.pk
    one = review("A wonderful book, I love it", at=at)
    analyse(channel="", at=at)
    assert analysis(one).sentiment == "positive"


# -- labels ---------------------------------------------------------------------------------
def test_stars_are_labels():
    assert [class_of(rating) for rating in (1, 2, 3, 4, 5)] == [0, 0, 1, 2, 2]


def test_a_rung_that_can_use_the_stars_is_told_them(at, rungs):
    Starry.told = []
    rated(200, at=at)
    Review.objects.filter(rating=5, pk__in=[one.pk for one in Review.objects.all()[::2]]).update(
        rating=4
    )
    rungs(WORDS, mine(Starry, FROM_LABELS=20))
    train(channel="", at=at)
    ((classes, stars),) = Starry.told
    assert set(zip(classes, stars, strict=True)) == {(0, 1), (2, 4), (2, 5)}


def test_a_correction_outweighs_the_stars(at):
    one = review("This tedious story is a wonder of boredom", at=at, rating=5)
    ReviewLabel.objects.create(
        subject_kind="review",
        subject_key=str(one.key),
        review=one,
        field="sentiment",
        value="negative",
        labelled_at=at,
    )
    found = labels.read(channel="", until=at)
    assert found.classes.tolist() == [0]
    assert found.weights.tolist() == [labels.CORRECTION_WEIGHT]
    assert found.n_corrections == 1


def test_what_is_held_teaches_nothing_until_a_person_says_what_it_is(at):
    one = review("A wonder of a story", at=at, rating=1, status="held")
    assert len(labels.read(channel="", until=at)) == 0
    ReviewLabel.objects.create(
        subject_kind="review",
        subject_key=str(one.key),
        review=one,
        field="sentiment",
        value="positive",
        labelled_at=at,
    )
    assert labels.read(channel="", until=at).classes.tolist() == [2]


def test_posts_with_stars_teach_and_posts_without_do_not(at):
    post("A splendid shop with a lovely choice", at=at, rating=5)
    post("Somebody said something", at=at)
    assert len(labels.read(channel="", until=at)) == 1


def test_the_same_words_are_one_label_and_always_on_the_same_side(at):
    for day in range(3):
        review("A lovely story", at=at + timedelta(days=day))
        review("A LOVELY  story", at=at + timedelta(days=day))
    found = labels.read(channel="", until=at + timedelta(days=9))
    assert len(found) == 1
    rated(60, at=at)
    first = labels.read(channel="", until=at + timedelta(days=9))
    rated(120, at=at + timedelta(days=9))
    later = labels.read(channel="", until=at + timedelta(days=30))
    asked = {text for text, out in zip(first.texts, first.held_out, strict=True) if out}
    assert asked <= {text for text, out in zip(later.texts, later.held_out, strict=True) if out}


def test_another_shops_reviews_teach_nothing(at):
    review("A lovely story", at=at)
    Review.objects.update(channel="elsewhere")
    assert len(labels.read(channel="", until=at)) == 0


# -- measuring ------------------------------------------------------------------------------
def test_macro_f1_and_its_gain_are_those_of_the_textbook(rng):
    truth = np.array([0, 0, 1, 1, 2, 2] * 50)
    perfect, blind = truth.copy(), np.full(300, 2)
    assert comparing.macro_f1(perfect, truth) == 1.0
    assert comparing.macro_f1(blind, truth) == pytest.approx(0.5 / 3)
    mean, low, high = comparing.gain(perfect, blind, truth, rng)
    assert low <= mean <= high
    assert mean == pytest.approx(1 - 0.5 / 3)
    assert comparing.gain(blind, blind, truth, rng) == (0.0, 0.0, 0.0)
