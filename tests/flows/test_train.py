"""From events to a live model, and everything that may go wrong on the way."""

from datetime import timedelta

import numpy as np
import pytest

from engagement.conf import app_settings
from engagement.flows.importing.backfill import backfill
from engagement.flows.locks import AlreadyRunning, lock
from engagement.flows.training import artifact_files, artifacts, evaluate
from engagement.flows.training.evaluate import BASELINE, NothingToLearnFrom, UnknownAlias
from engagement.flows.training.train import TrainingFailed, train
from engagement.learning.interactions import Histories
from engagement.learning.recommenders import MostPopular, Recommender
from engagement.learning.recommenders.ranking import top_n
from engagement.models import Activation, EventName, Item, ModelArtifact
from engagement.signals import artifact_activated, artifact_rejected
from tests.othershop import catalogue

pytestmark = pytest.mark.django_db


class Broken(Recommender):
    def fit(self, interactions, *, rng=None):
        raise RuntimeError("out of ideas")


class Silent(MostPopular):
    """Has nothing to recommend."""

    def score(self, histories):
        return 0 * super().score(histories)


class ForgetfulAtTheEnd(MostPopular):
    """Copes with a part of the data, not with all of it."""

    def fit(self, interactions, *, rng=None):
        if interactions.moments.max() > 1_771_800_000:
            raise MemoryError("too much")
        return super().fit(interactions, rng=rng)


EASE = {"BACKEND": "engagement.learning.recommenders.EASE", "OPTIONS": {"regularization": 5.0}}
KNN = {"BACKEND": "engagement.learning.recommenders.ItemKNN", "OPTIONS": {}}


def mine(backend):
    return {"BACKEND": f"{__name__}.{backend.__name__}"}


@pytest.fixture
def recommenders(settings):
    def choose(*backends, **spec):
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "RECOMMENDERS": {"for_you": {**spec, "CANDIDATES": list(backends)}},
        }

    choose(EASE, KNN)
    return choose


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path_factory):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path_factory.mktemp("models")},
        },
    }


@pytest.fixture
def readers(bookshop, at):
    """The bookshop with its sales in the event log."""
    backfill(channel="", at=at)
    return bookshop


def best(alias, *titles, n=3):
    """Return the titles that the live model ranks first for someone who took ``titles``."""
    loaded = artifacts.load(artifacts.live(alias, channel=""))
    keys = [key.decode() for key in loaded.item_keys]
    slugs = [Item.objects.get(title=title).key for title in titles]
    columns = [keys.index(slug) for slug in slugs]
    found = top_n(loaded.recommender.score(Histories.of(columns))[0], n, exclude=columns)
    return [Item.objects.get(key=keys[position]).title for position in found]


# -- what a training does -------------------------------------------------------------------
def test_readers_get_books_of_their_own_genre(readers, recommenders, at):
    report = train(channel="", alias="for_you", at=at)
    assert report.activated
    assert report.verdict == ModelArtifact.Verdict.PASSED
    for titles in catalogue.GENRES.values():
        assert set(best("for_you", titles[0], titles[1])) <= set(titles)


def test_every_stock_recommender_goes_live(readers, at):
    for alias in sorted(app_settings.RECOMMENDERS):
        report = train(channel="", alias=alias, at=at)
        assert report.activated, (alias, report.reason)
    assert best("bought_together", "Dune", n=1) == ["Solaris"]


def test_the_winner_learns_from_everything(readers, recommenders, at):
    artifact = train(channel="", alias="for_you", at=at).artifact
    assert artifact.data_until > at - timedelta(days=7)
    assert artifact.n_rows == 36
    assert artifact.n_items == 15


def test_what_was_measured_is_kept_with_the_model(readers, recommenders, at):
    recommenders(EASE, KNN, {**KNN, "NAME": "wary", "OPTIONS": {"shrinkage": 50.0}}, KNN)
    metrics = train(channel="", alias="for_you", at=at).artifact.metrics
    assert set(metrics["models"]) == {BASELINE, "EASE", "ItemKNN", "wary", "ItemKNN 2"}
    assert metrics["baseline"] == BASELINE
    winner, baseline = metrics["models"][metrics["winner"]], metrics["models"][BASELINE]
    assert winner["ndcg@10"] == max(model["ndcg@10"] for model in metrics["models"].values())
    assert winner["ndcg@10"] > baseline["ndcg@10"]
    assert winner["ndcg@10_low"] < winner["ndcg@10"] < winner["ndcg@10_high"]
    gate = metrics["gate"]["models"]
    assert set(gate) == {BASELINE, metrics["winner"]}
    assert metrics["gate"]["days"] == pytest.approx(metrics["holdout_days"] / 2, abs=0.01)
    assert metrics["gain"]["mean"] == pytest.approx(
        gate[metrics["winner"]]["ndcg@10"] - gate[BASELINE]["ndcg@10"], abs=1e-5
    )
    assert "new_recall@10" in winner
    assert metrics["questions"]["all"] == 36
    assert metrics["cleaning"]["bots"] == 0


def test_the_same_events_give_the_same_model(readers, recommenders, at):
    one, two = (
        train(channel="", alias="for_you", at=at, rng=np.random.default_rng(4)).artifact
        for _ in range(2)
    )
    assert {**one.metrics, "models": 0} == {**two.metrics, "models": 0}
    history = Histories.of([0, 1])
    np.testing.assert_array_equal(
        artifacts.load(one).recommender.score(history),
        artifacts.load(two).recommender.score(history),
    )


def test_going_live_is_announced(readers, recommenders, at, django_capture_on_commit_callbacks):
    told = []
    artifact_activated.connect(listen := lambda artifact, **kwargs: told.append(artifact))
    try:
        with django_capture_on_commit_callbacks(execute=True):
            report = train(channel="", alias="for_you", at=at)
    finally:
        artifact_activated.disconnect(listen)
    assert told == [report.artifact]


def test_progress_tells_what_is_being_done(readers, recommenders, at):
    said = []
    train(channel="", alias="for_you", at=at, progress=said.append)
    assert said[0] == "reading events"
    assert said[-1] == "storing"
    assert "ItemKNN" in said


def test_old_models_are_forgotten(readers, recommenders, at, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "KEEP_ARTIFACTS": 1}
    for day in range(5):
        train(channel="", alias="for_you", at=at + timedelta(days=day))
    assert ModelArtifact.objects.count() == 3
    assert len(artifact_files.folders("", "for_you")) == 3


def test_channels_are_apart(readers, recommenders, at):
    train(channel="", alias="for_you", at=at)
    with pytest.raises(NothingToLearnFrom):
        train(channel="other", alias="for_you", at=at)


# -- the gate -------------------------------------------------------------------------------
@pytest.fixture
def live(readers, recommenders, at):
    return train(channel="", alias="for_you", at=at).artifact


def test_a_model_that_loses_to_best_sellers_is_kept_and_not_live(live, recommenders, at):
    told = []
    artifact_rejected.connect(listen := lambda **kwargs: told.append(kwargs))
    recommenders(mine(Silent))
    try:
        report = train(channel="", alias="for_you", at=at)
    finally:
        artifact_rejected.disconnect(listen)
    assert not report.activated
    assert report.artifact.verdict == ModelArtifact.Verdict.LOST
    assert artifacts.live("for_you", channel="") == live
    assert [one["artifact"] for one in told] == [report.artifact]
    assert told[0]["reason"]


def test_best_sellers_of_another_span_need_not_beat_best_sellers(readers, recommenders, at):
    popular = {"BACKEND": "engagement.learning.recommenders.MostPopular", "OPTIONS": {}}
    recommenders(popular, INPUT="nothing")
    assert train(channel="", alias="for_you", at=at).activated
    recommenders(mine(Silent), INPUT="nothing")
    assert not train(channel="", alias="for_you", at=at).activated


def test_the_first_model_of_a_young_shop_goes_live_untested(recommenders, at):
    items = [catalogue.make_item(title) for title in ("Dune", "Emma", "Ulysses")]
    for visitor in ("a1", "a2"):
        for item in items[:2]:
            catalogue.make_event(visitor, item, at=at - timedelta(hours=2))
    report = train(channel="", alias="for_you", at=at)
    assert report.activated
    assert report.verdict == ModelArtifact.Verdict.UNTESTED
    assert train(channel="", alias="for_you", at=at).activated
    assert best("for_you", "Dune") == ["Emma"]


def test_an_untested_model_does_not_replace_a_tested_one(live, recommenders, at, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_DAYS": 0}
    report = train(channel="", alias="for_you", at=at)
    assert report.verdict == ModelArtifact.Verdict.UNTESTED
    assert not report.activated
    assert artifacts.live("for_you", channel="") == live


def test_new_items_may_decide(readers, recommenders, at):
    recommenders(EASE, VARIANT="new")
    metrics = train(channel="", alias="for_you", at=at).artifact.metrics
    assert metrics["variant"] == "new"
    assert "all_ndcg@10" in metrics["models"]["EASE"]


# -- what may go wrong ----------------------------------------------------------------------
def test_a_candidate_that_fails_costs_itself_only(readers, recommenders, at, caplog):
    recommenders(mine(Broken), KNN)
    report = train(channel="", alias="for_you", at=at)
    assert report.activated
    assert report.failures == {"Broken": "RuntimeError: out of ideas"}
    assert report.artifact.metrics["failures"] == report.failures
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_backend_that_is_not_there_costs_itself_only(readers, recommenders, at):
    recommenders({"BACKEND": "engagement.learning.recommenders.Oracle"}, KNN)
    assert "Oracle" in train(channel="", alias="for_you", at=at).failures["Oracle"]


@pytest.mark.parametrize("backend", [Broken, ForgetfulAtTheEnd])
def test_a_training_that_fails_changes_nothing(live, recommenders, at, backend):
    recommenders(mine(backend))
    with pytest.raises(TrainingFailed, match=backend.__name__):
        train(channel="", alias="for_you", at=at)
    assert artifacts.live("for_you", channel="") == live
    assert ModelArtifact.objects.count() == 1


def test_a_full_disk_changes_nothing(live, at, monkeypatch):
    save = artifact_files._save

    def fail(files, name, content):
        if name.endswith("item_keys.npy"):
            raise OSError("no space left on device")
        save(files, name, content)

    monkeypatch.setattr(artifact_files, "_save", fail)
    with pytest.raises(OSError, match="no space"):
        train(channel="", alias="for_you", at=at)
    assert artifacts.live("for_you", channel="") == live
    assert artifact_files.folders("", "for_you") == [live.path]


def test_a_model_that_cannot_be_read_back_does_not_go_live(live, at, monkeypatch):
    store = artifacts.store

    def damage(*args, **kwargs):
        artifact = store(*args, **kwargs)
        artifact_files.storage().delete(f"{artifact.path}/item_ids.npy")
        return artifact

    monkeypatch.setattr(artifacts, "store", damage)
    with pytest.raises(artifacts.CorruptArtifact):
        train(channel="", alias="for_you", at=at)
    assert artifacts.live("for_you", channel="") == live


def test_two_trainings_at_once_give_way(readers, recommenders, at):
    with lock("train::for_you", seconds=60), pytest.raises(AlreadyRunning):
        train(channel="", alias="for_you", at=at)
    assert not ModelArtifact.objects.exists()


def test_an_alias_that_does_not_exist_is_refused(recommenders, at):
    with pytest.raises(UnknownAlias, match="for_you"):
        train(channel="", alias="foryou", at=at)


def test_an_empty_shop_has_nothing_to_learn_from(recommenders, at, db):
    with pytest.raises(NothingToLearnFrom, match="no event"):
        train(channel="", alias="for_you", at=at)
    assert not Activation.objects.exists()


def test_a_shop_of_one_bot_has_nothing_to_learn_from(recommenders, at):
    item = catalogue.make_item("Dune")
    bot = catalogue.make_visitor("a-bot", exclusion="bot")
    for hour in range(30):
        catalogue.make_event(bot, item, at=at - timedelta(hours=hour))
    with pytest.raises(NothingToLearnFrom, match="bots"):
        train(channel="", alias="for_you", at=at)


def test_one_item_in_the_shop_is_no_error(recommenders, at):
    item = catalogue.make_item("Dune")
    for day in range(60):
        for visitor in range(3):
            catalogue.make_event(
                f"a{visitor}{day}", item, at=at - timedelta(days=day), event=EventName.PURCHASE
            )
    for alias_input in ("visitor", "context", "purchases", "nothing"):
        recommenders(EASE, KNN, INPUT=alias_input)
        train(channel="", alias="for_you", at=at)


# -- evaluation alone -----------------------------------------------------------------------
def test_an_evaluation_stores_nothing(readers, recommenders, at):
    comparison = evaluate.evaluate(channel="", alias="for_you", at=at)
    assert comparison.winner in ("EASE", "ItemKNN")
    assert comparison.outcomes[comparison.winner]["all"].n == 36
    assert not ModelArtifact.objects.exists()


@pytest.mark.parametrize("weight", [1.0, 5.0], ids=["alike", "apart"])
def test_views_teach_but_purchases_decide(readers, recommenders, at, settings, weight):
    """Fifty views of an unsold book in the held-out days make it no right answer."""
    weights = {"view_item": 1.0, "purchase": weight}
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_WEIGHTS": weights}
    item = Item.objects.get(title="Molloy")
    before = evaluate.evaluate(channel="", alias="for_you", at=at)
    for minute in range(50):
        catalogue.make_event(
            f"a-viewer-{minute % 5}", item, at=at - timedelta(days=7, minutes=7 * minute)
        )
    after = evaluate.evaluate(channel="", alias="for_you", at=at)
    assert after.questions == before.questions


def test_baskets_are_completed(readers, recommenders, at):
    recommenders(KNN, GROUP_BY="order", EVENTS=["purchase"], INPUT="context")
    comparison = evaluate.evaluate(channel="", alias="for_you", at=at)
    assert list(comparison.questions) == ["all"]
    assert comparison.outcomes["ItemKNN"]["all"].mean("hit_rate") == 1.0
    assert comparison.gain[1] > 0
