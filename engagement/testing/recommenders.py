"""
What every recommender must do, as tests to inherit.

In the test suite of a project that has its own backend::

    from engagement.testing import RecommenderTests

    class TestMine(RecommenderTests):
        recommender = Mine
        options = {"depth": 3}

A test that does not apply is switched off by saying so: ``is_additive``, ``is_personal`` and
``finds_neighbours`` tell what the model is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import Recommender
from engagement.learning.recommenders.ranking import top_n

N_ROWS, N_COLUMNS = 24, 12


def checkerboard(*, left_out: bool = True) -> Interactions:
    """
    Return a shop with one obvious answer: even rows meet even columns, odd ones odd columns.

    Row ``i`` of the first twelve has not met column ``i`` yet, which is then its best new item.
    Every fourth meeting happened twice, on different days.
    """
    rows, columns = np.nonzero(np.indices((N_ROWS, N_COLUMNS)).sum(axis=0) % 2 == 0)
    if left_out:
        kept = rows != columns
        rows, columns = rows[kept], columns[kept]
    again = np.arange(len(rows)) % 4 == 0
    rows, columns = np.concatenate([rows, rows[again]]), np.concatenate([columns, columns[again]])
    n = len(rows)
    return Interactions(
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        moments=np.arange(n, dtype=np.int64) * DAY // 8,
        weights=np.ones(n, dtype=np.float32),
        n_rows=N_ROWS,
        n_columns=N_COLUMNS,
    )


def nothing(n_rows: int = 0, n_columns: int = 0) -> Interactions:
    none = np.empty(0, dtype=np.int32)
    return Interactions(
        none, none, none.astype(np.int64), none.astype(np.float32), n_rows, n_columns
    )


class RecommenderTests:
    """Inherit, name the class in ``recommender``, and pytest does the rest."""

    recommender: ClassVar[type[Recommender]]
    options: ClassVar[dict[str, Any]] = {}
    # explain() answers, and its parts sum to the score.
    is_additive: ClassVar[bool] = True
    # Different histories give different scores.
    is_personal: ClassVar[bool] = True
    # Scores items that a history does not hold.
    finds_neighbours: ClassVar[bool] = True

    def make(self, **options: Any) -> Recommender:
        return self.recommender(**{**self.options, **options})

    @pytest.fixture
    def interactions(self) -> Interactions:
        return checkerboard()

    @pytest.fixture
    def fitted(self, interactions: Interactions) -> Recommender:
        return self.make().fit(interactions, rng=np.random.default_rng(1))

    @pytest.fixture
    def histories(self, interactions: Interactions) -> Histories:
        return interactions.histories(np.arange(N_ROWS))

    # -- the answer -------------------------------------------------------------------------
    def test_recommends_what_the_visitors_like_it_met(
        self, fitted: Recommender, interactions: Interactions, histories: Histories
    ) -> None:
        if not (self.is_personal and self.finds_neighbours):
            pytest.skip("does not look for neighbours")
        scores = fitted.score(histories)
        for row in range(N_COLUMNS):
            met = interactions.columns[interactions.rows == row]
            best = top_n(scores[row], 1, exclude=met)
            assert best.tolist() == [row]

    def test_prefers_the_own_half_of_the_board(
        self, fitted: Recommender, histories: Histories
    ) -> None:
        if not self.is_personal:
            pytest.skip("is the same for everybody")
        scores = fitted.score(histories)
        for row in range(N_ROWS):
            best = top_n(scores[row], 3)
            assert len(best) == 3
            assert set(best % 2) == {row % 2}

    # -- the shape --------------------------------------------------------------------------
    def test_scores_every_item_for_every_history(
        self, fitted: Recommender, histories: Histories
    ) -> None:
        scores = fitted.score(histories)
        assert scores.shape == (N_ROWS, N_COLUMNS)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        assert fitted.n_items == N_COLUMNS

    def test_one_at_a_time_or_all_together_is_the_same(
        self, fitted: Recommender, interactions: Interactions, histories: Histories
    ) -> None:
        together = fitted.score(histories)
        now = int(interactions.moments.max())
        for row in range(N_ROWS):
            alone = fitted.score(interactions.histories([row], now=now))
            assert alone.shape == (1, N_COLUMNS)
            assert alone.dtype == np.float32
            np.testing.assert_allclose(alone[0], together[row], rtol=1e-4, atol=1e-6)

    def test_what_it_speaks_of_is_what_it_scores(
        self, fitted: Recommender, interactions: Interactions, histories: Histories
    ) -> None:
        now = int(interactions.moments.max())
        questions = [interactions.histories([row], now=now) for row in range(N_ROWS)]
        for question in [*questions, Histories.of([]), Histories.of([-1, N_COLUMNS + 5, 2])]:
            scores = fitted.score(question)[0]
            spoken = fitted.speak(question)
            said = scores
            if spoken.columns is not None:
                assert len(np.unique(spoken.columns)) == len(spoken.columns)
                said = np.zeros_like(scores)
                said[spoken.columns] = spoken.values
            np.testing.assert_allclose(said, scores, rtol=1e-4, atol=1e-6)
            mean, spread = spoken.level()
            np.testing.assert_allclose(mean, scores.mean(), rtol=1e-3, atol=1e-6)
            np.testing.assert_allclose(spread, scores.std(), rtol=1e-2, atol=1e-6)
            best, values = spoken.best_first(3)
            np.testing.assert_allclose(values, scores[top_n(scores, 3)], rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(values, scores[best], rtol=1e-4, atol=1e-6)

    def test_no_histories_give_no_scores(
        self, fitted: Recommender, interactions: Interactions
    ) -> None:
        empty = interactions.histories(np.empty(0, dtype=np.int64))
        assert fitted.score(empty).shape == (0, N_COLUMNS)

    # -- what is unknown --------------------------------------------------------------------
    def test_unknown_items_are_ignored(self, fitted: Recommender) -> None:
        known = Histories.of([0, 2], moments=[DAY, 3 * DAY], now=4 * DAY)
        mixed = Histories.of(
            [0, -1, 2, N_COLUMNS + 5], moments=[DAY, 2 * DAY, 3 * DAY, 3 * DAY], now=4 * DAY
        )
        np.testing.assert_allclose(fitted.score(mixed), fitted.score(known), rtol=1e-4, atol=1e-6)

    def test_nothing_speaks_for_anything_when_nothing_is_known(self, fitted: Recommender) -> None:
        scores = fitted.score(Histories.of([]))
        assert scores.shape == (1, N_COLUMNS)
        if self.is_personal:
            assert not scores.any()
        else:
            assert scores.any()

    def test_asking_changes_nothing(self, fitted: Recommender, histories: Histories) -> None:
        first = np.array(fitted.score(histories))
        fitted.score(Histories.of([1, 3]))
        np.testing.assert_array_equal(fitted.score(histories), first)

    # -- small and empty shops --------------------------------------------------------------
    def test_a_shop_with_one_item(self) -> None:
        shop = Interactions.from_keys([1, 2, 3], ["book", "book", "book"])
        scores = self.make().fit(shop, rng=np.random.default_rng(1)).score(Histories.of([0]))
        assert scores.shape == (1, 1)
        assert np.isfinite(scores).all()

    def test_a_shop_with_one_visitor(self) -> None:
        shop = Interactions.from_keys([1, 1, 1], ["a", "b", "c"])
        scores = self.make().fit(shop, rng=np.random.default_rng(1)).score(Histories.of([0]))
        assert scores.shape == (1, 3)
        assert np.isfinite(scores).all()

    def test_a_shop_where_nothing_has_happened(self) -> None:
        model = self.make().fit(nothing(0, 0), rng=np.random.default_rng(1))
        assert model.score(Histories.of([])).shape == (1, 0)

    def test_items_that_nobody_has_met(self) -> None:
        model = self.make().fit(nothing(2, 5), rng=np.random.default_rng(1))
        scores = model.score(Histories.of([0, 4]))
        assert scores.shape == (1, 5)
        assert np.isfinite(scores).all()

    # -- the same again ---------------------------------------------------------------------
    def test_the_same_data_give_the_same_model(
        self, interactions: Interactions, histories: Histories
    ) -> None:
        one = self.make().fit(interactions, rng=np.random.default_rng(7))
        two = self.make().fit(interactions, rng=np.random.default_rng(7))
        np.testing.assert_array_equal(one.score(histories), two.score(histories))

    def test_the_global_random_state_is_left_alone(self, interactions: Interactions) -> None:
        np.random.seed(5)  # noqa: NPY002
        expected = np.random.random()  # noqa: NPY002
        np.random.seed(5)  # noqa: NPY002
        self.make().fit(interactions, rng=np.random.default_rng(7))
        assert np.random.random() == expected  # noqa: NPY002

    def test_fitting_leaves_the_data_as_they_are(self, interactions: Interactions) -> None:
        parts = ("rows", "columns", "moments", "weights")
        before = {part: getattr(interactions, part).copy() for part in parts}
        for part in parts:
            getattr(interactions, part).flags.writeable = False
        self.make().fit(interactions, rng=np.random.default_rng(7))
        for part in parts:
            np.testing.assert_array_equal(getattr(interactions, part), before[part])

    # -- storage ----------------------------------------------------------------------------
    def test_options_are_stored_unchanged(self) -> None:
        options = self.make().get_options()
        assert json.loads(json.dumps(options)) == options
        assert self.recommender(**options).get_options() == options
        for name, value in self.options.items():
            assert options[name] == value

    def test_storing_and_loading_changes_nothing(
        self, fitted: Recommender, histories: Histories, tmp_path: Path
    ) -> None:
        """Through real files, mapped read-only, as web processes do."""
        arrays = {}
        for name, array in fitted.get_arrays().items():
            np.save(tmp_path / f"{name}.npy", array, allow_pickle=False)
            arrays[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        loaded = self.recommender(**fitted.get_options()).set_arrays(arrays)
        assert loaded.n_items == N_COLUMNS
        np.testing.assert_array_equal(loaded.score(histories), fitted.score(histories))
        single = Histories.of([0, 2, 4])
        np.testing.assert_array_equal(loaded.score(single), fitted.score(single))
        if self.is_additive:
            np.testing.assert_array_equal(loaded.explain(single, 6), fitted.explain(single, 6))

    # -- reasons ----------------------------------------------------------------------------
    def test_reasons_sum_to_the_score(
        self, fitted: Recommender, interactions: Interactions
    ) -> None:
        now = int(interactions.moments.max())
        for row in range(N_ROWS):
            history = interactions.histories([row], now=now)
            scores = fitted.score(history)[0]
            for column in range(N_COLUMNS):
                reasons = fitted.explain(history, column)
                if not self.is_additive:
                    assert reasons is None
                    continue
                assert reasons is not None
                assert reasons.shape == history.columns.shape
                np.testing.assert_allclose(reasons.sum(), scores[column], rtol=1e-4, atol=1e-5)

    def test_reasons_of_many_items_are_those_of_each(self, fitted: Recommender) -> None:
        history = Histories.of([0, 2, 2, 4])
        columns = list(range(N_COLUMNS))
        together = fitted.explain_each(history, columns)
        assert len(together) == N_COLUMNS
        for column, reasons in zip(columns, together, strict=True):
            alone = fitted.explain(history, column)
            if reasons is None or alone is None:
                assert reasons is alone
            else:
                np.testing.assert_array_equal(reasons, alone)

    def test_unknown_items_are_no_reason(self, fitted: Recommender) -> None:
        if not self.is_additive:
            pytest.skip("does not explain")
        reasons = fitted.explain(Histories.of([-1, 0, 2, N_COLUMNS]), 4)
        assert reasons is not None
        assert reasons[0] == 0.0
        assert reasons[3] == 0.0
