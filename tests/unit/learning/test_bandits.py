from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.bandits import (
    UCB1,
    BetaThompson,
    EpsilonGreedy,
    HurdleThompson,
    LinearThompson,
    LinUCB,
    LogisticThompson,
    Policy,
    Uniform,
)
from engagement.learning.bandits.best import best_of_betas, best_of_normals
from engagement.testing.policies import PolicyTests


class TestUniform(PolicyTests):
    policy = Uniform
    is_contextual = False
    learns = False


class TestEpsilonGreedy(PolicyTests):
    policy = EpsilonGreedy
    is_contextual = False


class TestUCB1(PolicyTests):
    policy = UCB1
    options = {"width": 0.2}
    is_contextual = False


class TestBetaThompson(PolicyTests):
    policy = BetaThompson
    is_contextual = False


class TestBetaThompsonThatForgets(PolicyTests):
    policy = BetaThompson
    options = {"discount": 0.99}
    is_contextual = False


class TestLinUCB(PolicyTests):
    policy = LinUCB


class TestLinearThompson(PolicyTests):
    policy = LinearThompson


class TestLinearThompsonThatForgets(PolicyTests):
    policy = LinearThompson
    options = {"discount": 0.995, "pooled": False}


class TestLogisticThompson(PolicyTests):
    policy = LogisticThompson
    options = {"slope_variance": 1.0}


class TestLogisticThompsonThatForgets(PolicyTests):
    policy = LogisticThompson
    options = {"discount": 0.999, "pooled": False, "slope_variance": 1.0}


class TestHurdleThompson(PolicyTests):
    policy = HurdleThompson
    options = {"slope_variance": 1.0}


EVERYBODY = np.ones((1, 5), dtype=bool)


@pytest.mark.parametrize("seed", range(6))
def test_the_chance_to_be_best_is_what_drawing_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    means, deviations = rng.normal(size=5), 10 ** rng.uniform(-1, 0.5, 5)
    drawn = rng.normal(means, deviations, (100_000, 5)).argmax(axis=1)
    expected = np.bincount(drawn, minlength=5) / 100_000
    found = best_of_normals(means[None], deviations[None], EVERYBODY)[0]
    np.testing.assert_allclose(found, expected, atol=0.03)
    wins, losses = rng.integers(1, 60, 5).astype(float), rng.integers(1, 900, 5).astype(float)
    drawn = rng.beta(wins, losses, (100_000, 5)).argmax(axis=1)
    expected = np.bincount(drawn, minlength=5) / 100_000
    found = best_of_betas(wins, losses, EVERYBODY[0])
    np.testing.assert_allclose(found, expected, atol=0.015)


def test_beliefs_that_are_certain_or_equal() -> None:
    sure = best_of_normals(np.array([[1.0, 2.0, 0.0]]), np.zeros((1, 3)), np.ones((1, 3), bool))
    np.testing.assert_allclose(sure, [[0, 1, 0]], atol=1e-6)
    equal = best_of_normals(np.zeros((1, 3)), np.ones((1, 3)), np.ones((1, 3), bool))
    np.testing.assert_allclose(equal, 1 / 3, atol=1e-6)
    one = best_of_betas(np.array([2.0, 9.0]), np.array([5.0, 1.0]), np.array([True, False]))
    np.testing.assert_array_equal(one, [1, 0])


def regret(policy: Policy, *, change_at: int | None, rounds: int = 3000, seed: int = 0) -> float:
    """Return the mean regret a round in a world of three arms, the last fifth of it."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(3, 2))
    state = policy.start(3, 2)
    lost = []
    for start in range(0, rounds, 20):
        if change_at is not None and start == change_at:
            truth = -truth
        contexts = rng.normal(size=(20, 2))
        means = 1 / (1 + np.exp(-2 * contexts @ truth.T))
        chances = policy.probabilities(state, contexts)
        arms = (rng.random((20, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(max=2)
        picked = means[np.arange(20), arms]
        lost.append((means.max(axis=1) - picked).mean())
        state = policy.update(state, contexts, arms, (rng.random(20) < picked).astype(float))
    return float(np.mean(lost[-len(lost) // 5 :]))


@pytest.mark.parametrize(
    "policy",
    [LinearThompson(), LinUCB(), LogisticThompson()],
    ids=lambda policy: type(policy).__name__,
)
def test_contexts_pay(policy: Policy) -> None:
    blind = regret(BetaThompson(), change_at=None)
    assert regret(policy, change_at=None) < blind / 4


@pytest.mark.parametrize("kind", [LinearThompson, LogisticThompson])
def test_who_forgets_follows_a_change_of_taste(kind: type[Policy]) -> None:
    stubborn = regret(kind(), change_at=2000)
    assert regret(kind(discount=0.995), change_at=2000) < stubborn / 2


def test_offers_learn_from_each_other_what_they_have_in_common() -> None:
    """Arm 3 was never shown: that visitors of the first kind buy, it knows from the others."""
    rng = np.random.default_rng(1)
    contexts = rng.choice([0.0, 1.0], size=(900, 1))
    arms = rng.integers(3, size=900)
    rewards = contexts[:, 0] + rng.normal(0, 0.1, 900)
    policy = LinearThompson()
    state = policy.update(policy.start(4, 1), contexts, arms, rewards)
    means, _ = policy.beliefs(state, np.array([[1.0], [0.0]]))
    np.testing.assert_allclose(means[:, 3], [1, 0], atol=0.1)
    alone = LinearThompson(pooled=False)
    state = alone.update(alone.start(4, 1), contexts, arms, rewards)
    assert not alone.beliefs(state, np.array([[1.0]]))[0][0, 3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BetaThompson(wins=0), "wins and losses of the prior must be above 0"),
        (lambda: BetaThompson(discount=0), "discount must lie above 0"),
        (lambda: EpsilonGreedy(epsilon=2), "epsilon must lie between 0 and 1"),
        (lambda: LinUCB(floor=-1), "floor must lie between 0 and 1"),
    ],
    ids=["prior", "discount", "epsilon", "floor"],
)
def test_options_that_make_no_sense_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [BetaThompson, LogisticThompson])
def test_money_is_no_chance(kind: type[Policy]) -> None:
    policy = kind()
    with pytest.raises(ValueError, match="numbers from 0 to 1"):
        policy.update(policy.start(2, 1), [[1.0]], [0], [12.5])
