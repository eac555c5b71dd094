"""
The classifier that is live, loaded once a process.

A model is loaded where it is first used, in the process that uses it: never before a fork, and
never in a web process when it is a heavy one (a transformer).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.module_loading import import_string

from engagement.flows import faults
from engagement.flows.training import artifacts
from engagement.learning.sentiment import SeedModel
from engagement.learning.sentiment.aspects import AspectReader
from engagement.learning.sentiment.base import Classifier
from engagement.learning.storable import Storable
from engagement.models import Activation, ModelArtifact

SENTIMENT = "sentiment"
ASPECTS = "aspects"
# How many earlier models a process tries when the files of the live one cannot be read.
EARLIER = 3

Model = TypeVar("Model", bound=Storable)


@dataclass(frozen=True, slots=True)
class Live:
    """A classifier ready to answer; ``artifact_id`` is None for the one that needs no training."""

    artifact_id: int | None
    classifier: Classifier


_lock = threading.Lock()
_loaded: dict[tuple[str, str], tuple[int, Storable]] = {}
_spare: list[Live] = []
_broken: set[int] = set()


def forget() -> None:
    """Load everything anew."""
    with _lock:
        _loaded.clear()
        _spare.clear()
        _broken.clear()


def sentiment(channel: str) -> Live:
    """Return what reads the sentiment of this shop's reviews now; there is always something."""
    return classifier(SENTIMENT, channel) or _untrained()


def artifact_id(channel: str) -> int | None:
    """Return which model reads the sentiment now, without loading it; None: the untrained one."""
    rows = Activation.objects.filter(channel=channel, alias=SENTIMENT).order_by("-pk")
    known = dict.fromkeys(rows.values_list("artifact_id", flat=True)[: EARLIER * 4])
    return next((pk for pk in list(known)[:EARLIER] if pk not in _broken), None)


def classifier(alias: str, channel: str) -> Live | None:
    """Return the live classifier of an alias; the one before it where its files are damaged."""
    found = _latest(alias, channel, Classifier)
    return None if found is None else Live(*found)


def aspect_reader(channel: str) -> AspectReader | None:
    """Return what has learnt from moderators how texts feel about what they name, if anything."""
    found = _latest(ASPECTS, channel, AspectReader)
    return None if found is None else found[1]


def _latest(alias: str, channel: str, kind: type[Model]) -> tuple[int, Model] | None:
    """Return the live model of an alias with its row's id, or one before it that can be read."""
    rows = Activation.objects.filter(channel=channel, alias=alias).order_by("-pk")
    known = dict.fromkeys(rows.values_list("artifact_id", flat=True)[: EARLIER * 4])
    with _lock:
        for pk in list(known)[:EARLIER]:
            here = _loaded.get((channel, alias))
            if here is not None and here[0] == pk and isinstance(here[1], kind):
                return pk, here[1]
            if pk in _broken:
                continue
            try:
                artifact = ModelArtifact.objects.get(pk=pk)
                model, _arrays = artifacts.rebuild(artifact, kind)
            except Exception:
                _broken.add(pk)
                faults.report(
                    f"artifact:{pk}",
                    "The classifier %s cannot be loaded; the one before it reads",
                    pk,
                    quiet=3600.0,
                )
                continue
            _loaded[channel, alias] = pk, model
            return pk, model
    return None


def _untrained() -> Live:
    with _lock:
        if not _spare:
            _spare.append(Live(None, untrained()))
        return _spare[0]


def untrained() -> Classifier:
    """Return what is there at once, before anything was trained or stored: words and rules."""
    return SeedModel().fit([], [], seed=([], []))


def is_heavy(channel: str) -> bool:
    """
    Return whether a live model takes seconds to load and hundreds of megabytes to keep.

    Looks at what is recorded of it and loads nothing.
    """
    for alias in (SENTIMENT, ASPECTS):
        artifact = artifacts.live(alias, channel=channel)
        if artifact is None:
            continue
        parts = artifact.options.get("parts", {"": {"BACKEND": artifact.backend}})
        if any(_heavy(part) for part in parts.values()):
            return True
    return False


def _heavy(part: Mapping[str, Any]) -> bool:
    try:
        backend = import_string(part["BACKEND"])
    except ImportError:
        return True
    members = part.get("OPTIONS", {}).get("members") or {}
    return bool(getattr(backend, "is_heavy", True)) or any(map(_heavy, members.values()))
