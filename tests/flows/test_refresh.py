"""Newer counts for a live model, without a training."""

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from engagement import tasks
from engagement.flows.importing.backfill import backfill
from engagement.flows.locks import AlreadyRunning, lock
from engagement.flows.training import artifact_files, artifacts, sweep
from engagement.flows.training.refresh import NothingLive, refresh
from engagement.flows.training.train import train
from engagement.learning.interactions import Histories
from engagement.learning.recommenders.ranking import top_n
from engagement.models import Activation, Event, EventName, Item, ModelArtifact
from tests.othershop import catalogue

pytestmark = pytest.mark.django_db
HERE = "engagement.learning.recommenders"
POPULAR = {"BACKEND": f"{HERE}.MostPopular", "OPTIONS": {"window_days": 28.0}}
BLEND = {
    "BACKEND": f"{HERE}.Blend",
    "OPTIONS": {
        "ranker": "sum",
        "members": {
            "linear": {"BACKEND": f"{HERE}.EASE", "OPTIONS": {"regularization": 5.0}},
            "texts": {"BACKEND": f"{HERE}.ContentSimilarity"},
        },
    },
}


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
def choose(settings):
    def choose(backend, **spec):
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "RECOMMENDERS": {"for_you": {**spec, "CANDIDATES": [backend]}},
        }

    choose(POPULAR, INPUT="nothing")
    return choose


@pytest.fixture
def readers(bookshop, choose, at):
    backfill(channel="", at=at)
    Item.objects.update(created_at=at - timedelta(days=200))
    return bookshop


def keys_of(loaded):
    return [key.decode() for key in loaded.item_keys]


def bestseller():
    loaded = artifacts.load(artifacts.live("for_you", channel=""))
    place = int(loaded.recommender.score(Histories.of([]))[0].argmax())
    return Item.objects.get(key=keys_of(loaded)[place]).title


def sell(title, n, at):
    item = Item.objects.get(title=title)
    for visitor in range(n):
        catalogue.make_event(f"new-{title}-{visitor}", item, at=at, event=EventName.PURCHASE)


def test_what_sells_today_is_popular_today(readers, at):
    trained = train(channel="", alias="for_you", at=at).artifact
    assert bestseller() != "Molloy"
    sell("Molloy", 60, at + timedelta(hours=1))

    report = refresh(channel="", alias="for_you", at=at + timedelta(hours=2))

    assert bestseller() == "Molloy"
    assert artifacts.live("for_you", channel="") == report.artifact
    assert report.artifact.backend == trained.backend
    assert report.artifact.metrics["models"] == trained.metrics["models"]


def test_without_news_nothing_changes(readers, at):
    trained = train(channel="", alias="for_you", at=at).artifact

    assert refresh(channel="", alias="for_you", at=at + timedelta(days=1)).artifact is None
    assert artifacts.live("for_you", channel="") == trained


def test_a_refresh_is_no_training(readers, at):
    """It must not put off the next one."""
    trained = train(channel="", alias="for_you", at=at).artifact
    sell("Molloy", 3, at + timedelta(hours=30))
    artifact = refresh(channel="", alias="for_you", at=at + timedelta(hours=31)).artifact

    assert artifact.trained_at == trained.trained_at
    assert [one.alias for one in sweep.due(at=at + timedelta(hours=31))] == ["for_you"]


def test_going_back_leads_to_the_training_not_through_every_hour(readers, at):
    trained = train(channel="", alias="for_you", at=at).artifact
    for hour in range(1, 5):
        sell("Molloy", 1, at + timedelta(hours=hour))
        refresh(channel="", alias="for_you", at=at + timedelta(hours=hour, minutes=1))

    assert ModelArtifact.objects.count() == 3
    assert len(artifact_files.folders("", "for_you")) == 3
    artifacts.roll_back("for_you", channel="", at=at + timedelta(hours=6))
    artifacts.roll_back("for_you", channel="", at=at + timedelta(hours=7))
    assert artifacts.live("for_you", channel="") == trained


def test_an_item_that_came_after_the_training_is_recommended_by_its_text(readers, choose, at):
    choose(BLEND)
    train(channel="", alias="for_you", at=at)
    fresh = catalogue.make_item("Dune Messiah", text="desert planet", created_at=at)
    Item.objects.filter(pk=fresh.pk).update(created_at=at + timedelta(hours=1))

    refresh(channel="", alias="for_you", at=at + timedelta(hours=2))

    loaded = artifacts.load(artifacts.live("for_you", channel=""))
    keys = keys_of(loaded)
    asked = Histories.of([keys.index(Item.objects.get(title="Dune").key)])
    assert keys.index(fresh.key) in top_n(loaded.recommender.score(asked)[0], 10)


def test_there_has_to_be_a_model(readers, at):
    with pytest.raises(NothingLive, match="train one first"):
        refresh(channel="", alias="for_you", at=at)


def test_a_refresh_gives_way_to_a_training(readers, at):
    trained = train(channel="", alias="for_you", at=at).artifact
    sell("Molloy", 3, at + timedelta(hours=1))

    with lock("train::for_you", seconds=60), pytest.raises(AlreadyRunning):
        refresh(channel="", alias="for_you", at=at + timedelta(hours=2))
    assert artifacts.live("for_you", channel="") == trained


def test_a_damaged_model_is_not_refreshed(readers, at):
    trained = train(channel="", alias="for_you", at=at).artifact
    sell("Molloy", 3, at + timedelta(hours=1))
    artifact_files.storage().delete(f"{trained.path}/item_ids.npy")
    artifact_files.forget_copy(trained.manifest_sha256)

    with pytest.raises(artifacts.CorruptArtifact):
        refresh(channel="", alias="for_you", at=at + timedelta(hours=2))
    assert Activation.objects.count() == 1


def test_the_same_news_give_the_same_model(readers, choose, at):
    choose(BLEND)
    train(channel="", alias="for_you", at=at)
    sell("Molloy", 3, at + timedelta(hours=1))
    scores = []
    for minute in (1, 2):
        live = artifacts.live("for_you", channel="")
        artifact = refresh(
            channel="", alias="for_you", at=at + timedelta(hours=2, minutes=minute)
        ).artifact
        scores.append(artifacts.load(artifact).recommender.score(Histories.of([0, 1])))
        artifacts.activate(live, at=at + timedelta(hours=3))
    np.testing.assert_array_equal(*scores)


def test_the_command_and_the_hourly_task_do_it(readers):
    trained = train(channel="", alias="for_you", at=timezone.now()).artifact
    out = StringIO()
    call_command("engagement_train", "--refresh", stdout=out)
    assert "nothing new" in out.getvalue()
    sell("Molloy", 60, timezone.now() - timedelta(hours=1))
    Event.objects.filter(visitor__key__startswith="new-").update(
        recorded_at=timezone.now() + timedelta(seconds=1)
    )

    tasks.refresh_all.apply(throw=True)

    live = artifacts.live("for_you", channel="")
    assert live.metrics["refresh_of"] == trained.pk
    assert bestseller() == "Molloy"


def test_a_command_without_a_model_says_so(readers):
    with pytest.raises(CommandError, match="for_you"):
        call_command("engagement_train", "--refresh", stderr=StringIO())


def test_new_items_of_a_synchronisation_set_off_a_refresh(readers):
    train(channel="", alias="for_you", at=timezone.now())
    catalogue.make_book("Dune Messiah")

    tasks.sync_catalogue.apply(throw=True)

    assert "refresh_of" in artifacts.live("for_you", channel="").metrics
