from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.evaluation.off_policy import (
    ESTIMATORS,
    Log,
    as_shown,
    difference,
    estimate,
)
from engagement.learning.evaluation.reward_model import predict_rewards

WITH_MODEL = sorted(set(ESTIMATORS) - {"ips", "snips"})


class World:
    """Three arms, two kinds of visitors; what every policy earns is known."""

    chances = np.array([[0.10, 0.30, 0.05], [0.20, 0.05, 0.40]])
    shown = np.array([[0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])
    new = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])

    def __init__(self, n: int = 20_000, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.kinds = rng.integers(2, size=n)
        draw = rng.random((n, 1))
        self.arms = (draw > self.shown[self.kinds].cumsum(axis=1)).sum(axis=1)
        rewards = rng.random(n) < self.chances[self.kinds, self.arms]
        self.log = Log(self.arms, self.shown[self.kinds, self.arms], rewards.astype(float))
        self.target = self.new[self.kinds]
        self.contexts = np.eye(2)[self.kinds]

    def truth(self, policy: np.ndarray) -> float:
        return float((policy * self.chances).sum(axis=1).mean())

    def predicted(self, *, blind: bool = False, **options: object) -> np.ndarray:
        contexts = np.zeros((len(self.log), 1)) if blind else self.contexts
        return predict_rewards(
            contexts,
            self.arms,
            self.log.rewards,
            n_arms=3,
            rng=np.random.default_rng(1),
            **options,
        )


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def trees(world: World) -> np.ndarray:
    return world.predicted(model="trees")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_tells_what_another_policy_would_have_earned(
    world: World, trees: np.ndarray, estimator: str
) -> None:
    found = estimate(
        world.log,
        world.target,
        estimator=estimator,
        predicted=trees,
        rng=np.random.default_rng(0),
    )
    assert found.value == pytest.approx(world.truth(world.new), abs=0.015)
    if estimator != "dm":  # Its interval does not know how wrong the model is.
        assert found.low < world.truth(world.new) < found.high
    assert found.low < found.value < found.high
    assert found.n == 20_000
    assert 3_000 < found.effective_n < 15_000


def test_of_the_policy_that_made_the_log_it_tells_the_mean(world: World) -> None:
    target = world.shown[world.kinds]
    for estimator in ("ips", "snips"):
        found = estimate(world.log, target, estimator=estimator, rng=np.random.default_rng(0))
        assert found.value == pytest.approx(world.log.rewards.mean())
        assert found.effective_n == pytest.approx(20_000)
        assert found.max_weight == pytest.approx(1)


def test_a_wrong_model_misleads_dm_and_not_dr(world: World) -> None:
    blind = world.predicted(blind=True)
    truth = world.truth(world.new)

    def off(estimator: str) -> float:
        found = estimate(
            world.log,
            world.target,
            estimator=estimator,
            predicted=blind,
            rng=np.random.default_rng(0),
        )
        return abs(found.value - truth)

    assert off("dm") > 0.05
    assert off("dr") < 0.015
    assert off("sndr") < 0.015


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    for seed in range(40):
        world = World(1500, seed)
        found = estimate(
            world.log, world.target, estimator="snips", rng=np.random.default_rng(seed)
        )
        held.append(found.low < world.truth(world.new) < found.high)
    assert 0.85 <= np.mean(held) <= 1


def test_a_model_narrows_the_interval() -> None:
    world = World(4000)
    exact = World.chances[world.kinds]
    width = {}
    for estimator in ("ips", "dr"):
        found = estimate(
            world.log,
            world.target,
            estimator=estimator,
            predicted=exact,
            rng=np.random.default_rng(0),
        )
        width[estimator] = found.high - found.low
    assert width["dr"] < width["ips"]


def test_decisions_of_one_visitor_are_no_more_evidence_than_they_are(world: World) -> None:
    """Everybody's decision written down ten times: the interval must not shrink."""
    few = World(1000)
    ten = Log(*(np.repeat(a, 10) for a in (few.arms, few.log.propensities, few.log.rewards)))
    by_visitor = Log(ten.arms, ten.propensities, ten.rewards, np.repeat(np.arange(1000), 10))

    def width(log: Log, target: np.ndarray) -> float:
        found = estimate(log, target, estimator="ips", rng=np.random.default_rng(0))
        return found.high - found.low

    once = width(few.log, few.target)
    again = np.repeat(few.target, 10, axis=0)
    assert width(by_visitor, again) == pytest.approx(once, rel=0.15)
    assert width(ten, again) < once / 2


def test_weights_can_be_cut_and_it_is_said(world: World) -> None:
    found = estimate(
        world.log, world.target, estimator="ips", max_weight=2.0, rng=np.random.default_rng(0)
    )
    assert found.max_weight == pytest.approx(4.0)
    assert 0.1 < found.clipped < 0.9
    assert found.value < world.truth(world.new)


def test_far_from_the_model_the_switch_leaves_the_log_aside(world: World) -> None:
    exact = World.chances[world.kinds]
    model_only = estimate(
        world.log, world.target, estimator="dm", predicted=exact, rng=np.random.default_rng(0)
    )
    switched = estimate(
        world.log,
        world.target,
        estimator="switch_dr",
        predicted=exact,
        switch_at=0.0,
        rng=np.random.default_rng(0),
    )
    assert switched.value == pytest.approx(model_only.value)


def test_the_difference_of_two_policies_is_known_better_than_either(world: World) -> None:
    rng = np.random.default_rng(0)
    other = np.array([[0.1, 0.7, 0.2], [0.1, 0.2, 0.7]])
    new = estimate(world.log, world.target, estimator="ips", rng=rng)
    old = estimate(world.log, other[world.kinds], estimator="ips", rng=rng)
    value, low, high = difference(new, old, world.log, rng=rng)
    assert value == pytest.approx(new.value - old.value)
    assert low < world.truth(world.new) - world.truth(other) < high
    assert high - low < (new.high - new.low) / 2


def test_arms_known_by_their_features_share_what_they_teach() -> None:
    rng = np.random.default_rng(2)
    arms = rng.integers(40, size=4000)
    features = np.linspace(-1, 1, 40)[:, None]
    rewards = features[arms, 0] + rng.normal(0, 1, 4000)
    nothing = np.zeros((4000, 1))
    shared = predict_rewards(
        nothing, arms, rewards, n_arms=40, arm_features=features, rng=np.random.default_rng(1)
    )
    alone = predict_rewards(nothing, arms, rewards, n_arms=40, rng=np.random.default_rng(1))
    error = [np.abs(said - features[:, 0]).mean() for said in (shared, alone)]
    assert error[0] < error[1] / 2


def test_each_place_has_a_model_of_its_own() -> None:
    rng = np.random.default_rng(4)
    places = rng.integers(2, size=2000)
    arms = rng.integers(2, size=2000)
    rewards = (arms == places) + rng.normal(0, 0.1, 2000)
    nothing = np.zeros((2000, 1))
    said = predict_rewards(
        nothing, arms, rewards, n_arms=2, strata=places, rng=np.random.default_rng(1)
    )
    np.testing.assert_allclose(said[places == 0].mean(axis=0), [1, 0], atol=0.05)
    np.testing.assert_allclose(said[places == 1].mean(axis=0), [0, 1], atol=0.05)


def test_folds_can_be_named_and_no_model_sees_its_own_row() -> None:
    """Whatever arm 0 brought in the other fold is expected of it in this one."""
    folds = np.array(["first"] * 20 + ["second"] * 20)
    rewards = np.where(folds == "first", 3.0, 7.0)
    said = predict_rewards(
        np.zeros((40, 1)),
        np.zeros(40, dtype=int),
        rewards,
        n_arms=1,
        folds=folds,
        rng=np.random.default_rng(1),
    )
    np.testing.assert_array_equal(said[:, 0], np.where(folds == "first", 7.0, 3.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_folds": 1}, "n_folds: 1; a model that has seen"),
        ({"folds": [0, 1]}, r"folds: shape \(2,\) for 3 decisions"),
        ({"strata": [0]}, r"strata: shape \(1,\) for 3 decisions"),
        ({"visitors": [0]}, r"visitors: shape \(1,\) for 3 decisions"),
        ({"model": "magic"}, "model: 'magic' is none of linear, trees"),
        ({"arm_features": [[1.0]]}, "arm_features: 1 rows for 2 arms"),
    ],
)
def test_models_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict_rewards(
            np.zeros((3, 1)),
            [0, 1, 0],
            np.zeros(3),
            n_arms=2,
            rng=np.random.default_rng(1),
            **options,
        )


@pytest.mark.parametrize("model", ["linear", "trees"])
def test_rewards_that_never_vary_are_expected(model: str) -> None:
    said = predict_rewards(
        np.zeros((9, 1)),
        np.arange(9) % 3,
        np.zeros(9),
        n_arms=3,
        model=model,
        rng=np.random.default_rng(1),
    )
    assert not said.any()


@pytest.mark.parametrize("estimator", WITH_MODEL)
def test_what_needs_a_model_says_so(world: World, estimator: str) -> None:
    with pytest.raises(ValueError, match=f"predicted: {estimator} needs"):
        estimate(world.log, world.target, estimator=estimator, rng=np.random.default_rng(0))


def test_logs_that_cannot_be_are_refused() -> None:
    arms, ones = np.zeros(2, dtype=np.int64), np.ones(2)
    with pytest.raises(ValueError, match="rewards: 1 of them for 2 arms"):
        Log(arms, ones, np.ones(1))
    with pytest.raises(ValueError, match="propensities: an arm that was shown"):
        Log(arms, np.array([0.5, 0.0]), ones)
    with pytest.raises(ValueError, match="propensities: no chance is above 1"):
        Log(arms, np.array([0.5, 1.5]), ones)
    with pytest.raises(ValueError, match="target: 1 rows for 2 decisions"):
        estimate(Log(arms, ones, ones), np.ones((1, 1)), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="log: it holds no decision"):
        estimate(Log(arms[:0], ones[:0], ones[:0]), np.ones((0, 1)), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="estimator: 'magic' is none of ips"):
        estimate(
            Log(arms, ones, ones), np.ones((2, 1)), estimator="magic", rng=np.random.default_rng(0)
        )


def test_a_log_judged_by_itself_earned_the_mean_of_its_rewards(world: World) -> None:
    found = as_shown(world.log, rng=np.random.default_rng(1), confidence=0.999)
    truth = (world.shown * world.chances)[world.kinds].sum(axis=1).mean()

    assert found.value == pytest.approx(world.log.rewards.mean())
    assert found.low < truth < found.high
    assert found.effective_n == len(world.log)
    assert difference(found, found, world.log, rng=np.random.default_rng(2))[0] == 0


def test_an_empty_log_earned_nothing_that_could_be_told() -> None:
    with pytest.raises(ValueError, match="no decision"):
        as_shown(Log(*[np.zeros(0)] * 3), rng=np.random.default_rng(1))
