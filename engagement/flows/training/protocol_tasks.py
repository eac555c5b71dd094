"""From a log to the questions of a protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from engagement.learning.evaluation import (
    EVERYONE,
    Task,
    cold_items,
    fixed_split,
    leave_last_out,
    next_in_session,
    prefixes_and_targets,
    time_split,
)
from engagement.learning.interactions import DAY, Histories, Int64, Interactions
from engagement.learning.recommenders.sequence import in_order

# Of a file to learn from, what is asked instead of the test file under ``validation``.
VALIDATION_SHARE = 0.2
# How long the lists are under each protocol, as in its published tables.
LENGTHS = {"time": 10, "last": 10, "sequences": 10, "files": 20, "sessions": 20, "cold": 10}


@dataclass(frozen=True, slots=True)
class Options:
    """
    How a protocol is run. ``None`` everywhere means: as in the protocol's published tables.

    ``validation``: answers come from inside the training data, for choosing settings: the days
    (sessions, items) before those that are asked otherwise. ``sample``: ask so many at most.
    ``session_minutes``: a longer pause begins another session.
    """

    k: int | None = None
    days: float | None = None
    share: float | None = None
    sample: int | None = None
    repeats: bool = False
    validation: bool = False
    session_minutes: float | None = None
    seed: int = 0


class Sizes(TypedDict):
    k: int
    n: int


def sizes(protocol: str, options: Options) -> Sizes:
    return {
        "k": options.k or LENGTHS[protocol],
        "n": EVERYONE if options.sample is None else options.sample,
    }


def ask(
    protocol: str,
    log: Interactions,
    options: Options,
    rng: np.random.Generator,
    *,
    has_moments: bool = True,
) -> Task:
    """Return the questions of a protocol that splits one log by itself."""
    size = sizes(protocol, options)
    days = _days(log, options) if protocol in ("time", "cold") else 0.0
    if options.validation and has_moments and protocol in ("time", "cold"):
        end = int(log.moments.max(initial=0)) + 1 - round(days * DAY)
        log = log.select(log.moments < end)
    match protocol:
        case "time":
            return time_split(log, rng, days=days, **size)
        case "last" | "sequences":
            return leave_last_out(
                log,
                rng,
                skip=int(options.validation),
                withhold=int(protocol == "sequences"),
                repeats=options.repeats,
                **size,
            )
        case "sessions":
            gap = options.session_minutes
            return next_in_session(
                _without_latest(log, options) if options.validation else log,
                rng,
                days=options.days,
                share=0.1 if options.share is None else options.share,
                session_gap=None if gap is None else round(gap * 60),
                **size,
            )
        case "cold":
            return cold_items(
                log,
                rng,
                days=days if has_moments and options.share is None else None,
                share=0.2 if options.share is None else options.share,
                **size,
            )
    raise ValueError(f"the protocol {protocol} takes two files")


def ask_from(
    protocol: str,
    log: Interactions,
    test: Interactions | tuple[Histories, Int64],
    options: Options,
    rng: np.random.Generator,
) -> Task:
    """Return the questions of a second file: rows of items, sessions, or (prefixes, targets)."""
    size = sizes(protocol, options)
    if options.validation:
        if protocol == "sessions":
            return ask(protocol, log, replace(options, validation=False), rng)
        train, test = _some_of_each(log, options, rng)
        return fixed_split(train, test, rng, repeats=options.repeats, **size)
    if not isinstance(test, Interactions):
        prefixes, targets = test
        return prefixes_and_targets(log, prefixes, targets, rng, **size)
    if protocol != "sessions":
        return fixed_split(log, test, rng, repeats=options.repeats, **size)
    order, sessions = in_order(test)
    position = np.arange(len(order)) - np.searchsorted(sessions, sessions)
    asked = np.flatnonzero(position > 0)
    lengths = position[asked]
    picked = order[np.repeat(asked - np.cumsum(lengths), lengths) + np.arange(lengths.sum())]
    prefixes = test.histories_at(picked, lengths, test.moments[order[asked]])
    targets = test.columns[order[asked]].astype(np.int64)
    return prefixes_and_targets(log, prefixes, targets, rng, **size)


def _days(log: Interactions, options: Options) -> float:
    """Return how many days are held out: as told, or so many that they hold a share of all."""
    if options.days is not None:
        return options.days
    if options.share is None or not len(log):
        return 28.0
    cut = float(np.quantile(log.moments, 1.0 - options.share))
    return (float(log.moments.max()) + 1.0 - cut) / DAY


def _some_of_each(
    log: Interactions, options: Options, rng: np.random.Generator
) -> tuple[Interactions, Interactions]:
    """Take a share of the items of some rows out of what is learnt from, to ask for them."""
    share = VALIDATION_SHARE if options.share is None else options.share
    rows = rng.permutation(log.n_rows)[: options.sample]
    out = np.isin(log.rows, rows) & (rng.random(len(log)) < share)
    return log.select(~out), log.select(out)


def _without_latest(log: Interactions, options: Options) -> Interactions:
    """Leave out what would be asked without ``validation``."""
    if not len(log):
        return log
    if options.days is not None:
        return log.select(log.moments < int(log.moments.max()) + 1 - round(options.days * DAY))
    share = 0.1 if options.share is None else options.share
    return log.select(log.moments < int(np.quantile(log.moments, 1.0 - share)))
