"""Any protocol on any log: files, or what the shop itself has recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows.importing.mapping import BadPlan
from engagement.flows.training import dataset as datasets
from engagement.flows.training.item_facts import describe
from engagement.flows.training.log_files import open_log
from engagement.flows.training.log_rows import SESSION_STEP, Events, LogReader, Rejected
from engagement.flows.training.protocol_models import PROTOCOLS, models_for
from engagement.flows.training.protocol_tasks import Options, ask, ask_from
from engagement.flows.training.protocols import NothingToAsk, Report, run
from engagement.learning.evaluation import Task
from engagement.learning.recommenders import Recommender
from engagement.learning.recommenders.features import Catalogue

__all__ = ["PROTOCOLS", "BadPlan", "NothingToAsk", "Options", "evaluate_files", "evaluate_shop"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A report, what was read, by file (None: the shop's own log), and what was left out of it."""

    report: Report
    read: dict[str, int] = field(default_factory=dict)
    plans: list[str] = field(default_factory=list)
    rejected: dict[str, Rejected] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            **self.report.as_json(),
            "read": self.read,
            "rejected": {name: dict(one.reasons) for name, one in self.rejected.items()},
        }


def evaluate_files(
    protocol: str,
    path: Path,
    test_path: Path | None = None,
    *,
    models: Sequence[str] = (),
    options: Options | None = None,
    reading: Mapping[str, Any] | None = None,
    rejected_path: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluated:
    """
    Run a protocol on a file, or on one to learn from and one (``test_path``) to be asked from.

    ``reading``: see :func:`.log_files.open_log`. Raises CannotRead, BadPlan or NothingToAsk.
    """
    options = options or Options()
    by_session = protocol == "sessions"
    builders = models_for(protocol, models)
    tell = progress or (lambda message: None)
    reader = LogReader(by_session=by_session, with_texts=True)
    read: dict[str, int] = {}
    plans: list[str] = []
    rejected: dict[str, Rejected] = {}
    found: list[Events] = []
    for one in (path, test_path):
        if one is None:
            continue
        tell(f"reading {one.name}")
        source = open_log(one, by_session=by_session, **(reading or {}))
        beside = rejected_path if one is path or rejected_path is None else _second(rejected_path)
        events = reader.read(source, rejected_path=beside)
        plans.append(source.describe())
        read[one.name], rejected[one.name] = events.n_read, events.rejected
        found.append(events)
    learnt, *asked = found
    if not asked and protocol == "files":
        raise BadPlan("A fixed split takes two files: FILE and --test FILE.")
    if asked and protocol not in ("files", "sessions"):
        raise BadPlan(f"--protocol {protocol} splits one file by itself: leave out --test.")
    if learnt.targets is not None:
        raise BadPlan(f"{path.name} holds questions, no events: give it with --test.")
    log = reader.interactions(learnt)
    rng = np.random.default_rng(options.seed)
    if protocol == "time" and not learnt.has_moments:
        raise BadPlan(
            f"{path.name} has no moments, which a time split needs: say --map at=COLUMN, or take "
            "--protocol last."
        )
    if not learnt.has_moments and options.days is not None:
        raise BadPlan(f"--holdout-days needs moments, and {path.name} has none.")
    if not asked:
        task = ask(protocol, log, options, rng, has_moments=learnt.has_moments)
    elif asked[0].targets is not None:
        # The questions come right after everything that was learnt from.
        now = int(log.moments.max(initial=0)) + SESSION_STEP
        task = ask_from(protocol, log, reader.questions(asked[0], now), options, rng)
    else:
        task = ask_from(protocol, log, reader.interactions(asked[0]), options, rng)
    until = task.train.moments.max() + 1 if len(task.train) and learnt.has_moments else None
    report = _run(
        protocol,
        task,
        builders,
        options,
        catalogue=reader.catalogue(until),
        has_moments=learnt.has_moments,
        progress=progress,
    )
    return Evaluated(report, read, plans, rejected)


def evaluate_shop(
    protocol: str,
    *,
    channel: str,
    at: datetime,
    events: Sequence[str] = (),
    models: Sequence[str] = (),
    options: Options | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluated:
    """Run a protocol on the cleaned log of the shop: its visitors, up to ``at``."""
    if protocol == "files":
        raise BadPlan("A fixed split takes two files: FILE and --test FILE.")
    options = options or Options()
    builders = models_for(protocol, models)
    data = datasets.load(channel=channel, events=list(events) or None, until=at)
    rng = np.random.default_rng(options.seed)
    if protocol == "sessions" and options.session_minutes is None:
        options = replace(options, session_minutes=float(app_settings.SESSION_MINUTES))
    task = ask(protocol, data.interactions, options, rng, has_moments=True)
    catalogue, _ = describe(data.interactions.column_keys, channel=channel)
    report = _run(protocol, task, builders, options, catalogue=catalogue, progress=progress)
    return Evaluated(report, {"events": data.n_events}, [], {})


def _run(
    protocol: str,
    task: Task,
    builders: Mapping[str, Callable[[], Recommender]],
    options: Options,
    *,
    catalogue: Catalogue | None = None,
    has_moments: bool = True,
    progress: Callable[[str], None] | None,
) -> Report:
    with threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"):
        return run(
            protocol,
            task,
            builders,
            rng=np.random.default_rng(options.seed),
            catalogue=catalogue,
            has_moments=has_moments,
            progress=progress,
        )


def _second(path: Path) -> Path:
    """Return where the refused rows of the second file go: beside those of the first."""
    return path.with_name(f"{path.stem}.test{path.suffix}")
