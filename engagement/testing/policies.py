"""
What every bandit policy must do, as tests to inherit.

In the test suite of a project that has its own policy::

    from engagement.testing import PolicyTests

    class TestMine(PolicyTests):
        policy = Mine
        options = {"depth": 3}

``is_contextual`` and ``learns`` tell what the policy is. Rewards of its own kind, and
explanations, are asked of it as :class:`~engagement.learning.bandits.Policy` describes them.
"""

from __future__ import annotations

import io
import json
from typing import Any, ClassVar

import numpy as np
import pytest

from engagement.learning.bandits import Policy, State

N_ARMS, N_FEATURES = 4, 3


class PolicyTests:
    """Inherit, name the class in ``policy``, and pytest does the rest."""

    policy: ClassVar[type[Policy]]
    options: ClassVar[dict[str, Any]] = {}
    # Shows different arms in different contexts.
    is_contextual: ClassVar[bool] = True
    # Prefers what brought more.
    learns: ClassVar[bool] = True

    def make(self, **options: Any) -> Policy:
        return self.policy(**{**self.options, **options})

    def decisions(self, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a log where arm 1 pays where the first feature is high, arm 2 where it is low."""
        rng = np.random.default_rng(11)
        contexts = rng.choice([-1.0, 1.0], size=(n, N_FEATURES))
        arms = rng.integers(N_ARMS, size=n)
        chances = np.full(n, 0.1)
        chances[(arms == 1) & (contexts[:, 0] > 0)] = 0.9
        chances[(arms == 2) & (contexts[:, 0] < 0)] = 0.8 if self.is_contextual else 0.1
        return contexts, arms, (rng.random(n) < chances).astype(float)

    @pytest.fixture
    def taught(self) -> tuple[Policy, State]:
        policy = self.make()
        return policy, policy.update(policy.start(N_ARMS, N_FEATURES), *self.decisions())

    # -- probabilities ----------------------------------------------------------------------
    def test_every_row_is_a_distribution(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        for known in (state, policy.start(N_ARMS, N_FEATURES)):
            found = policy.probabilities(known, np.eye(N_FEATURES))
            assert found.shape == (N_FEATURES, N_ARMS)
            assert (found >= 0).all()
            np.testing.assert_allclose(found.sum(axis=1), 1)

    def test_who_knows_nothing_gives_every_arm_its_chance(self) -> None:
        policy = self.make()
        found = policy.probabilities(policy.start(N_ARMS, N_FEATURES), np.ones((1, N_FEATURES)))
        np.testing.assert_allclose(found, 1 / N_ARMS, atol=0.01)

    def test_what_is_not_allowed_is_never_shown(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        allowed = np.array([[True, False, True, True], [False, False, False, True]])
        found = policy.probabilities(state, np.ones((2, N_FEATURES)), allowed=allowed)
        assert (found[~allowed] == 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1)

    def test_where_no_arm_is_allowed_it_says_so(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        with pytest.raises(ValueError, match="allowed: no arm is left"):
            policy.probabilities(state, np.ones((1, N_FEATURES)), allowed=[False] * N_ARMS)

    def test_the_floor_is_added(self, taught: tuple[Policy, State]) -> None:
        if "floor" not in self.make().get_options():
            pytest.skip("has no floor")
        policy, state = taught
        contexts = np.ones((1, N_FEATURES))
        allowed = [True, True, True, False]
        without = policy.probabilities(state, contexts, allowed=allowed)[0]
        floored = self.make(floor=0.3).probabilities(state, contexts, allowed=allowed)[0]
        np.testing.assert_allclose(floored[:3], 0.7 * without[:3] + 0.1)
        assert floored[3] == 0

    def test_a_decision_can_be_replayed(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        contexts = np.ones((2, N_FEATURES))
        first = policy.probabilities(state, contexts)
        np.testing.assert_array_equal(policy.probabilities(state, contexts), first)
        alone = policy.probabilities(state, contexts[:1])
        np.testing.assert_allclose(alone[0], first[0], rtol=1e-9)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_contexts_that_are_no_numbers_are_refused(
        self, taught: tuple[Policy, State], bad: float
    ) -> None:
        policy, state = taught
        contexts = np.ones((1, N_FEATURES))
        contexts[0, 1] = bad
        with pytest.raises(ValueError, match="contexts: not all are finite"):
            policy.probabilities(state, contexts)
        with pytest.raises(ValueError, match="contexts: not all are finite"):
            policy.update(state, contexts, [0], [1.0])

    def test_works_without_any_context(self) -> None:
        policy = self.make()
        _, arms, rewards = self.decisions(60)
        state = policy.update(policy.start(N_ARMS), np.zeros((60, 0)), arms, rewards)
        np.testing.assert_allclose(policy.probabilities(state, np.zeros((2, 0))).sum(axis=1), 1)

    def test_says_whether_it_looks_at_the_context(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        one, other = policy.probabilities(state, [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
        assert policy.is_contextual is self.is_contextual
        assert np.allclose(one, other) is not self.is_contextual

    # -- learning ---------------------------------------------------------------------------
    def test_prefers_what_brought_more(self, taught: tuple[Policy, State]) -> None:
        if not self.learns:
            pytest.skip("does not learn")
        policy, state = taught
        high = policy.probabilities(state, [1.0, 0.0, 0.0])[0]
        assert high.argmax() == 1
        assert high[1] > 0.5
        if self.is_contextual:
            low = policy.probabilities(state, [-1.0, 0.0, 0.0])[0]
            assert low.argmax() == 2
            assert low[2] > 0.5

    def test_at_once_or_one_at_a_time_teaches_the_same(self) -> None:
        contexts, arms, rewards = self.decisions(60)
        policy = self.make()
        at_once = policy.update(policy.start(N_ARMS, N_FEATURES), contexts, arms, rewards)
        single = policy.start(N_ARMS, N_FEATURES)
        for i in range(60):
            single = policy.update(single, contexts[i : i + 1], arms[i : i + 1], rewards[i : i + 1])
        asked = np.eye(N_FEATURES)
        np.testing.assert_allclose(
            policy.probabilities(single, asked),
            policy.probabilities(at_once, asked),
            atol=1e-6,
        )

    def test_a_log_replayed_gives_the_same_state_however_it_is_cut(self) -> None:
        contexts, arms, rewards = self.decisions(300)
        policy = self.make()
        whole = policy.update(policy.start(N_ARMS, N_FEATURES), contexts, arms, rewards)
        parts = policy.start(N_ARMS, N_FEATURES)
        for some in np.split(np.arange(300), [1, 9, 10, 137, 137, 299]):
            parts = policy.update(parts, contexts[some], arms[some], rewards[some])
        assert parts.keys() == whole.keys()
        for name, array in whole.items():
            np.testing.assert_allclose(parts[name], array, atol=1e-6, rtol=1e-6, err_msg=name)

    def test_an_arm_that_never_brings_anything_is_left_for_others(self) -> None:
        """As «no offer» is where clicks are the reward."""
        if not self.learns:
            pytest.skip("does not learn")
        contexts, arms, rewards = self.decisions()
        rewards[arms == 3] = 0.0
        policy = self.make()
        state = policy.update(policy.start(N_ARMS, N_FEATURES), contexts, arms, rewards)
        found = policy.probabilities(state, contexts[:50])
        assert found[:, 3].max() < 1 / N_ARMS
        alone = policy.probabilities(state, contexts[:1], allowed=[False, False, False, True])
        np.testing.assert_array_equal(alone, [[0, 0, 0, 1]])

    def test_nobody_ever_clicks(self) -> None:
        policy = self.make()
        contexts, arms, _ = self.decisions()
        state = policy.update(policy.start(N_ARMS, N_FEATURES), contexts, arms, np.zeros(400))
        found = policy.probabilities(state, contexts[:20])
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert (found >= 0).all()

    def test_money_that_is_lost_is_learnt_from_or_refused(self) -> None:
        """Arm 0 sells often and loses each time, arm 1 sells at a profit, the others not at all."""
        policy = self.make()
        contexts, arms, _ = self.decisions()
        sold = np.arange(400) % 2 == 0
        rewards = np.where(sold, np.array([-4.0, 10.0, 0.0, 0.0])[arms], 0.0)
        state = policy.start(N_ARMS, N_FEATURES)
        if not policy.takes_money:
            with pytest.raises(ValueError, match="numbers from 0 to 1"):
                policy.update(state, contexts, arms, rewards)
            return
        state = policy.update(state, contexts, arms, rewards)
        if self.learns:
            found = policy.probabilities(state, contexts[:1])[0]
            assert found.argmax() == 1
            assert policy.explain(state, contexts[0]).expected.argmin() == 0

    # -- reasons ----------------------------------------------------------------------------
    def test_what_it_expects_adds_up(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        for known in (state, policy.start(N_ARMS, N_FEATURES)):
            told = policy.explain(known, [1.0, 0.0, -2.0])
            assert told.expected.shape == told.constant.shape == (N_ARMS,)
            assert told.parts.shape == (N_ARMS, N_FEATURES)
            assert np.isfinite(told.expected).all()
            score = told.constant + told.parts.sum(axis=1)
            if told.scale == "log-odds":
                amounts = 1.0 if told.amounts is None else told.amounts
                score = amounts / (1 + np.exp(-score))
            np.testing.assert_allclose(told.expected, score, atol=1e-12)

    def test_tells_which_feature_speaks_for_an_arm(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        told = policy.explain(state, [1.0, 0.0, 1.0])
        assert not told.parts[:, 1].any()
        if self.is_contextual:
            assert told.parts[1, 0] > 0 > told.parts[2, 0]
            assert abs(told.parts[1, 0]) > abs(told.parts[1, 2])
        else:
            assert not told.parts.any()

    def test_no_decisions_teach_nothing(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        same = policy.update(state, np.zeros((0, N_FEATURES)), [], [])
        for name, array in state.items():
            np.testing.assert_array_equal(same[name], array)

    def test_the_state_that_was_given_is_left_alone(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        before = {name: array.copy() for name, array in state.items()}
        policy.update(state, *self.decisions(20))
        policy.probabilities(state, np.ones((1, N_FEATURES)))
        for name, array in before.items():
            np.testing.assert_array_equal(state[name], array)

    @pytest.mark.parametrize(
        ("arms", "rewards", "message"),
        [
            ([0, 1], [1.0], "differ in length"),
            ([N_ARMS], [1.0], f"arms: {N_ARMS} is none"),
            ([-1], [1.0], "arms: -1 is none"),
            ([0], [float("nan")], "rewards: not all are finite"),
        ],
    )
    def test_decisions_that_do_not_fit_are_refused(
        self, arms: list[int], rewards: list[float], message: str
    ) -> None:
        policy = self.make()
        state = policy.start(N_ARMS, N_FEATURES)
        with pytest.raises(ValueError, match=message):
            policy.update(state, np.ones((len(arms), N_FEATURES)), arms, rewards)

    # -- what comes later -------------------------------------------------------------------
    def test_a_new_arm_gets_its_chance_and_the_old_keep_what_they_know(
        self, taught: tuple[Policy, State]
    ) -> None:
        policy, state = taught
        wide = policy.widen(state, N_ARMS + 1, N_FEATURES)
        asked = np.array([[1.0, 0.0, 0.0]])
        found = policy.probabilities(wide, asked)[0]
        assert len(found) == N_ARMS + 1
        old = policy.probabilities(wide, asked, allowed=[True] * N_ARMS + [False])
        np.testing.assert_allclose(old[0, :N_ARMS], policy.probabilities(state, asked)[0])
        more = policy.update(wide, *self.decisions(20))
        assert {name: array.shape for name, array in more.items()} == {
            name: array.shape for name, array in wide.items()
        }

    # -- storage ----------------------------------------------------------------------------
    def test_options_and_state_are_all_there_is(self, taught: tuple[Policy, State]) -> None:
        policy, state = taught
        options = policy.get_options()
        assert json.loads(json.dumps(options)) == options
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **state)
        file.seek(0)
        stored = np.load(file, allow_pickle=False)
        again = self.policy(**options)
        np.testing.assert_array_equal(
            again.probabilities(dict(stored), np.eye(N_FEATURES)),
            policy.probabilities(state, np.eye(N_FEATURES)),
        )

    def test_the_global_random_state_is_left_alone(self) -> None:
        np.random.seed(5)  # noqa: NPY002
        expected = np.random.random()  # noqa: NPY002
        np.random.seed(5)  # noqa: NPY002
        policy = self.make()
        state = policy.update(policy.start(N_ARMS, N_FEATURES), *self.decisions(20))
        policy.probabilities(state, np.ones((1, N_FEATURES)))
        assert np.random.random() == expected  # noqa: NPY002
