"""Trained models: storing them, reading them, making one live, going back, forgetting old ones."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from numpy.typing import NDArray

import engagement
from engagement.flows.training import artifact_files
from engagement.flows.training.artifact_files import Arrays, CorruptArtifact
from engagement.flows.training.dataset import Dataset
from engagement.learning.interactions import Int64, Interactions
from engagement.learning.recommenders import Recommender, lookalikes
from engagement.learning.storable import Storable
from engagement.models import Activation, Item, ModelArtifact
from engagement.signals import artifact_activated

__all__ = [
    "CorruptArtifact",
    "Loaded",
    "NothingToRollBackTo",
    "activate",
    "check",
    "forget_files",
    "keep",
    "load",
    "previous",
    "rebuild",
    "retain",
    "roll_back",
    "store",
    "sweep",
]

# Of the models that were ever live, so many stay, to go back to.
KEEP_LIVE = 2
MODEL = "model."
FAMILIES = ("engagement.learning.recommenders", "engagement.learning.sentiment")

Model = TypeVar("Model", bound=Storable)


class NothingToRollBackTo(Exception):
    """No earlier model is there."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    A model ready to answer. ``item_ids``, ``item_keys`` and ``categories`` (UTF-8) say what its
    columns are, ``lookalikes`` which of them differ in size alone; all arrays are read-only and
    shared between processes.
    """

    artifact: ModelArtifact
    recommender: Recommender
    item_ids: Int64
    item_keys: NDArray[np.bytes_]
    categories: NDArray[np.bytes_]
    lookalikes: Int64


# -- files ----------------------------------------------------------------------------------
def store(
    recommender: Recommender,
    *,
    channel: str,
    alias: str,
    dataset: Dataset,
    metrics: dict[str, Any],
    verdict: str,
    at: datetime,
    seconds: float,
    trained_at: datetime | None = None,
) -> ModelArtifact:
    """
    Write a fitted model and return its row. It is not live.

    ``trained_at``: when it was compared and learnt, if not ``at``: a refresh is no training.

    The row comes last: a process that dies on the way leaves a folder that no row names, which
    the next training sweeps away.
    """
    interactions = dataset.interactions
    item_ids = np.asarray(interactions.column_keys, dtype=np.int64)
    keys, categories, alike = _facts(item_ids)
    since, until = _window(interactions)
    return keep(
        recommender,
        channel=channel,
        alias=alias,
        arrays={
            "item_ids": item_ids,
            "item_keys": keys,
            "categories": categories,
            "lookalikes": alike,
        },
        counts={
            "n_interactions": len(interactions),
            "n_rows": interactions.n_rows,
            "n_items": interactions.n_columns,
        },
        window=(since, until),
        metrics=metrics,
        verdict=verdict,
        at=at,
        seconds=seconds,
        trained_at=trained_at,
    )


def keep(
    model: Storable,
    *,
    channel: str,
    alias: str,
    arrays: Arrays | None = None,
    counts: Mapping[str, int] | None = None,
    window: tuple[datetime | None, datetime | None] = (None, None),
    metrics: dict[str, Any],
    verdict: str,
    at: datetime,
    seconds: float,
    trained_at: datetime | None = None,
) -> ModelArtifact:
    """
    Write any model with the ``arrays`` that belong to it, and return its row. It is not live.

    ``counts`` are fields of the row that say how much it learnt from. Same promise as
    :func:`store`: the row comes last.
    """
    written_arrays: Arrays = {
        MODEL + name: np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        for name, array in model.get_arrays().items()
    } | (arrays or {})
    backend, options = _backend(model), model.get_options()
    since, until = window
    folder = artifact_files.folder_of(
        channel, alias, f"{at.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    )
    try:
        written = artifact_files.write(
            folder,
            written_arrays,
            {
                "app": engagement.__version__,
                "channel": channel,
                "alias": alias,
                "backend": backend,
                "options": options,
                "data_from": since and since.isoformat(),
                "data_until": until and until.isoformat(),
                "metrics": metrics,
                "trained_at": (trained_at or at).isoformat(),
            },
        )
        return ModelArtifact.objects.create(
            channel=channel,
            alias=alias,
            backend=backend,
            options=options,
            path=folder,
            manifest_sha256=written.manifest_sha256,
            n_bytes=written.n_bytes,
            data_from=since,
            data_until=until,
            metrics=metrics,
            verdict=verdict,
            trained_at=trained_at or at,
            seconds=seconds,
            **(counts or {}),
        )
    except BaseException:
        artifact_files.remove(folder)
        raise


def load(artifact: ModelArtifact) -> Loaded:
    """Return a model as it was stored, whatever today's settings say; raises CorruptArtifact."""
    recommender, arrays = rebuild(artifact, Recommender)
    try:
        loaded = Loaded(
            artifact,
            recommender,
            arrays["item_ids"],
            arrays["item_keys"],
            arrays["categories"],
            # Models stored by version 0.1 know nothing of them.
            arrays.get("lookalikes", np.zeros(len(arrays["item_ids"]), dtype=np.int64)),
        )
    except KeyError as error:
        raise CorruptArtifact(f"{artifact.path} lacks {error}") from error
    facts = (loaded.item_ids, loaded.item_keys, loaded.categories, loaded.lookalikes)
    sizes = {len(one) for one in facts}
    if sizes != {recommender.n_items}:
        raise CorruptArtifact(f"{artifact.path} knows {sizes} and scores {recommender.n_items}")
    return loaded


def rebuild(artifact: ModelArtifact, kind: type[Model]) -> tuple[Model, Arrays]:
    """Return a model of this kind from its files, and all arrays of them."""
    manifest, arrays = artifact_files.read(artifact.path, artifact.manifest_sha256)
    owner = (manifest.get("channel"), manifest.get("alias"))
    if owner != (artifact.channel, artifact.alias):
        raise CorruptArtifact(f"{artifact.path} belongs to {owner[1]!r} of channel {owner[0]!r}")
    try:
        backend = import_string(artifact.backend)
        if not issubclass(backend, kind):
            raise TypeError(f"it is no {kind.__name__}")
        model = backend(**artifact.options)
        parts = {name.removeprefix(MODEL): a for name, a in arrays.items() if _is_model(name)}
        model.set_arrays(parts)
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise CorruptArtifact(
            f"{artifact.backend} cannot be built from {artifact.path}: {error}"
        ) from error
    return model, arrays


def check(artifact: ModelArtifact) -> None:
    """Raise CorruptArtifact unless a model, of whatever kind, can be read back."""
    try:
        is_recommender = issubclass(import_string(artifact.backend), Recommender)
    except (ImportError, TypeError) as error:
        raise CorruptArtifact(f"{artifact.backend} is not there: {error}") from error
    if is_recommender:
        load(artifact)
    else:
        rebuild(artifact, Storable)


def _is_model(name: str) -> bool:
    return name.startswith(MODEL)


def _backend(model: Storable) -> str:
    """Return the dotted path by which settings would name the class, not where it lives today."""
    kind = type(model)
    for name in FAMILIES:
        # One that was not imported made no model; importing it would cost a web process memory.
        if getattr(sys.modules.get(name), kind.__name__, None) is kind:
            return f"{name}.{kind.__name__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _facts(item_ids: Int64) -> tuple[NDArray[np.bytes_], NDArray[np.bytes_], Int64]:
    """Return key, category and likeness of each item, in this order; empty where it is gone."""
    keys = dict.fromkeys(item_ids.tolist(), b"")
    categories = dict(keys)
    titles, kinds = dict.fromkeys(keys, ""), dict.fromkeys(keys, "")
    wanted = list(keys)
    for start in range(0, len(wanted), 900):
        rows = Item.objects.filter(pk__in=wanted[start : start + 900])
        for pk, key, category, title, attributes in rows.values_list(
            "pk", "key", "category", "title", "attributes"
        ):
            keys[pk], categories[pk] = key.encode(), category.encode()
            titles[pk], kinds[pk] = title, lookalikes.kind(category, attributes)
    alike = lookalikes.signatures(list(titles.values()), list(kinds.values()))
    return _bytes(list(keys.values())), _bytes(list(categories.values())), alike


def _bytes(values: list[bytes]) -> NDArray[np.bytes_]:
    return np.array(values, dtype=np.bytes_) if values else np.empty(0, dtype="S1")


def _window(interactions: Interactions) -> tuple[datetime | None, datetime | None]:
    if not len(interactions):
        return None, None
    moments = interactions.moments
    return (
        datetime.fromtimestamp(int(moments.min()), UTC),
        datetime.fromtimestamp(int(moments.max()), UTC),
    )


# -- what is live ---------------------------------------------------------------------------
def activate(
    artifact: ModelArtifact, *, at: datetime, by: Any = None, reason: str = ""
) -> Activation:
    """Make a model live; every process follows within ``POLL_SECONDS``."""
    activation = Activation.objects.create(
        channel=artifact.channel,
        alias=artifact.alias,
        artifact=artifact,
        activated_at=at,
        activated_by=by,
        reason=reason,
    )
    transaction.on_commit(
        lambda: artifact_activated.send_robust(
            ModelArtifact, artifact=artifact, activation=activation
        ),
        robust=True,
    )
    return activation


def live(alias: str, *, channel: str) -> ModelArtifact | None:
    """Return what is live according to the database."""
    rows = Activation.objects.filter(channel=channel, alias=alias).select_related("artifact")
    latest = rows.order_by("-pk").first()
    return latest.artifact if latest else None


def previous(alias: str, *, channel: str) -> ModelArtifact | None:
    """
    Return what :func:`roll_back` would make live; None where nothing earlier is known.

    Rolling back twice goes back two models, not to and fro: what goes live again directly below
    the live one takes that off the pile.
    """
    rows = Activation.objects.filter(channel=channel, alias=alias).order_by("pk")
    pile: list[int] = []
    for artifact_id in rows.values_list("artifact_id", flat=True):
        if artifact_id in pile[-2:-1]:
            pile.pop()
        elif artifact_id not in pile[-1:]:
            pile.append(artifact_id)
    return ModelArtifact.objects.get(pk=pile[-2]) if len(pile) > 1 else None


def roll_back(alias: str, *, channel: str, at: datetime, by: Any = None) -> Activation:
    """
    Make the model live that was live before this one.

    Raises NothingToRollBackTo where there was none, and CorruptArtifact where its files cannot be
    read: then nothing has changed.
    """
    target = previous(alias, channel=channel)
    if target is None:
        raise NothingToRollBackTo(f"No earlier model of {alias!r} is there to go back to.")
    check(target)
    return activate(target, at=at, by=by, reason=_("rolled back"))


# -- forgetting -----------------------------------------------------------------------------
def retain(channel: str, alias: str, keep: int) -> int:
    """
    Delete all but the latest ``keep`` models of an alias; return how many went.

    The live one and the last that were live before it stay in any case.
    """
    rows = ModelArtifact.objects.filter(channel=channel, alias=alias)
    latest = list(rows.order_by("-trained_at", "-pk").values_list("pk", flat=True)[:keep])
    deleted: list[ModelArtifact] = []
    for artifact in rows.exclude(pk__in=latest):
        # Someone may be going back to it at this moment: asked anew for each, and the database
        # refuses to delete what has just become live.
        with suppress(ProtectedError, IntegrityError):
            with transaction.atomic():
                if artifact.pk in _last_live(channel, alias):
                    continue
                Activation.objects.filter(artifact=artifact).delete()
                artifact.delete()
            deleted.append(artifact)
    for artifact in deleted:
        forget_files(artifact)
    return len(deleted)


def forget_files(artifact: ModelArtifact) -> None:
    """Remove the files of a model whose row is gone."""
    artifact_files.remove(artifact.path)
    artifact_files.forget_copy(artifact.manifest_sha256)


def _last_live(channel: str, alias: str) -> list[int]:
    rows = Activation.objects.filter(channel=channel, alias=alias).order_by("-pk")
    return list(dict.fromkeys(rows.values_list("artifact_id", flat=True)))[: 1 + KEEP_LIVE]


def sweep(channel: str, alias: str) -> Iterator[str]:
    """
    Delete folders of an alias that no row names, and yield them. Only while holding the lock of
    its training: another one may be writing such a folder.
    """
    rows = ModelArtifact.objects.filter(channel=channel, alias=alias)
    known = set(rows.values_list("path", flat=True))
    for folder in artifact_files.folders(channel, alias):
        if folder not in known:
            artifact_files.remove(folder)
            yield folder
