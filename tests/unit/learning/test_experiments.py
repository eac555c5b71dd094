from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bandits.hold_out import alarms
from engagement.learning.experiments import (
    Moments,
    assign,
    effect,
    position,
    positions,
    sample_ratio,
)

KEYS = [f"v{i}" for i in range(20_000)]


class TestAssignment:
    def test_is_the_same_for_ever(self) -> None:
        """A change here would move visitors of running experiments: these numbers stay."""
        assert position("a1b2", "home") == pytest.approx(0.0100161562, abs=1e-9)
        assert [assign(key, "home", [1, 1]) for key in KEYS[:8]] == [0, 1, 0, 1, 1, 1, 1, 0]

    def test_is_even(self) -> None:
        found = positions(KEYS, "home")
        assert 0 <= found.min() < found.max() < 1
        counts, _ = np.histogram(found, bins=20, range=(0, 1))
        assert counts.min() > 850
        assert counts.max() < 1150

    def test_experiments_do_not_follow_each_other(self) -> None:
        one, two = positions(KEYS, "home"), positions(KEYS, "cart")
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.03

    def test_variants_get_their_weights(self) -> None:
        found = [assign(key, "x", [3, 0, 1]) for key in KEYS]
        shares = np.bincount(found, minlength=3) / len(KEYS)
        np.testing.assert_allclose(shares, [0.75, 0, 0.25], atol=0.01)

    def test_letting_more_visitors_in_moves_nobody(self) -> None:
        few = {key: assign(key, "x", [1, 1], share=0.2) for key in KEYS}
        many = {key: assign(key, "x", [1, 1], share=0.6) for key in KEYS}
        inside = [key for key, variant in few.items() if variant is not None]
        assert 0.18 < len(inside) / len(KEYS) < 0.22
        assert all(few[key] == many[key] for key in inside)

    @pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
    def test_weights_that_are_none_are_refused(self, weights: list[float]) -> None:
        with pytest.raises(ValueError, match=r"weights: .* share out nothing"):
            assign("v", "x", weights)


class TestMoments:
    def test_parts_add_up_to_the_whole(self) -> None:
        rng = np.random.default_rng(1)
        y, x = rng.normal(5, 2, 500), rng.normal(1, 3, 500)
        whole = Moments.of(y, x)
        parts = Moments.of(y[:100], x[:100]) + Moments.of(y[100:], x[100:])
        assert parts.mean == pytest.approx(whole.mean) == pytest.approx(y.mean())
        assert parts.variance == pytest.approx(y.var(ddof=1))
        assert parts.covariance == pytest.approx(np.cov(x, y)[0, 1])

    def test_a_negative_link_is_one_too(self) -> None:
        x = np.arange(10.0)
        assert Moments.of(-x, x).covariance == pytest.approx(-np.var(x, ddof=1))

    def test_lengths_must_fit(self) -> None:
        with pytest.raises(ValueError, match="before: 1 values for 2 outcomes"):
            Moments.of([1, 2], [1])


def two(n: int, lift: float, seed: int, link: float = 0.0) -> tuple[Moments, Moments]:
    rng = np.random.default_rng(seed)
    before = rng.normal(10, 3, 2 * n)
    y = 20 + link * (before - 10) + rng.normal(0, 3, 2 * n)
    y[n:] += lift
    return Moments.of(y[:n], before[:n]), Moments.of(y[n:], before[n:])


class TestEffects:
    def test_tells_what_the_variant_does(self) -> None:
        found = effect(*two(20_000, 1.0, seed=1))
        assert found.low < 1.0 < found.high
        assert found.is_better
        assert not found.is_worse
        assert found.relative == pytest.approx(0.05, abs=0.005)
        assert found.relative_low < 0.05 < found.relative_high
        assert (found.n_control, found.n_variant) == (20_000, 20_000)
        assert effect(*reversed(two(20_000, 1.0, seed=1))).is_worse

    def test_what_was_known_before_is_taken_off(self) -> None:
        control, variant = two(5000, 0.5, seed=2, link=2.0)
        plain = effect(control, variant, cuped=False)
        sharp = effect(control, variant)
        assert sharp.reduction == pytest.approx(0.8, abs=0.03)
        assert (sharp.high - sharp.low) < 0.5 * (plain.high - plain.low)
        assert sharp.low < 0.5 < sharp.high
        assert plain.reduction == pytest.approx(0)

    def test_what_says_nothing_changes_nothing(self) -> None:
        control, variant = two(5000, 0.5, seed=3)
        blind = effect(
            Moments(control.n, control.y, control.yy), Moments(variant.n, variant.y, variant.yy)
        )
        assert blind.value == effect(control, variant, cuped=False).value
        assert blind.reduction == pytest.approx(0)

    @pytest.mark.parametrize(
        ("share", "chance", "usual"), [(0.5, 0.1, 0.2), (0.1, 0.01, 0.0)], ids=["half", "tenth"]
    )
    def test_looking_at_every_step_raises_few_false_alarms(
        self, share: float, chance: float, usual: float
    ) -> None:
        """A thousand experiments without any effect, looked at after every visitor."""
        rng = np.random.default_rng(7)
        found = [alarms(rng, share, chance, 0.0, 2500) for _ in range(1000)]
        always, once = np.mean(found, axis=0)
        assert always <= 0.05
        assert once > usual  # What the usual interval does to those who peek.

    def test_a_small_variant_without_orders_is_not_known_exactly(self) -> None:
        nobody = Moments.of(np.zeros(150))
        some = Moments.of(np.arange(3000) % 50 == 0)
        assert not effect(nobody, some, always_valid=False).is_better
        assert effect(Moments.of(np.zeros(3000)), some).is_better

    def test_half_the_loss_is_better_in_shares_too(self) -> None:
        rng = np.random.default_rng(5)
        loss, half = rng.normal(-2, 1, 500), rng.normal(-1, 1, 500)
        found = effect(Moments.of(loss), Moments.of(half))
        assert found.is_better
        assert found.relative == pytest.approx(0.5, abs=0.1)
        assert 0 < found.relative_low < found.relative < found.relative_high

    def test_the_interval_for_one_look_is_the_usual_one(self) -> None:
        control, variant = two(1000, 0.0, seed=4)
        fixed = effect(control, variant, always_valid=False, cuped=False)
        error = np.sqrt(control.variance / 1000 + variant.variance / 1000)
        assert fixed.high - fixed.value == pytest.approx(1.96 * error, rel=0.05)
        assert effect(control, variant, cuped=False).high > fixed.high

    def test_of_few_nothing_is_said(self) -> None:
        found = effect(*two(99, 50.0, seed=5))
        assert found.low == -np.inf
        assert not found.is_better
        nobody = effect(Moments(), Moments())
        assert np.isnan(nobody.value)
        assert not nobody.is_better
        assert not nobody.is_worse


class TestRatio:
    def test_what_is_as_intended(self) -> None:
        found = sample_ratio([50_120, 49_880], [1, 1])
        assert found.p_value > 0.05
        assert not found.is_broken()

    def test_what_is_not(self) -> None:
        found = sample_ratio([52_000, 48_000], [1, 1])
        assert found.is_broken()
        assert found.p_value < 1e-9
        assert found.expected == (50_000, 50_000)

    def test_looking_every_day_raises_few_alarms(self) -> None:
        rng = np.random.default_rng(3)
        alarms = 0
        for _ in range(200):
            counts = np.cumsum(rng.multinomial(800, [0.9, 0.1], size=30), axis=0)
            alarms += any(sample_ratio(day, [9, 1]).is_broken(0.05) for day in counts)
        assert alarms / 200 <= 0.05

    def test_nobody_yet(self) -> None:
        assert not sample_ratio([0, 0], [1, 1]).is_broken()

    def test_weights_must_fit(self) -> None:
        with pytest.raises(ValueError, match="weights: one above 0"):
            sample_ratio([1, 2], [1])
