from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from django.core.files.base import ContentFile

from engagement.flows.training import item_facts, text_vectors
from engagement.flows.training.artifact_files import storage
from engagement.models import Item

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = ("sofa", "couch", "kettle")


@pytest.fixture(autouse=True)
def _nothing_was_made_before() -> None:
    if storage().exists("embeddings"):
        for name in storage().listdir("embeddings")[1]:
            storage().delete(f"embeddings/{name}")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a tiny encoder in place; the list grows by the texts that it reads."""
    texts_read: list[str] = []

    def embed(texts, *, encoder):
        if encoder == "broken":
            raise ValueError("encoder: broken is no folder")
        texts_read.extend(texts)
        likeness = {"sofa": (1, 0.1), "couch": (0.9, 0.2), "kettle": (0, 1)}
        return np.array([likeness.get(text.split()[0], (0, 0)) for text in texts], dtype="f4")

    monkeypatch.setattr(text_vectors, "embed", embed)
    return texts_read


def test_without_the_setting_nothing_is_read(read):
    assert text_vectors.vectors_of(WORDS) is None
    assert read == []


def test_every_text_is_read_once(read, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "TEXT_ENCODER": "e5"}
    first = text_vectors.vectors_of([*WORDS, "sofa"])
    assert sorted(read) == ["couch", "kettle", "sofa"]
    np.testing.assert_allclose(first[0], first[3])
    np.testing.assert_allclose(first[1], (0.9, 0.2), atol=1e-3)
    again = text_vectors.vectors_of(["kettle", "sofa", "kettle blue"])
    assert read[3:] == ["kettle blue"]
    np.testing.assert_allclose(again[0], first[2])


def test_another_encoder_has_vectors_of_its_own(read, settings):
    for encoder in ("e5", "mini"):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "TEXT_ENCODER": encoder}
        text_vectors.vectors_of(WORDS)
    assert len(read) == 6


def test_a_file_cut_short_is_made_anew(read, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "TEXT_ENCODER": "e5"}
    text_vectors.vectors_of(WORDS)
    _, files = storage().listdir("embeddings")
    (name,) = files
    storage().delete(f"embeddings/{name}")
    storage().save(f"embeddings/{name}", ContentFile(b"PK\x03\x04 cut"))
    assert text_vectors.vectors_of(WORDS).shape == (3, 2)
    assert len(read) == 6


def test_a_broken_encoder_costs_the_vectors_and_not_the_training(read, settings, caplog):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "TEXT_ENCODER": "broken"}
    assert text_vectors.vectors_of(WORDS) is None
    assert "texts were compared by words alone: encoder: broken is no folder" in caplog.text


def test_training_gets_them_by_column(read, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "TEXT_ENCODER": "e5"}
    items = Item.objects.bulk_create(Item(external_id=word, key=word, title=word) for word in WORDS)
    ids = np.array(sorted(item.pk for item in items))
    catalogue, _ = item_facts.describe(ids, channel=items[0].channel)
    assert catalogue.embeddings.shape == (3, 2)
    assert catalogue.embeddings[1, 0] == pytest.approx(0.9, abs=1e-3)
