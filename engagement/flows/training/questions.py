"""What a recipe's candidates are asked about held-out days, and how their answers count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.flows.serving import placements
from engagement.flows.training.training_data import Data
from engagement.learning.evaluation import (
    ALL,
    NEW,
    Outcome,
    Questions,
    Split,
    by_time,
    measure,
    popularity,
    what_comes_next,
    what_goes_with,
)
from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders import Recommender

# With so many the interval of a mean is narrower than any difference that matters.
MAX_QUESTIONS = 2_500
# Of questions that are told beside those that decide.
MAX_OTHERS = 1_000
VALUE = "value"


@dataclass(frozen=True, slots=True)
class Asking:
    """
    What decides between candidates.

    ``source``: what they are asked with, the recipe's ``INPUT``. ``variant``: which questions
    decide. ``metric``: ``ndcg``, or ``value`` where right answers are worth more or less.
    ``within``: the category of each column, where answers stay within the question's.
    """

    source: str = "visitor"
    variant: str = ALL
    metric: str = "ndcg"
    within: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, spec: Mapping[str, Any], data: Data, *, within: bool) -> Asking:
        return cls(
            source=spec.get("INPUT", "visitor"),
            variant=spec.get("VARIANT", ALL),
            metric="ndcg" if data.worth is None else VALUE,
            within=data.catalogue.categories if within else None,
        )

    def measure(
        self,
        recommender: Recommender,
        questions: Mapping[str, Questions],
        learnt_from: Interactions,
        length: int,
    ) -> dict[str, Outcome]:
        asked = recommender if self.within is None else _Within(recommender, self.within)
        share = popularity(learnt_from)
        return {kind: measure(asked, some, share, length) for kind, some in questions.items()}


def stays_within_category(channel: str, alias: str, spec: Mapping[str, Any]) -> bool:
    """
    Return whether every placement that begins with ``alias`` shows only the category of the item
    that it is asked with.
    """
    if spec.get("INPUT") != "context":
        return False
    named = {**placements.STOCK}
    for (owner, name), config in placements.read_all().items():
        if owner in ("", channel):
            named[name] = config
    using = [one for one in named.values() if one.is_active and one.strategies[:1] == (alias,)]
    return bool(using) and all(one.same_category for one in using)


def ask(
    data: Data,
    asking: Asking,
    days: float,
    rng: np.random.Generator,
    *,
    least: int,
    until: int | None = None,
) -> tuple[Split, dict[str, Questions]]:
    """
    Ask for purchases in the ``days`` before the moment ``until`` (default: the last one); where
    there are fewer than ``least`` such questions, for anything.
    """
    interactions = _before(data.interactions, until)
    for target in (data.target, None):
        split = by_time(interactions, days, None if target is None else _before(target, until))
        if asking.source == "context":
            questions = what_goes_with(split, MAX_QUESTIONS, rng)
        else:
            questions = what_comes_next(split, MAX_QUESTIONS, rng)
        if asking.source == "purchases":
            # Asked what of the past comes again, it has nothing to say about anything new.
            del questions[NEW]
        if asking.within is not None:
            questions = {kind: _inside(some, asking.within) for kind, some in questions.items()}
        if len(questions[ALL]) >= least or target is None:
            break
    questions = {
        kind: some if kind == asking.variant else some.slice(0, min(MAX_OTHERS, len(some)))
        for kind, some in questions.items()
    }
    if data.worth is not None:
        questions = {kind: _valued(some, data.worth) for kind, some in questions.items()}
    return split, questions


def _before(interactions: Interactions, until: int | None) -> Interactions:
    return interactions if until is None else interactions.select(interactions.moments < until)


def _inside(questions: Questions, categories: NDArray[np.int32]) -> Questions:
    """Keep the answers of the question's own category, and the questions that have one."""
    truth = questions.truth.tocoo()
    given = categories[questions.histories.columns]
    kept = (given[truth.row] >= 0) & (categories[truth.col] == given[truth.row])
    inside = csr_array(
        (truth.data[kept], (truth.row[kept], truth.col[kept])), shape=truth.shape, dtype=np.float32
    )
    answered = np.flatnonzero(np.diff(inside.indptr))
    histories = questions.histories
    return Questions(
        # One event each: the histories of questions about the item on a page.
        Histories(
            starts=np.arange(len(answered) + 1, dtype=np.int64),
            columns=histories.columns[answered],
            moments=histories.moments[answered],
            weights=histories.weights[answered],
            now=histories.now[answered],
        ),
        inside[answered],
        questions.banned[answered],
    )


def _valued(questions: Questions, worth: Float32) -> Questions:
    truth = questions.truth
    values = csr_array((worth[truth.indices], truth.indices, truth.indptr), shape=truth.shape)
    return replace(questions, truth=values)


class _Within(Recommender):
    """Another recommender, whose answers stay within the category of the one item asked about."""

    def __init__(self, recommender: Recommender, categories: NDArray[np.int32]) -> None:
        self.recommender = recommender
        self.categories = categories

    def score(self, histories: Histories) -> Float32:
        given = self.categories[histories.columns]
        inside = self.categories[None, :] == given[:, None]
        return np.where(inside, self.recommender.score(histories), np.float32(0))
