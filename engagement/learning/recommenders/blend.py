"""Several recommenders together: they propose, a ranker learnt on held-out days decides."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders import features, rankers
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.candidates import propose
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.holdouts import Holdout, following, windows

Candidates = tuple[NDArray[np.int64], NDArray[np.int64]]
CELLS = 20_000_000  # Scores held at once while a batch is worked through: 80 MB a member.


HERE = "engagement.learning.recommenders"
MEMBERS: dict[str, dict[str, Any]] = {
    "linear": {"BACKEND": f"{HERE}.linear.EASE", "OPTIONS": {"half_life_days": 60}},
    "recent": {
        "BACKEND": f"{HERE}.linear.EASE",
        "OPTIONS": {"half_life_days": 60, "regularization": 100},
        "WINDOW_DAYS": 90,
    },
    "alike": {"BACKEND": f"{HERE}.userknn.UserKNN", "OPTIONS": {"half_life_days": 120}},
    "alike_lately": {
        "BACKEND": f"{HERE}.userknn.UserKNN",
        "OPTIONS": {"half_life_days": 120, "recent_days": 60},
    },
    "alike_now": {
        "BACKEND": f"{HERE}.userknn.UserKNN",
        "OPTIONS": {"half_life_days": 120, "recent_days": 21},
    },
    "texts": {"BACKEND": f"{HERE}.content.ContentSimilarity"},
    "popular": {"BACKEND": f"{HERE}.popular.MostPopular", "OPTIONS": {"window_days": 7}},
}


def build(spec: Mapping[str, Any]) -> Recommender:
    """Build a recommender from ``{"BACKEND": dotted path, "OPTIONS": {…}}``."""
    module, _, name = str(spec["BACKEND"]).rpartition(".")
    backend = getattr(importlib.import_module(module), name)
    if not (inspect.isclass(backend) and issubclass(backend, Recommender)):
        raise TypeError(f"{spec['BACKEND']} is no recommender")
    return backend(**spec.get("OPTIONS", {}))


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
    ``repeats``: whether items of the history may come again. ``n_candidates``: what each member
    proposes; the ``n_ranked`` best of all proposals by mean standing are ranked. ``ranker``:
    ``"trees"`` (LambdaMART, needs the ``blend`` extra to learn, nothing to serve), ``"sum"``, or
    ``"auto"``: trees if they can be learnt and there are ``min_answers`` answers. Below a tenth of
    that nothing is learnt, and the members' mean standing is the score.
    ``strength_power``: members see interactions weighted by their strength to this power; with 0
    only whether and when something happened.
    """

    item_features_: Float32
    importance_: Float32
    categories_: NDArray[np.int32]

    def __init__(
        self,
        members: Mapping[str, Mapping[str, Any]] | None = None,
        answers: str = "window",
        horizon_days: float = 28,
        n_splits: int = 6,
        step_days: float = 14,
        holdout_share: float = 0.1,
        repeats: bool = True,
        n_candidates: int = 80,
        n_ranked: int = 300,
        n_questions: int = 10_000,
        ranker: str = "auto",
        n_trees: int = 200,
        n_leaves: int = 31,
        learning_rate: float = 0.05,
        n_top: int = 15,
        min_answers: int = 1_000,
        strength_power: float = 1.0,
    ) -> None:
        if answers not in {"window", "next", "last"}:
            raise ValueError(f"answers must be window, next or last, not {answers!r}")
        if ranker not in {"auto", "trees", "sum"}:
            raise ValueError(f"ranker must be auto, trees or sum, not {ranker!r}")
        if members is not None and not all(name.isidentifier() for name in members):
            raise ValueError(f"members must be named like variables, not {list(members)}")
        self.members = members
        self.answers = answers
        self.horizon_days = horizon_days
        self.n_splits = n_splits
        self.step_days = step_days
        self.holdout_share = holdout_share
        self.repeats = repeats
        self.n_candidates = n_candidates
        self.n_ranked = n_ranked
        self.n_questions = n_questions
        self.ranker = ranker
        self.n_trees = n_trees
        self.n_leaves = n_leaves
        self.learning_rate = learning_rate
        self.n_top = n_top
        self.min_answers = min_answers
        self.strength_power = strength_power
        self._members: dict[str, Recommender] = {}
        self._ranker: rankers.Ranker | None = None

    @property
    def _specs(self) -> Mapping[str, Mapping[str, Any]]:
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
        rows, answers, groups = [], [], []
        for holdout in self._holdouts(interactions, rng):
            self._fit_members(holdout.before, holdout.now, catalogue, rng)
            for asked, candidates in self._examples(holdout):
                rows.append(asked)
                answers.append(candidates[0])
                groups.append(candidates[1])
        self._ranker = None
        self.importance_ = np.zeros(len(self.feature_names()), dtype=np.float32)
        n_answers = int(sum(chunk.sum() for chunk in answers))
        if n_answers >= self.min_answers / 10:
            table = np.concatenate(rows)
            rows.clear()
            self._ranker = self._learn(
                table, np.concatenate(answers), np.concatenate(groups), n_answers, rng
            )
            self.importance_ = self._importance(self._ranker, table, rng)
            del table
        now = int(interactions.moments.max()) + 1 if len(interactions) else 0
        self._fit_members(interactions, now, catalogue, rng)
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
    ) -> None:
        n = interactions.n_columns
        seen = self._as_members_see(interactions)
        self._members = {name: build(spec) for name, spec in self._specs.items()}
        for name, member in self._members.items():
            days = self._specs[name].get("WINDOW_DAYS")
            learnt = seen if days is None else seen.select(seen.moments >= now - days * DAY)
            if "catalogue" in inspect.signature(member.fit).parameters:
                member.fit(learnt, rng=rng, catalogue=catalogue)  # type: ignore[call-arg]
            else:
                member.fit(learnt, rng=rng)
        if catalogue.prices is None:
            prices = np.zeros(n, dtype=np.float32)
        else:
            prices = np.log(np.maximum(catalogue.prices, 0.01))
            prices = np.nan_to_num(prices, nan=float(np.nanmean(prices)))
        none = np.full(n, -1, dtype=np.int32)
        self.categories_ = none if catalogue.categories is None else catalogue.categories
        self.item_features_ = features.item_features(
            interactions, now, self.horizon_days, prices.astype(np.float32)
        )

    def _as_members_see(self, interactions: Any) -> Any:
        """Return interactions or histories with weights to the power that members are to see."""
        if self.strength_power == 1:
            return interactions
        fields = {name: getattr(interactions, name) for name in interactions.__slots__}
        fields["weights"] = np.power(interactions.weights, self.strength_power, dtype=np.float32)
        return type(interactions)(**fields)

    def _examples(
        self, holdout: Holdout
    ) -> Iterator[tuple[Float32, tuple[NDArray[np.bool_], NDArray[np.int64]]]]:
        """Yield features, which candidates are answers, and how many candidates a question has."""
        n = self.item_features_.shape[0]
        answers = np.sort(holdout.rows * n + holdout.columns)
        for start, stop in self._blocks(len(holdout.histories)):
            (rows, columns), table = self._candidates(part(holdout.histories, start, stop))
            wanted = (rows + start) * n + columns
            at = np.minimum(np.searchsorted(answers, wanted), len(answers) - 1)
            relevant = answers[at] == wanted
            # A question without an answer among its candidates teaches nothing.
            found = np.bincount(rows, relevant, stop - start) > 0
            kept = found[rows]
            sizes = np.bincount(rows, minlength=stop - start)[found]
            yield table[kept], (relevant[kept], sizes)

    def _learn(
        self,
        table: Float32,
        relevant: NDArray[np.bool_],
        groups: NDArray[np.int64],
        n_answers: int,
        rng: np.random.Generator,
    ) -> rankers.Ranker:
        enough = n_answers >= self.min_answers and rankers.can_learn_trees()
        if self.ranker == "trees" or (self.ranker == "auto" and enough):
            return rankers.learn_trees(
                table,
                relevant,
                groups,
                n_trees=self.n_trees,
                n_leaves=self.n_leaves,
                learning_rate=self.learning_rate,
                n_top=self.n_top,
                seed=int(rng.integers(2**31)),
            )
        return rankers.learn_weights(table, relevant, groups)

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
        for start, stop in self._blocks(len(histories)):
            (rows, columns), table = self._candidates(part(histories, start, stop))
            if not len(rows):
                continue
            values = self._rank(table)
            lowest = np.full(stop - start, np.inf, dtype=np.float32)
            np.minimum.at(lowest, rows, values)
            scores[start + rows, columns] = values - lowest[rows] + np.float32(1e-3)
        return scores

    def contributions(self, histories: Histories, column: int) -> dict[str, float]:
        """
        Return what each feature adds to the ranker's score of ``column`` for a single history.

        ``"constant"`` is the score before anything is known; all together sum to the score before
        it is moved above zero. Empty if the item is no candidate.
        """
        (_, columns), table = self._candidates(histories)
        chosen = table[columns == column]
        if not len(chosen):
            return {}
        if self._ranker is None:
            parts = self._mean_standing(chosen)[0]
        else:
            parts = self._ranker.contributions(chosen)[0]
        names = [*self.feature_names(), "constant"]
        return {name: float(value) for name, value in zip(names, parts, strict=True) if value}

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

    def _candidates(self, histories: Histories) -> tuple[Candidates, Float32]:
        """Return candidates as (history, column), sorted, and their features."""
        items = self.item_features_
        seen = self._as_members_see(histories)
        known = np.broadcast_to(
            items[:, features.ITEM.index("item.visitors")] > 0, (len(histories), len(items))
        )
        owned = histories.matrix(len(items)).astype(bool).toarray()
        rows, columns, said = propose(
            [member.score(seen) for member in self._members.values()],
            owned,
            known if self.repeats else known & ~owned,
            self.n_candidates,
            self.n_ranked,
        )
        rest = features.candidate_features(
            histories, rows, columns, items, self.categories_, self.horizon_days
        )
        return (rows, columns), np.concatenate([said, rest], axis=1)

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        for name, member in self._members.items():
            arrays |= {f"member-{name}-{key}": a for key, a in member.get_arrays().items()}
        if self._ranker is not None:
            arrays |= {f"ranker-{key}": array for key, array in self._ranker.as_arrays().items()}
        return arrays

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        own = {key: array for key, array in arrays.items() if "-" not in key}
        super().set_arrays(own)
        self._members = {}
        for name, spec in self._specs.items():
            prefix = f"member-{name}-"
            inside = {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
            self._members[name] = build(spec).set_arrays(inside)
        learnt = {
            k.removeprefix("ranker-"): a for k, a in arrays.items() if k.startswith("ranker-")
        }
        self._ranker = rankers.from_arrays(learnt) if learnt else None
        return self
