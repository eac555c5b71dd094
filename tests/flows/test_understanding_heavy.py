"""Transformers read in workers only; a small one is trained, stored and loaded like any model."""

import importlib.util

import pytest

from engagement import tasks
from engagement.flows.training import artifacts
from engagement.flows.understanding import live
from engagement.flows.understanding.analyse import analyse, analyse_now, waits_for_worker
from engagement.flows.understanding.train import train
from engagement.models import Activation, ModelArtifact, ReviewAnalysis
from tests.understanding import rated, review

pytestmark = pytest.mark.django_db

WORDS = {"BACKEND": "engagement.learning.sentiment.Lexicon", "OPTIONS": {"words": "builtin"}}
TINY = {
    "BACKEND": "engagement.learning.sentiment.TinyEncoder",
    "OPTIONS": {"width": 16, "layers": 1, "vocabulary": 200, "max_tokens": 24, "epochs": 4},
    "FROM_LABELS": 60,
}


def recorded(at, parts):
    """Make a model live of which only the row is there."""
    row = ModelArtifact.objects.create(
        alias="sentiment",
        backend="engagement.learning.sentiment.by_language.ByLanguage",
        options={"parts": parts},
        path="nowhere",
        trained_at=at,
        verdict="ahead",
    )
    Activation.objects.create(alias="sentiment", artifact=row, activated_at=at)


@pytest.mark.parametrize(
    ("parts", "heavy"),
    [
        ({"": WORDS}, False),
        ({"": WORDS, "en": TINY}, True),
        (
            {
                "": {
                    "BACKEND": "engagement.learning.sentiment.Ensemble",
                    "OPTIONS": {"members": {"words": WORDS, "tiny": TINY}},
                }
            },
            True,
        ),
        ({"": {"BACKEND": "engagement.learning.sentiment.Ensemble", "OPTIONS": {}}}, False),
        ({"": {"BACKEND": "engagement.learning.sentiment.SeedEncoder"}}, True),
        ({"": {"BACKEND": "engagement.learning.sentiment.PretrainedClassifier"}}, True),
    ],
)
def test_heavy_models_are_recognised_without_loading_them(at, parts, heavy):
    recorded(at, parts)
    assert live.is_heavy("") is heavy
    assert waits_for_worker("") is heavy


def test_a_heavy_reader_of_aspects_is_left_to_workers_too(at):
    recorded(at, {"": WORDS})
    row = ModelArtifact.objects.create(
        alias="aspects",
        backend="engagement.learning.sentiment.aspect_encoder.AspectEncoder",
        options={},
        path="elsewhere",
        trained_at=at,
        verdict="ahead",
    )
    Activation.objects.create(alias="aspects", artifact=row, activated_at=at)
    assert live.is_heavy("")


def test_the_process_that_takes_a_review_never_loads_a_heavy_model(at):
    recorded(at, {"": TINY})
    assert analyse_now(review("Lovely.", at=at), at=at) is None
    assert not ReviewAnalysis.objects.exists()


def test_a_review_is_handed_to_a_worker_where_it_is_not_read_at_once(at, monkeypatch):
    handed = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, **kwargs: handed.append(task.name))
    one = review("Lovely.", at=at)
    tasks.follow_review(review=one)
    assert handed == []
    monkeypatch.setattr(tasks, "has_worker", lambda: True)
    tasks.follow_review(review=one)
    assert handed == []
    recorded(at, {"": TINY})
    tasks.follow_review(review=one)
    assert handed == ["engagement.analyse"]


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")),
    reason="needs the extra «transformers»: pip install 'django-engagement[transformers]'",
)
def test_a_small_transformer_climbs_the_ladder(settings, at, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "CLASSIFIERS": {"sentiment": {"CANDIDATES": [WORDS, TINY]}},
    }
    rated(240, at=at)
    report = train(channel="", at=at)
    assert set(report.metrics["languages"]["en"]) == {"Lexicon", "TinyEncoder"}
    if report.rungs.get("en") == "TinyEncoder":
        artifacts.check(report.artifact)
        assert live.is_heavy("")
        assert analyse(channel="", at=at, most=20).total == 20
        sizes = {len(row.embedding) for row in ReviewAnalysis.objects.filter(language="en")}
        assert sizes == {16 * 4}
