"""What holds of every estimate, whatever the log: found out by logs that nobody would think of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.learning.evaluation.off_policy import ESTIMATORS, Estimate, Log, estimate
from engagement.learning.evaluation.reward_model import predict_rewards

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


class Made:
    """A log of some decisions among some arms; rewards may be below 0, propensities tiny."""

    def __init__(self, seed: int, *, n_arms: int | None = None, least: float = 1e-9) -> None:
        rng = np.random.default_rng(seed)
        self.n, k = int(rng.integers(1, 40)), n_arms or int(rng.integers(1, 5))
        shown = np.maximum(rng.dirichlet(np.full(k, 0.3), self.n), least)
        self.shown = shown / shown.sum(axis=1, keepdims=True)
        self.target = rng.dirichlet(np.full(k, 0.3), self.n)
        arms = (rng.random((self.n, 1)) > self.shown.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
        rewards = rng.choice([0.0, 0.0, 1.0, -3.5, 120.0], size=self.n)
        self.log = Log(arms, self.shown[np.arange(self.n), arms], rewards)
        self.predicted = rng.normal(size=(self.n, k))

    def judged(self, name: str, **changed: object) -> Estimate:
        given = {"target": self.target, "predicted": self.predicted, "log": self.log} | changed
        return estimate(
            given["log"],
            given["target"],
            estimator=name,
            predicted=given["predicted"],
            rng=np.random.default_rng(0),
        )


@few
@given(seeds, st.sampled_from(ESTIMATORS), st.sampled_from([1e-12, 1e-3, 0.1]))
def test_what_comes_out_makes_sense(seed: int, name: str, least: float) -> None:
    made = Made(seed, least=least)
    found = made.judged(name)
    assert np.isfinite(found.value)
    assert found.low <= found.high
    assert 0 <= found.effective_n <= made.n + 1e-6
    assert found.max_weight >= found.mean_weight >= 0
    assert found.parts.mean() == pytest.approx(found.value, rel=1e-6, abs=1e-6)
    if made.n == 1:
        assert (found.low, found.high) == (-np.inf, np.inf)


@few
@given(seeds, st.sampled_from(["ips", "snips"]))
def test_who_made_the_log_earned_what_it_says(seed: int, name: str) -> None:
    made = Made(seed)
    found = made.judged(name, target=made.shown)
    assert found.value == pytest.approx(made.log.rewards.mean())
    assert found.effective_n == pytest.approx(made.n)
    assert found.mean_weight == pytest.approx(1)


@few
@given(seeds, st.sampled_from(ESTIMATORS), st.floats(0.01, 1000))
def test_in_cents_it_is_a_hundred_times_as_much(seed: int, name: str, rate: float) -> None:
    made = Made(seed)
    found, other = (
        made.judged(name),
        made.judged(
            name,
            log=replace(made.log, rewards=rate * made.log.rewards),
            predicted=rate * made.predicted,
        ),
    )
    for one, two in ((found.value, other.value), (found.low, other.low), (found.high, other.high)):
        assert two == pytest.approx(rate * one, rel=1e-6, abs=1e-6 * rate)


@few
@given(seeds, st.sampled_from(["snips", "dm", "dr", "sndr", "switch_dr"]))
def test_what_everybody_gets_on_top_everybody_gets(seed: int, name: str) -> None:
    """Not so with IPS, which takes for granted that weights are 1 in the mean."""
    made = Made(seed, least=0.05)
    more = made.judged(
        name,
        log=replace(made.log, rewards=made.log.rewards + 7),
        predicted=made.predicted + 7,
    )
    found = made.judged(name)
    if found.effective_n > 0:
        assert more.value == pytest.approx(found.value + 7, rel=1e-6, abs=1e-6)


@few
@given(seeds)
def test_normalised_it_is_never_more_than_the_best_decision_brought(seed: int) -> None:
    made = Made(seed)
    found = made.judged("snips")
    if found.effective_n > 0:
        low, high = made.log.rewards.min(), made.log.rewards.max()
        assert low - 1e-9 <= found.value <= high + 1e-9
        if np.isfinite(found.low):
            assert low - 1e-9 <= found.low <= found.high <= high + 1e-9


@few
@given(seeds, st.sampled_from(ESTIMATORS))
def test_with_one_arm_nothing_is_left_to_judge(seed: int, name: str) -> None:
    made = Made(seed, n_arms=1)
    found = made.judged(name, predicted=np.repeat(made.log.rewards[:, None], 1, axis=1))
    assert found.value == pytest.approx(made.log.rewards.mean())


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"dm"}))
def test_of_what_the_log_never_showed_it_says_nothing(name: str) -> None:
    """Losing nothing would look like a policy that is better than one that loses a little."""
    log = Log(np.zeros(50, dtype=np.int64), np.full(50, 0.5), np.full(50, -1.0))
    found = estimate(
        log,
        np.tile([0.0, 1.0], (50, 1)),
        estimator=name,
        predicted=np.zeros((50, 2)),
        rng=np.random.default_rng(0),
    )
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert found.effective_n == found.mean_weight == 0


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_expectations_stay_within_what_was_seen_of_yes_and_no(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(0, 12)), int(rng.integers(1, 4))
    rewards = rng.integers(2, size=n).astype(float)
    said = predict_rewards(
        rng.normal(size=(n, 2)),
        rng.integers(k, size=n),
        rewards,
        n_arms=k,
        visitors=rng.integers(4, size=n),
        rng=rng,
    )
    assert said.shape == (n, k)
    assert ((said >= 0) & (said <= 1)).all()
