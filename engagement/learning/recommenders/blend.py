"""Several recommenders together: they propose, a ranker learnt on held-out days decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders import features, rankers
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.candidates import (
    Mask,
    Proposals,
    propose,
    propose_to_one,
)
from engagement.learning.recommenders.examples import OBJECTIVES, Examples, told_apart, worth_of
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.holdouts import Holdout, following, windows
from engagement.learning.recommenders.members import MEMBERS, Members, Specs
from engagement.learning.recommenders.spoken import Spoken, nowhere

__all__ = ["MEMBERS", "OBJECTIVES", "Blend"]

# Scores held at once while a batch is worked through: 4 MB a member, small enough for a cache.
CELLS = 1_000_000
CONSTANT = "constant"
ABOVE_ZERO = np.float32(1e-3)
Describe = Callable[[Mask | None], Float32]


def part(histories: Histories, start: int, stop: int) -> Histories:
    first, last = histories.starts[start], histories.starts[stop]
    return Histories(
        histories.starts[start : stop + 1] - first,
        histories.columns[first:last],
        histories.moments[first:last],
        histories.weights[first:last],
        histories.now[start:stop],
    )


class Blend(Recommender):
    """
    Members propose candidates; a ranker orders them by the members' scores and what is known of
    the item, the visitor and the two together (:mod:`.features`).

    The ranker learns from held-out answers inside the training data (:mod:`.holdouts`): members
    are fitted on what came before, asked, and the ranker sees what happened next. At the end the
    members are fitted again on everything.

    ``members``: name → ``{"BACKEND": …, "OPTIONS": …, "WINDOW_DAYS": …}``, by default ``MEMBERS``;
    a member with a window learns from the latest days only, and answers for whole histories.
    ``answers``: what the ranker is to predict. ``"window"``: the items that a visitor meets in the
    next ``horizon_days`` (shops with returning customers; ``n_splits`` windows, ``step_days``
    apart). ``"next"``: the next event, on the latest ``holdout_share`` of the log (sessions).
    ``"last"``: the last event of each row.
    ``objective``: what an answer is worth. ``"click"``: any event is an answer and worth the same.
    ``"conversion"``: events that weigh at least ``answers_from`` are, purchases for one.
    ``"revenue"`` and ``"margin"``: the same, worth the item's price or margin in the catalogue;
    without those it is ``"conversion"``.
    ``repeats``: whether items of the history may come again. ``n_candidates``: what each member
    proposes; the ``n_ranked`` best of all proposals by mean standing are ranked, and with
    ``repeats`` the ``n_owned`` items that the history holds most of lately. ``others``: of the
    candidates that were no answer, the share that the ranker learns from.
    ``ranker``: ``"trees"`` (needs the ``blend`` extra to learn, nothing to serve), ``"sum"``, or
    ``"auto"``: trees if they can be learnt and there are ``min_answers`` answers. Below a tenth of
    that nothing is learnt, and the members' mean standing is the score.
    ``strength_power``: members see interactions weighted by their strength to this power; with 0
    only whether and when something happened.
    """

    item_features_: Float32
    importance_: Float32
    members_: Float32
    categories_: NDArray[np.int32]
    cold_: Mask

    def __init__(
        self,
        members: Specs | None = None,
        answers: str = "window",
        objective: str = "conversion",
        answers_from: float = 0.0,
        horizon_days: float = 28,
        n_splits: int = 2,
        step_days: float = 28,
        holdout_share: float = 0.1,
        repeats: bool = True,
        n_candidates: int = 80,
        n_ranked: int = 200,
        n_owned: int = 150,
        n_questions: int = 4_000,
        others: float = 0.25,
        ranker: str = "auto",
        n_trees: int = 60,
        n_leaves: int = 24,
        learning_rate: float = 0.15,
        min_answers: int = 1_000,
        strength_power: float = 1.0,
    ) -> None:
        if answers not in {"window", "next", "last"}:
            raise ValueError(f"answers must be window, next or last, not {answers!r}")
        if objective not in OBJECTIVES:
            raise ValueError(f"objective must be one of {OBJECTIVES}, not {objective!r}")
        if ranker not in {"auto", "trees", "sum"}:
            raise ValueError(f"ranker must be auto, trees or sum, not {ranker!r}")
        if members is not None and not all(name.isidentifier() for name in members):
            raise ValueError(f"members must be named like variables, not {list(members)}")
        self.members = members
        self.answers = answers
        self.objective = objective
        self.answers_from = answers_from
        self.horizon_days = horizon_days
        self.n_splits = n_splits
        self.step_days = step_days
        self.holdout_share = holdout_share
        self.repeats = repeats
        self.n_candidates = n_candidates
        self.n_ranked = n_ranked
        self.n_owned = n_owned
        self.n_questions = n_questions
        self.others = others
        self.ranker = ranker
        self.n_trees = n_trees
        self.n_leaves = n_leaves
        self.learning_rate = learning_rate
        self.min_answers = min_answers
        self.strength_power = strength_power
        self._members = Members(self._specs)
        self._ranker: rankers.Ranker | None = None
        # Not stored: what it was found from, and which items can be recommended.
        self._known: tuple[Float32, Mask, Mask] | None = None
        # Nor this: a shelf asks for scores, and then for the reasons of the same.
        self._last: tuple[Histories, NDArray[np.int64], Float32, Float32] | None = None

    @property
    def _specs(self) -> Specs:
        return MEMBERS if self.members is None else self.members

    # -- learning ---------------------------------------------------------------------------
    def fit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        rng = rng or np.random.default_rng(0)
        catalogue = catalogue or Catalogue()
        worth = worth_of(self.objective, catalogue, interactions.n_columns)
        examples: list[Examples] = []
        for holdout in self._holdouts(interactions, rng):
            self._fit_members(holdout.before, holdout.now, catalogue, rng)
            examples += self._examples(holdout, worth, rng)
        self._ranker = None
        self.importance_ = np.zeros(len(self.feature_names()), dtype=np.float32)
        self.members_ = told_apart(examples, len(self._specs))
        n_answers = int(sum(np.count_nonzero(some.relevant) for some in examples))
        if n_answers >= max(self.min_answers / 10, 1):
            self._learn(Examples.together(examples), n_answers, rng)
        examples.clear()
        self.refit(interactions, rng=rng, catalogue=catalogue)
        return self

    def refit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        """
        Let the members learn ``interactions``; the ranker stays as it is.

        What a score is worth changes slowly, what was sold yesterday does not: this is a small
        part of the time of :meth:`fit`.
        """
        now = int(interactions.moments.max()) + 1 if len(interactions) else 0
        rng = rng or np.random.default_rng(0)
        self._fit_members(interactions, now, catalogue or Catalogue(), rng, at_last=True)
        self.n_items_ = np.array(interactions.n_columns)
        return self

    def _holdouts(self, interactions: Interactions, rng: np.random.Generator) -> Iterator[Holdout]:
        if not len(interactions):
            return iter(())
        if self.answers == "window":
            return windows(
                interactions,
                self.horizon_days,
                self.n_splits,
                self.step_days,
                max(self.n_questions // self.n_splits, 1),
                rng,
                weighing=0.0 if self.objective == "click" else self.answers_from,
            )
        return following(
            interactions,
            self.holdout_share,
            self.n_questions,
            rng,
            last_only=self.answers == "last",
        )

    def _fit_members(
        self,
        interactions: Interactions,
        now: int,
        catalogue: Catalogue,
        rng: np.random.Generator,
        *,
        at_last: bool = False,
    ) -> None:
        n = interactions.n_columns
        seen = self._as_members_see(interactions)
        self._last = None
        self._members = Members(self._specs).fit(seen, now, catalogue, rng)
        none = np.full(n, -1, dtype=np.int32)
        self.categories_ = none if catalogue.categories is None else catalogue.categories
        # In the past, only what is known to have been there already.
        self.cold_ = catalogue.described(n, before=None if at_last else now)
        self.item_features_ = features.item_features(
            interactions, now, self.horizon_days, catalogue.log_prices(n)
        )

    def _as_members_see(self, interactions: Any) -> Any:
        """Return interactions or histories with weights to the power that members are to see."""
        if self.strength_power == 1:
            return interactions
        fields = {name: getattr(interactions, name) for name in interactions.__slots__}
        fields["weights"] = np.power(interactions.weights, self.strength_power, dtype=np.float32)
        return type(interactions)(**fields)

    def _examples(
        self, holdout: Holdout, worth: Float32, rng: np.random.Generator
    ) -> Iterator[Examples]:
        """Yield what the ranker is to learn from: all answers, and some other candidates."""
        n = self.item_features_.shape[0]
        answers = np.sort(holdout.rows * n + holdout.columns)
        for start, stop in self._blocks(len(holdout.histories)):
            proposals, describe = self._candidates(part(holdout.histories, start, stop))
            wanted = (proposals.rows + start) * n + proposals.columns
            at = np.minimum(np.searchsorted(answers, wanted), len(answers) - 1)
            relevant = answers[at] == wanted
            n_found = np.bincount(proposals.rows, relevant, stop - start)
            # A question without an answer among its candidates teaches nothing.
            kept = n_found[proposals.rows] > 0
            kept &= relevant | (rng.random(len(relevant)) < self.others)
            weights = np.ones(len(relevant), dtype=np.float32)
            # Large orders count more than small ones, but not in proportion.
            weights[relevant] /= np.sqrt(n_found[proposals.rows[relevant]])
            weights[relevant] *= worth[proposals.columns[relevant]]
            sizes = np.bincount(proposals.rows[kept], minlength=stop - start)
            yield Examples(
                describe(kept),
                relevant[kept],
                weights[kept],
                sizes[sizes > 0],
                proposals.proposed_by[relevant],
            )

    def _learn(self, examples: Examples, n_answers: int, rng: np.random.Generator) -> None:
        trees = self.ranker == "trees"
        if self.ranker == "auto":
            trees = n_answers >= self.min_answers and rankers.can_learn_trees()
        if trees:
            self._ranker = rankers.learn_trees(
                examples.table,
                examples.relevant,
                examples.weights,
                n_trees=self.n_trees,
                n_leaves=self.n_leaves,
                learning_rate=self.learning_rate,
                seed=int(rng.integers(2**31)),
            )
        else:
            self._ranker = rankers.learn_weights(
                examples.table, examples.relevant, examples.groups, examples.weights
            )
        self.importance_ = self._importance(self._ranker, examples.table, rng)

    def _importance(
        self, ranker: rankers.Ranker, table: Float32, rng: np.random.Generator
    ) -> Float32:
        """Return the share of each feature in what moves scores, over a sample of candidates."""
        sample = table[rng.integers(len(table), size=min(len(table), 2_000))]
        parts = ranker.contributions(sample)[:, :-1]
        moved = np.abs(parts - parts.mean(axis=0)).mean(axis=0)
        return np.asarray(moved / max(float(moved.sum()), 1e-9), dtype=np.float32)

    # -- answering --------------------------------------------------------------------------
    def score(self, histories: Histories) -> Float32:
        """
        Return scores above zero for what was ranked, zero for everything else.

        Only the order within a history means something: scores are the ranker's, moved above zero.
        """
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        if not self.n_items:
            return scores
        if len(histories) == 1:
            columns, values = self._score_candidates(histories)
            scores[0, columns] = values
            return scores
        for start, stop in self._blocks(len(histories)):
            proposals, describe = self._candidates(part(histories, start, stop))
            if not len(proposals.rows):
                continue
            values = self._rank(describe(None))
            lowest = np.full(stop - start, np.inf, dtype=np.float32)
            np.minimum.at(lowest, proposals.rows, values)
            values = values - lowest[proposals.rows] + ABOVE_ZERO
            scores[start + proposals.rows, proposals.columns] = values
        return scores

    def speak(self, histories: Histories) -> Spoken:
        if not self.n_items:
            return super().speak(histories)
        return Spoken(self.n_items, *self._score_candidates(histories))

    def _score_candidates(self, histories: Histories) -> tuple[NDArray[np.int64], Float32]:
        """Return the candidates of a single history, ascending, and their scores."""
        columns, _table, values = self._ranked(histories)
        return columns, values - (values.min() - ABOVE_ZERO) if len(values) else values

    def _ranked(self, histories: Histories) -> tuple[NDArray[np.int64], Float32, Float32]:
        """Return the candidates of a single history, their features and what the ranker says."""
        last = self._last
        if last is not None and last[0] is histories:
            return last[1:]
        columns, table = self._candidates_of_one(histories)
        values = self._rank(table) if len(columns) else np.empty(0, dtype=np.float32)
        self._last = histories, columns, table, values
        return columns, table, values

    def attribute(self, histories: Histories, columns: Sequence[int]) -> list[dict[str, float]]:
        """
        Return what each feature adds to the score of each of ``columns``, for a single history.

        The parts of an item sum to its score; ``"constant"`` is what an item has of which nothing
        is known. For trees a part is what the mean changes by along the paths (Saabas, 2014), for
        a weighted sum its term. Empty for an item that is no candidate.
        """
        candidates, table, values = self._ranked(histories)
        if not len(candidates):
            return [{} for _ in columns]
        lowest = float(values.min())
        places = np.minimum(np.searchsorted(candidates, columns), len(table) - 1)
        there = candidates[places] == np.asarray(columns)
        parts = self._parts(table[places])
        parts[:, -1] += float(ABOVE_ZERO) - lowest
        names = [*self.feature_names(), CONSTANT]
        return [
            {n: float(v) for n, v in zip(names, row, strict=True) if v} if found else {}
            for row, found in zip(parts, there, strict=True)
        ]

    def contributions(self, histories: Histories, column: int) -> dict[str, float]:
        """Return :meth:`attribute` of one column."""
        return self.attribute(histories, [column])[0]

    def member_report(self) -> dict[str, dict[str, float]]:
        """
        Return for each member: ``gain`` (share of what moves scores), ``proposed`` (of the held-out
        answers that any member proposed, the share that this one did) and ``alone`` (that no other
        did: what would be lost without it). Zeros where nothing was learnt.
        """
        shares = dict(zip(self.feature_names(), self.importance_.tolist(), strict=True))
        return {
            name: {
                "gain": round(shares[f"score.{name}"] + shares[f"standing.{name}"], 6),
                "proposed": round(float(proposed), 6),
                "alone": round(float(alone), 6),
            }
            for name, (proposed, alone) in zip(self._specs, self.members_, strict=True)
        }

    @property
    def ranked_by(self) -> str:
        """Say what orders candidates: ``trees``, ``sum``, or ``standing`` if nothing was learnt."""
        if self._ranker is None:
            return "standing"
        return "sum" if isinstance(self._ranker, rankers.WeightedSum) else "trees"

    def importance(self) -> dict[str, float]:
        """Return what share each feature has in moving scores, largest first; empty if unlearnt."""
        shares = zip(self.feature_names(), self.importance_.tolist(), strict=True)
        return dict(sorted((pair for pair in shares if pair[1] > 0), key=lambda pair: -pair[1]))

    def feature_names(self) -> list[str]:
        scores = [f"{kind}.{name}" for name in self._specs for kind in ("score", "standing")]
        return [*scores, "standing", *features.ITEM, *features.VISITOR, *features.PAIR]

    def _rank(self, table: Float32) -> Float32:
        if self._ranker is None:
            return np.asarray(self._mean_standing(table).sum(axis=1), dtype=np.float32)
        return self._ranker.predict(table)

    def _parts(self, table: Float32) -> Float32:
        if self._ranker is None:
            return self._mean_standing(table)
        return self._ranker.contributions(table)

    def _mean_standing(self, table: Float32) -> Float32:
        """Return rows × (features + 1): each member's standing, and no constant."""
        n = len(self._specs)
        parts = np.zeros((len(table), table.shape[1] + 1), dtype=np.float32)
        parts[:, 1 : 2 * n : 2] = table[:, 1 : 2 * n : 2] / n
        return parts

    def _blocks(self, n: int) -> Iterator[tuple[int, int]]:
        step = max(CELLS // max(len(self.item_features_), 1), 1)
        for start in range(0, n, step):
            yield start, min(start + step, n)

    def _candidates(self, histories: Histories) -> tuple[Proposals, Describe]:
        """Return candidates, and what tells their features, of all (None) or a mask of them."""
        items = self.item_features_
        seen = self._as_members_see(histories)
        known = self._recommendable()
        owned = self._owned(histories)
        allowed = np.broadcast_to(known, owned.shape) if self.repeats else known & (owned <= 0)
        proposals = propose(
            self._members.score(seen),
            owned,
            allowed,
            n_candidates=self.n_candidates,
            n_ranked=self.n_ranked,
            n_owned=self.n_owned,
        )

        def describe(kept: Mask | None) -> Float32:
            rows, columns, said = proposals.rows, proposals.columns, proposals.said
            if kept is not None:
                rows, columns, said = rows[kept], columns[kept], said[kept]
            rest = features.candidate_features(
                histories, rows, columns, items, self.categories_, self.horizon_days
            )
            return np.concatenate([said, rest], axis=1)

        return proposals, describe

    def _candidates_of_one(self, histories: Histories) -> tuple[NDArray[np.int64], Float32]:
        """Return columns and their features, as :meth:`_candidates` does; a page waits for it."""
        columns, said = propose_to_one(
            self._members.speak(self._as_members_see(histories)),
            self._counted(histories).amounts(self.n_items, half_life_days=2 * self.horizon_days),
            self._recommendable(),
            nowhere(self.n_items),
            repeats=self.repeats,
            n_candidates=self.n_candidates,
            n_ranked=self.n_ranked,
            n_owned=self.n_owned,
        )
        rest = features.candidate_features(
            histories,
            np.zeros(len(columns), dtype=np.int64),
            columns,
            self.item_features_,
            self.categories_,
            self.horizon_days,
        )
        return columns, np.concatenate([said.T, rest.T]).T

    def _recommendable(self) -> Mask:
        """Return which items somebody met, or are described: found once for what was learnt."""
        items, cold = self.item_features_, self.cold_
        if self._known is None or self._known[0] is not items or self._known[1] is not cold:
            met = items[:, features.ITEM.index("item.visitors")] > 0
            self._known = items, cold, met | cold
        return self._known[2]

    def _counted(self, histories: Histories) -> Histories:
        return replace(histories, weights=np.ones(len(histories.columns), dtype=np.float32))

    def _owned(self, histories: Histories) -> Float32:
        """Return how much of each item a history holds lately; above zero if it does at all."""
        lately = self._counted(histories).matrix(
            len(self.item_features_), half_life_days=2 * self.horizon_days
        )
        # However long ago, it is still owned.
        lately.data = np.maximum(lately.data, np.float32(1e-30))
        return np.asarray(lately.toarray(), dtype=np.float32)

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        arrays |= self._members.get_arrays()
        if self._ranker is not None:
            arrays |= {f"ranker-{key}": array for key, array in self._ranker.as_arrays().items()}
        return arrays

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        own = {key: array for key, array in arrays.items() if "-" not in key}
        super().set_arrays(own)
        self._last = None
        self._members = Members(self._specs).set_arrays(arrays)
        learnt = {
            k.removeprefix("ranker-"): a for k, a in arrays.items() if k.startswith("ranker-")
        }
        self._ranker = rankers.from_arrays(learnt) if learnt else None
        return self
