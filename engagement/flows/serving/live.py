"""
What is live in this process: loaded models and placements, renewed soon after they change.

A process asks the database at most once in ``POLL_SECONDS`` whether anything changed, in one
query. Requests never wait for each other: while one thread renews, the others serve what was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from django.db.models import CharField, Count, Max, QuerySet, Value

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.deciding import running as deciding
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.experiments import running
from engagement.flows.experiments.running import RunningExperiment
from engagement.flows.promotions import offers
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.serving import placements
from engagement.flows.serving.placements import PlacementConfig
from engagement.flows.serving.table import Table, as_bytes
from engagement.flows.training import artifacts
from engagement.models import (
    Activation,
    Campaign,
    DecisionPoint,
    Experiment,
    Item,
    ModelArtifact,
    Placement,
    PlacementRule,
    PolicyActivation,
    PolicyState,
    Promotion,
)

# A model file that cannot be read is tried again after this long: storage may come back.
RETRY_SECONDS = 60.0
# How many earlier models a fresh process tries when the latest one cannot be read.
EARLIER = 3

# What changes in the poll when a policy has learnt, or another one decides.
DECIDING = frozenset({"point", "policy", "policy state"})

Slot = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Served:
    """A loaded model with what its items are: the model's columns are the table's positions."""

    loaded: artifacts.Loaded
    table: Table

    @property
    def artifact(self) -> ModelArtifact:
        return self.loaded.artifact

    @property
    def recommender(self) -> Any:
        return self.loaded.recommender

    @property
    def version(self) -> str:
        return f"{self.artifact.alias}-{self.artifact.pk}"


@dataclass(frozen=True)
class State:
    """
    What the database said when it was last asked.

    ``signature`` changes with all that shelves rest on. Policies learn every few minutes, and have
    their own: shelves that are kept need not be filled anew for it.
    """

    signature: tuple[Any, ...] = ()
    learnt: tuple[Any, ...] = ()
    artifacts: Mapping[Slot, int] = field(default_factory=dict)
    placements: Mapping[tuple[str, str], PlacementConfig] = field(default_factory=dict)
    experiments: Mapping[tuple[str, str], RunningExperiment] = field(default_factory=dict)
    offers: Mapping[str, tuple[RunningOffer, ...]] = field(default_factory=dict)
    points: Mapping[tuple[str, str], RunningPoint] = field(default_factory=dict)

    def point(self, channel: str, name: str, kind: str) -> RunningPoint | None:
        """Return what decides there; a channel has points of its own and learns for itself."""
        found = self.points.get((channel, name))
        return found if found is not None and found.kind == kind else None

    def placement(self, channel: str, name: str) -> PlacementConfig | None:
        """Return the channel's own placement, that of all channels, or the stock one."""
        for owner in (channel, ""):
            config = self.placements.get((owner, name))
            if config is not None:
                return config
        return placements.STOCK.get(name)

    def page(self, channel: str, page: str) -> list[PlacementConfig]:
        """Return the active placements of a page."""
        names = {name for owner, name in self.placements if owner in (channel, "")}
        found = (self.placement(channel, name) for name in sorted(names | placements.STOCK.keys()))
        return [config for config in found if config and config.is_active and config.page == page]


class _Process:
    """The memory of one process; threads share it."""

    def __init__(self) -> None:
        self.state = State()
        self.polled_at: float | None = None
        self.polling = threading.Lock()
        self.models: dict[Slot, Served] = {}
        self.failed: dict[tuple[Slot, int], float] = {}
        self.loading: dict[Slot, threading.Lock] = {}


_process = _Process()


def forget() -> None:
    """Drop everything loaded; the next request reads it again."""
    global _process
    _process = _Process()


def state() -> State:
    """Return what is live, asking the database when the last answer is old."""
    process = _process
    last = process.polled_at
    if last is not None and time.monotonic() - last < app_settings.POLL_SECONDS:
        return process.state
    # Only the very first answer is worth waiting for.
    if not process.polling.acquire(blocking=last is None):
        return process.state
    try:
        if process.polled_at == last:
            with faults.contained():
                _poll(process)
    except Exception:
        faults.report("poll", "Cannot ask which models and placements are live; keeping the last")
    finally:
        process.polled_at = time.monotonic()
        process.polling.release()
    return process.state


def live(channel: str, alias: str) -> artifacts.Loaded | None:
    """Return the live model of ``alias``, loaded; None where there is none that can be read."""
    served = model(channel, alias)
    return served.loaded if served else None


def model(channel: str, alias: str, current: State | None = None) -> Served | None:
    """Return the live model of ``alias`` with the facts of its items."""
    process = _process
    slot = (channel, alias)
    wanted = (current or state()).artifacts.get(slot)
    if wanted is None:
        return None
    served = process.models.get(slot)
    if not _is_due(process, slot, wanted):
        return served
    lock = process.loading.setdefault(slot, threading.Lock())
    if not lock.acquire(blocking=served is None):
        return served
    try:
        # Another thread may have loaded it, or failed to, while this one waited.
        if _is_due(process, slot, wanted):
            _renew(process, slot, wanted)
    finally:
        lock.release()
    return process.models.get(slot)


def _is_due(process: _Process, slot: Slot, wanted: int) -> bool:
    served = process.models.get(slot)
    if served is not None and served.artifact.pk == wanted:
        return False
    failed = process.failed.get((slot, wanted))
    return failed is None or time.monotonic() - failed >= RETRY_SECONDS


def _renew(process: _Process, slot: Slot, wanted: int) -> None:
    served = _load(wanted)
    if served is None:
        process.failed[slot, wanted] = time.monotonic()
        if slot not in process.models:
            served = _earlier(slot, wanted)
    if served is not None:
        process.models[slot] = served


def _load(artifact_id: int) -> Served | None:
    try:
        with faults.contained():
            artifact = ModelArtifact.objects.get(pk=artifact_id)
            loaded = artifacts.load(artifact)
            return Served(loaded, _table(loaded))
    except Exception:
        faults.report(
            f"artifact:{artifact_id}",
            "Model %s cannot be loaded; what was live before keeps serving",
            artifact_id,
            quiet=3600.0,
        )
        return None


def _earlier(slot: Slot, wanted: int) -> Served | None:
    """Return the model that was live before ``wanted``, for a process that never had it loaded."""
    channel, alias = slot
    try:
        with faults.contained():
            known = (
                Activation.objects.filter(channel=channel, alias=alias)
                .exclude(artifact_id=wanted)
                .order_by("-pk")
                .values_list("artifact_id", flat=True)
            )
            candidates = list(dict.fromkeys(known[: EARLIER * 4]))[:EARLIER]
    except Exception:
        return None
    for artifact_id in candidates:
        served = _load(artifact_id)
        if served is not None:
            return served
    return None


def _table(loaded: artifacts.Loaded) -> Table:
    """Add the group of each item, from the mirror: most shops have none."""
    item_ids = np.asarray(loaded.item_ids, dtype=np.int64)
    channel = loaded.artifact.channel
    rows = Item.objects.of_channel(channel).exclude(group_key="").values_list("pk", "group_key")
    known = dict(rows)
    groups = as_bytes(known.get(item_id, "") for item_id in item_ids.tolist())
    return Table(item_ids, loaded.item_keys, loaded.categories, groups, loaded.lookalikes)


def _poll(process: _Process) -> None:
    rows: QuerySet[Any, Any] = _part("activation", Activation, Max("pk"), Max("activated_at"))
    rows = rows.union(
        _part("placement", Placement, Count("pk"), Max("updated_at")),
        _part("rule", PlacementRule, Count("pk"), Max("updated_at")),
        _part("experiment", Experiment, Count("pk"), Max("updated_at")),
        _part("point", DecisionPoint, Count("pk"), Max("updated_at")),
        _part("policy", PolicyActivation, Max("pk"), Max("activated_at")),
        _part("policy state", PolicyState, Max("pk"), Max("learnt_at")),
        _part("campaign", Campaign, Count("pk"), Max("updated_at")),
        _part("promotion", Promotion, Count("pk"), Max("updated_at")),
        all=True,
    )
    told = sorted(rows, key=lambda row: row[0])
    signature = tuple(row for row in told if row[0] not in DECIDING)
    learnt = tuple(row for row in told if row[0] in DECIDING)
    state = process.state
    if learnt != state.learnt:
        state = replace(state, learnt=learnt, points=deciding.read_all())
    if signature != state.signature:
        live_rows = Activation.objects.live().values_list("channel", "alias", "artifact_id")
        state = replace(
            state,
            signature=signature,
            artifacts={(channel, alias): artifact_id for channel, alias, artifact_id in live_rows},
            placements=placements.read_all(),
            experiments=running.read_all(),
            offers=offers.read_all(),
        )
    process.state = state


def _part(kind: str, table: Any, number: Any, changed: Any) -> QuerySet[Any, Any]:
    label = Value(kind, output_field=CharField())
    rows = table.objects.order_by().annotate(part=label).values("part")
    parts: QuerySet[Any, Any] = rows.annotate(number=number, changed=changed)
    return parts.values_list("part", "number", "changed")
