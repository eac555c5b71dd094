"""How a text feels about what it names, learnt from what moderators corrected."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows.locks import lock
from engagement.flows.training import artifacts
from engagement.flows.understanding import comparing, ladder, live, spans, words
from engagement.flows.understanding.aspects import CLEAR
from engagement.flows.understanding.flags.base import Subject
from engagement.flows.understanding.labels import HELD_OUT_PART
from engagement.flows.understanding.live import ASPECTS
from engagement.flows.understanding.subjects import texts_of
from engagement.learning.sentiment.aspects import build_reader
from engagement.learning.sentiment.base import CLASSES, NEGATIVE, NEUTRAL, POSITIVE
from engagement.learning.sentiment.text import normalise
from engagement.models import ModelArtifact, ReviewAnalysis, ReviewLabel

PREFIX = "aspect:"
LOCK_SECONDS = 3 * 3600

Verdict = ModelArtifact.Verdict


class TooFewCorrections(Exception):
    """Moderators have not said often enough how a text feels about something."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a person said of an aspect of a text: class numbers as in ``CLASSES``."""

    subject: Subject
    naming: spans.Naming
    label: int
    said_before: int

    @property
    def is_held_out(self) -> bool:
        # By what it says, as for the sentiment: the same text is always on the same side.
        plain = normalise(self.subject.text).casefold().encode("utf-8", "ignore")
        return zlib.crc32(plain) % HELD_OUT_PART == 0


def train(*, channel: str, at: datetime, rng: np.random.Generator | None = None) -> ModelArtifact:
    """
    Learn from the corrections, and go live if that reads those held out better than what is live.

    Raises TooFewCorrections, or AlreadyRunning where another process is at it.
    """
    rng = rng or np.random.default_rng(0)
    started = time.perf_counter()
    rung = ladder.rungs_of(ASPECTS)[0]
    with (
        lock(f"train:{channel}:{ASPECTS}", seconds=LOCK_SECONDS),
        threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"),
    ):
        list(artifacts.sweep(channel, ASPECTS))
        known = list(corrected(channel=channel, until=at))
        asked = [one for one in known if one.is_held_out]
        learnt = [one for one in known if not one.is_held_out]
        truth = np.array([one.label for one in asked], dtype=np.int64)
        if len(learnt) < rung.from_labels or not ladder.can_compare(truth):
            raise TooFewCorrections(
                f"{len(learnt)} corrections of aspects to learn from and {len(asked)} held out: "
                f"it takes {rung.from_labels} and {ladder.MIN_HELD_OUT} of several feelings."
            )
        model = build_reader(rung.spec).fit(*_taught(learnt), rng=rng.spawn(1)[0])
        texts, places, _labels = _taught(asked)
        proba = model.predict_proba(texts, places).astype(np.float64)
        answers = comparing.Answers(proba, model.decide(proba))
        before = _before(asked, channel)
        mean, low, high = comparing.gain(answers.classes, before, truth, rng)
        artifact = artifacts.keep(
            model,
            channel=channel,
            alias=ASPECTS,
            counts={"n_interactions": len(known)},
            metrics={
                "models": {
                    "new model": answers.measured(truth, rng),
                    "live model": {"macro_f1": round(comparing.macro_f1(before, truth), 6)},
                },
                "winner": "new model" if mean > 0 else "live model",
                "gain": {"mean": round(mean, 6), "low": round(low, 6), "high": round(high, 6)},
            },
            verdict=Verdict.AHEAD if mean > 0 else Verdict.BEHIND,
            at=at,
            seconds=time.perf_counter() - started,
        )
        if mean > 0:
            artifacts.check(artifact)
            artifacts.activate(artifact, at=at, reason=str(Verdict.AHEAD.label))
        artifacts.retain(channel, ASPECTS, app_settings.KEEP_ARTIFACTS)
    return artifact


def corrected(*, channel: str, until: datetime) -> Iterator[Corrected]:
    """Yield what was corrected before ``until``, where the text still names the aspect."""
    rows = ReviewLabel.objects.filter(
        channel=channel, field__startswith=PREFIX, labelled_at__lte=until, value__in=CLASSES
    )
    said: dict[tuple[str, str], dict[str, int]] = {}
    for kind, key, field, value in rows.order_by("pk").values_list(
        "subject_kind", "subject_key", "field", "value"
    ):
        said.setdefault((kind, key), {})[field.removeprefix(PREFIX)] = CLASSES.index(value)
    known = words.aspects(channel)
    for subject, stored in _subjects(list(said)):
        before = {one["aspect"]: one["polarity"] for one in reversed(stored)}
        labels = said[subject.kind, subject.key]
        for naming in spans.namings(subject, known):
            if naming.aspect in labels:
                polarity = before.get(naming.aspect, 0.0)
                yield Corrected(subject, naming, labels[naming.aspect], _class_of(polarity))


def _subjects(keys: Sequence[tuple[str, str]]) -> Iterator[tuple[Subject, list[dict[str, Any]]]]:
    for kind in sorted({kind for kind, _key in keys}):
        mine = [key for of, key in keys if of == kind]
        texts = texts_of(kind, mine)
        for start in range(0, len(mine), 500):
            rows = ReviewAnalysis.objects.filter(
                subject_kind=kind, subject_key__in=mine[start : start + 500]
            )
            for row in rows.select_related("item").order_by("pk"):
                if text := texts.get(row.subject_key, ""):
                    subject = Subject(
                        kind=kind,
                        key=row.subject_key,
                        channel=row.channel,
                        text=text,
                        written_at=row.written_at,
                        language=row.language,
                        category=row.item.category if row.item else "",
                    )
                    yield subject, row.aspects


def _class_of(polarity: float) -> int:
    return POSITIVE if polarity >= CLEAR else NEGATIVE if polarity <= -CLEAR else NEUTRAL


Taught = tuple[list[str], list[tuple[int, int]], NDArray[np.int64]]


def _taught(known: Sequence[Corrected]) -> Taught:
    return (
        [one.subject.text for one in known],
        [one.naming.place for one in known],
        np.array([one.label for one in known], dtype=np.int64),
    )


def _before(asked: Sequence[Corrected], channel: str) -> NDArray[np.int64]:
    """Return what is said of them now: by the live reader, or by reading the clauses."""
    reader = live.aspect_reader(channel)
    if reader is None:
        return np.array([one.said_before for one in asked], dtype=np.int64)
    texts, places, _labels = _taught(asked)
    return reader.predict(texts, places)
