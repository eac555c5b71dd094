"""Model files: what is stored comes back as it was, and what was tampered with is refused."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage, Storage, storages
from scipy.sparse import csr_array

from engagement.flows.training import artifact_files, artifacts
from engagement.flows.training.artifacts import CorruptArtifact, NothingToRollBackTo
from engagement.flows.training.dataset import Dataset
from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders import EASE, ItemKNN, MostPopular, RepeatPurchase
from engagement.models import Activation, ModelArtifact
from engagement.signals import artifact_activated
from tests.othershop import catalogue

pytestmark = pytest.mark.django_db


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
def items(db):
    titles = ("Dune", "Emma", "Ulysses", "红楼梦")
    return [
        catalogue.make_item(title, category="Novels > Old", external_id=title) for title in titles
    ]


@pytest.fixture
def dataset(items):
    """Everybody who read Dune read Emma, too; everybody who read Ulysses, the fourth book."""
    keys = [item.pk for item in items]
    rows = np.repeat(np.arange(20), 2)
    columns = np.where(rows % 2 == 0, 0, 2) + np.tile([0, 1], 20)
    interactions = Interactions.from_keys(
        rows, np.array(keys)[columns], moments=1_700_000_000 + np.arange(40)
    )
    return Dataset(interactions, {}, len(interactions))


@pytest.fixture
def keep(dataset, at):
    """Store a model, and make it live if asked to."""

    def keep(model=None, *, alias="for_you", channel="", live=False, days=0):
        moment = at + timedelta(days=days)
        artifact = artifacts.store(
            model or ItemKNN().fit(dataset.interactions),
            channel=channel,
            alias=alias,
            dataset=dataset,
            metrics={"winner": "ItemKNN"},
            verdict=ModelArtifact.Verdict.PASSED,
            at=moment,
            seconds=1.5,
        )
        if live:
            artifacts.activate(artifact, at=moment)
        return artifact

    return keep


def path_of(artifact, name):
    return Path(storages["engagement"].path(f"{artifact.path}/{name}"))


# -- there and back -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "model",
    [EASE(10.0), EASE(10.0, n_weights=None), ItemKNN(3), MostPopular(7), RepeatPurchase()],
    ids=["ease", "ease-dense", "item-knn", "popular", "repeat"],
)
def test_a_model_comes_back_as_it_was(model, dataset, keep):
    model.fit(dataset.interactions)
    loaded = artifacts.load(keep(model))
    history = Histories.of([0, 2])
    assert type(loaded.recommender) is type(model)
    assert loaded.recommender.get_options() == model.get_options()
    np.testing.assert_array_equal(loaded.recommender.score(history), model.score(history))


def test_a_model_knows_its_items(keep, items):
    loaded = artifacts.load(keep())
    assert loaded.item_ids.tolist() == [item.pk for item in items]
    assert [key.decode() for key in loaded.item_keys] == ["Dune", "Emma", "Ulysses", "红楼梦"]
    assert {category.decode() for category in loaded.categories} == {"Novels > Old"}


def test_an_item_that_is_gone_has_no_key(keep, items, dataset):
    items[1].delete()
    assert artifacts.load(keep()).item_keys[1] == b""


def test_what_a_model_rests_on_is_written_down(keep, dataset):
    artifact = keep()
    assert artifact.backend == "engagement.learning.recommenders.ItemKNN"
    assert artifact.n_interactions == 40
    assert artifact.n_rows == 20
    assert artifact.n_items == 4
    assert artifact.data_from.timestamp() == 1_700_000_000
    assert artifact.data_until.timestamp() == 1_700_000_039
    assert artifact.n_bytes > 500
    assert not artifact.activations.exists()


def is_mapped(array):
    """Return whether the memory behind an array is a mapped file."""
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


def test_arrays_are_mapped_read_only(keep):
    loaded = artifacts.load(keep())
    assert is_mapped(loaded.item_ids)
    assert is_mapped(loaded.recommender.weights_.data)
    with pytest.raises(ValueError, match="read-only"):
        loaded.recommender.weights_.data[0] = 1.0


def test_a_model_without_any_item_comes_back(keep, at):
    nothing = Interactions.from_keys(np.empty(0, np.int64), np.empty(0, np.int64))
    for model in (EASE(), ItemKNN(), MostPopular(), RepeatPurchase()):
        artifact = artifacts.store(
            model.fit(nothing),
            channel="",
            alias="for_you",
            dataset=Dataset(nothing, {}, 0),
            metrics={},
            verdict=ModelArtifact.Verdict.UNTESTED,
            at=at,
            seconds=0.0,
        )
        loaded = artifacts.load(artifact)
        assert loaded.recommender.score(Histories.of([])).shape == (1, 0)


def test_settings_of_today_do_not_change_a_stored_model(keep, dataset, settings):
    artifact = keep(EASE(5.0).fit(dataset.interactions))
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDERS": {}}
    assert artifacts.load(artifact).recommender.regularization == 5.0


def test_a_diverged_model_is_not_stored(keep, dataset):
    model = ItemKNN().fit(dataset.interactions)
    model.weights_.data[0] = np.nan
    with pytest.raises(ValueError, match="diverged"):
        keep(model)
    assert not ModelArtifact.objects.exists()
    assert artifact_files.folders("", "for_you") == []


def test_objects_are_never_stored(keep, dataset):
    model = ItemKNN().fit(dataset.interactions)
    model.secrets_ = np.array([object()])
    with pytest.raises(ValueError, match="Object arrays"):
        keep(model)
    assert artifact_files.folders("", "for_you") == []


# -- damaged files --------------------------------------------------------------------------
ARRAY = "model.weights_.data.npy"


@pytest.mark.parametrize("name", [ARRAY, "item_ids.npy", "manifest.json"])
def test_a_missing_file_is_refused(keep, name):
    artifact = keep()
    path_of(artifact, name).unlink()
    with pytest.raises(CorruptArtifact, match="missing"):
        artifacts.load(artifact)


def test_a_file_cut_short_is_refused(keep):
    artifact = keep()
    path = path_of(artifact, ARRAY)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CorruptArtifact, match="cut short"):
        artifacts.load(artifact)


@pytest.mark.parametrize("place", [0, 60, -1])
def test_one_changed_byte_is_refused(keep, place):
    artifact = keep()
    path = path_of(artifact, ARRAY)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtifact, match="changed"):
        artifacts.load(artifact)


def test_a_changed_manifest_is_refused(keep):
    artifact = keep()
    path = path_of(artifact, "manifest.json")
    path.write_text(path.read_text().replace("ItemKNN", "MostPopular"))
    with pytest.raises(CorruptArtifact, match="not the one"):
        artifacts.load(artifact)


def test_files_of_another_model_are_refused(keep):
    mine, foreign = keep(), keep(alias="similar")
    ModelArtifact.objects.filter(pk=foreign.pk).update(path="elsewhere")
    mine.path, mine.manifest_sha256 = foreign.path, foreign.manifest_sha256
    with pytest.raises(CorruptArtifact, match="belongs to 'similar'"):
        artifacts.load(mine)


def test_a_format_of_the_future_is_refused(keep, monkeypatch):
    monkeypatch.setattr(artifact_files, "FORMAT", 2)
    artifact = keep()
    monkeypatch.undo()
    with pytest.raises(CorruptArtifact, match="format 2"):
        artifacts.load(artifact)


def test_a_backend_that_is_gone_is_refused(keep):
    artifact = keep()
    artifact.backend = "engagement.learning.recommenders.Oracle"
    with pytest.raises(CorruptArtifact, match="Oracle"):
        artifacts.load(artifact)


def test_a_model_that_is_overwritten_while_it_serves_goes_on_serving(keep):
    """Truncating a mapped file would kill the process: it maps a copy of its own."""
    artifact = keep()
    loaded = artifacts.load(artifact)
    before = loaded.recommender.score(Histories.of([0]))
    for path in path_of(artifact, ARRAY).parent.iterdir():
        path.write_bytes(b"")
    np.testing.assert_array_equal(loaded.recommender.score(Histories.of([0])), before)
    with pytest.raises(CorruptArtifact):
        artifacts.load(artifact)


def test_a_damaged_copy_is_made_anew(keep, settings, tmp_path):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "MODEL_COPIES": str(tmp_path)}
    artifact = keep()
    artifacts.load(artifact)
    copy = tmp_path / artifact.manifest_sha256 / ARRAY
    copy.write_bytes(copy.read_bytes()[:-1] + b"?")
    artifacts.load(artifact)
    assert copy.read_bytes() == path_of(artifact, ARRAY).read_bytes()


# -- other storages -------------------------------------------------------------------------
class Bucket(Storage):
    """A storage whose files have no path on this machine."""

    def __init__(self, location):
        self.files = FileSystemStorage(location)

    def _open(self, name, mode="rb"):
        return self.files.open(name, mode)

    def _save(self, name, content):
        return self.files.save(name, content)

    def delete(self, name):
        self.files.delete(name)

    def exists(self, name):
        return self.files.exists(name)

    def listdir(self, path):
        return self.files.listdir(path)


@pytest.fixture
def remote(settings, tmp_path, tmp_path_factory):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "tests.flows.test_artifacts.Bucket",
            "OPTIONS": {"location": tmp_path_factory.mktemp("bucket")},
        },
    }
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "MODEL_COPIES": str(tmp_path)}
    return tmp_path


def test_a_remote_model_is_fetched_once_and_mapped(remote, keep, items):
    artifact = keep()
    loaded = artifacts.load(artifact)
    assert is_mapped(loaded.item_ids)
    made = [path.stat().st_mtime_ns for path in (remote / artifact.manifest_sha256).iterdir()]
    again = artifacts.load(artifact)
    assert again.item_ids.tolist() == [item.pk for item in items]
    assert made == [
        path.stat().st_mtime_ns for path in (remote / artifact.manifest_sha256).iterdir()
    ]


def test_a_remote_model_cut_short_is_refused_and_leaves_no_copy(remote, keep):
    artifact = keep()
    storage = storages["engagement"]
    name = f"{artifact.path}/{ARRAY}"
    content = storage.open(name).read()
    storage.delete(name)
    with pytest.raises(CorruptArtifact, match="cannot be read"):
        artifacts.load(artifact)
    with storage.open(name, "wb") as file:
        file.write(content[:-3])
    with pytest.raises(CorruptArtifact, match="cut short"):
        artifacts.load(artifact)
    assert list(remote.iterdir()) == []


def test_an_unknown_storage_falls_back_to_the_default(keep, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "STORAGE": "nowhere"}
    artifact = keep()
    assert storages["default"].exists(f"{artifact.path}/manifest.json")
    artifacts.load(artifact)


def test_any_channel_and_alias_has_a_folder_of_its_own():
    names = ["", "a", "A", "a/b", "../a", "x" * 200, "店", "=x", "."]
    folders = {artifact_files.folder_of(channel, "for_you", "1") for channel in names}
    assert len(folders) == len(names)
    assert not any(".." in folder or len(folder) > 200 for folder in folders)


# -- live, and back -------------------------------------------------------------------------
def test_activating_is_announced(keep, at, django_capture_on_commit_callbacks):
    told = []

    def listen(sender, **kwargs):
        told.append(kwargs)
        raise RuntimeError("a listener's mistake")

    artifact_activated.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            artifact = keep(live=True)
    finally:
        artifact_activated.disconnect(listen)
    assert [one["artifact"] for one in told] == [artifact]
    assert artifacts.live("for_you", channel="") == artifact


def test_rolling_back_goes_one_model_back_each_time(keep, at):
    first, second, third = (keep(live=True, days=day) for day in range(3))
    assert third == artifacts.live("for_you", channel="")
    assert artifacts.previous("for_you", channel="") == second
    artifacts.roll_back("for_you", channel="", at=at)
    assert artifacts.live("for_you", channel="") == second
    artifacts.roll_back("for_you", channel="", at=at)
    assert artifacts.live("for_you", channel="") == first
    with pytest.raises(NothingToRollBackTo):
        artifacts.roll_back("for_you", channel="", at=at)


def test_what_was_chosen_by_hand_can_be_taken_back(keep, at):
    first, _, third = (keep(live=True, days=day) for day in range(3))
    artifacts.activate(first, at=at)
    artifacts.activate(first, at=at)
    assert artifacts.roll_back("for_you", channel="", at=at).artifact == third


def test_there_must_be_something_to_roll_back_to(keep, at):
    with pytest.raises(NothingToRollBackTo):
        artifacts.roll_back("for_you", channel="", at=at)
    keep(live=True)
    keep(alias="similar", live=True)
    keep(channel="other", live=True)
    with pytest.raises(NothingToRollBackTo):
        artifacts.roll_back("for_you", channel="", at=at)


def test_a_damaged_model_does_not_go_live_again(keep, at):
    first, second = keep(live=True), keep(live=True, days=1)
    path_of(first, ARRAY).write_bytes(b"")
    with pytest.raises(CorruptArtifact):
        artifacts.roll_back("for_you", channel="", at=at)
    assert artifacts.live("for_you", channel="") == second


# -- forgetting -----------------------------------------------------------------------------
def test_the_latest_models_and_what_was_live_stay(keep):
    live = [keep(live=True, days=day) for day in range(4)]
    rejected = [keep(days=10 + day) for day in range(5)]
    other = keep(alias="similar", days=-100)
    assert artifacts.retain("", "for_you", 2) == 4
    kept = set(ModelArtifact.objects.all())
    assert kept == {*live[1:], *rejected[-2:], other}
    assert len(artifact_files.folders("", "for_you")) == 5
    assert artifacts.live("for_you", channel="") == live[-1]
    assert artifacts.previous("for_you", channel="") == live[-2]
    for artifact in kept:
        artifacts.load(artifact)


def test_a_forgotten_model_leaves_no_copy(keep, settings, tmp_path):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "MODEL_COPIES": str(tmp_path)}
    old, new = keep(), keep(days=1)
    for artifact in (old, new):
        artifacts.load(artifact)
    artifacts.retain("", "for_you", 1)
    assert [path.name for path in tmp_path.iterdir()] == [new.manifest_sha256]


def test_the_live_model_stays_however_old_it_is(keep):
    live = keep(live=True)
    for day in range(1, 6):
        keep(days=day)
    artifacts.retain("", "for_you", 0)
    assert list(ModelArtifact.objects.all()) == [live]
    assert Activation.objects.count() == 1


def test_what_a_killed_training_left_is_swept(keep):
    artifact = keep(live=True)
    storage = storages["engagement"]
    with storage.open(f"{artifact.path}/item_ids.npy") as file:
        storage.save(artifact_files.folder_of("", "for_you", "half") + "/item_ids.npy", file)
    other = keep(alias="similar")
    assert len(list(artifacts.sweep("", "for_you"))) == 1
    assert artifact_files.folders("", "for_you") == [artifact.path]
    artifacts.load(artifact)
    artifacts.load(other)


def test_sparse_models_are_stored_sparse(dataset, keep):
    model = EASE(10.0, n_weights=2).fit(dataset.interactions)
    loaded = artifacts.load(keep(model)).recommender
    assert isinstance(loaded.weights_, csr_array)
    assert loaded.weights_.nnz == model.weights_.nnz
