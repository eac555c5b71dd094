"""Members added up in their own standard deviations."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.interactions import Interactions
from engagement.learning.recommenders import (
    Ensemble,
    GraphFilter,
    MostPopular,
    RP3Beta,
    recipes,
)
from engagement.learning.recommenders.members import build

HERE = "engagement.learning.recommenders"
TWO = {
    "walk": {"BACKEND": f"{HERE}.graph.RP3Beta"},
    "popular": {"BACKEND": f"{HERE}.popular.MostPopular"},
}


@pytest.fixture(scope="module")
def log() -> Interactions:
    rng = np.random.default_rng(3)
    return Interactions.from_keys(rng.integers(0, 20, 200), rng.integers(0, 15, 200))


def test_the_score_is_the_weighted_sum_of_standings(log):
    histories = log.histories(np.arange(4))
    walk, popular = (model.fit(log).score(histories) for model in (RP3Beta(), MostPopular()))

    model = Ensemble(TWO, weights={"walk": 3.0}).fit(log)
    wanted = 3 * walk / walk.std(1, keepdims=True) + popular / popular.std(1, keepdims=True)
    assert np.allclose(model.score(histories), wanted, rtol=1e-4)


def test_each_member_tells_its_part(log):
    history = log.histories([5])
    model = Ensemble(TWO).fit(log)

    parts = model.attribute(history, [2, 7])
    assert [set(part) for part in parts] == [{"standing.walk", "standing.popular"}] * 2
    sums = [sum(part.values()) for part in parts]
    assert np.allclose(sums, model.score(history)[0, [2, 7]], rtol=1e-5)


def test_for_pairs_without_times_factors_are_added_to_a_filter(log):
    pytest.importorskip("implicit", reason="needs the extra «factors»")
    model = build(recipes.PAIRS_BLEND).fit(log, rng=np.random.default_rng(0))

    (part,) = model.attribute(log.histories([5]), [2])
    assert set(part) == {"standing.filter", "standing.factors"}
    assert all(part.values())
    assert np.isclose(sum(part.values()), model.score(log.histories([5]))[0, 2], rtol=1e-5)


def test_a_weight_of_nobody_is_refused():
    with pytest.raises(ValueError, match="other"):
        Ensemble(TWO, weights={"other": 1.0})


def test_by_default_a_walk_and_a_filter_are_added(log):
    histories = log.histories([0, 1])
    model = Ensemble().fit(log)

    filtered = GraphFilter(n_factors=1024).fit(log, rng=np.random.default_rng(0)).score(histories)
    assert np.allclose(
        [part["standing.filter"] for part in model.attribute(log.histories([0]), [0, 1, 2])],
        (filtered / filtered.std(1, keepdims=True))[0, :3],
        rtol=1e-4,
    )
