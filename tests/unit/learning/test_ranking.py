import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engagement.learning.evaluation.metrics import best_of_each
from engagement.learning.recommenders.ranking import calibrate, diversify, spread, top_n

# Few distinct values, so that ties are common.
scores_of = st.integers(0, 40).flatmap(
    lambda n: arrays(np.float32, n, elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 3.5]))
)


@given(scores_of, st.integers(0, 50), st.lists(st.integers(-3, 45)))
def test_top_n_is_the_sorted_list_cut_off(scores, n, exclude):
    expected = [
        position
        for position in sorted(range(len(scores)), key=lambda i: (-scores[i], i))
        if scores[position] > 0 and position not in exclude
    ][:n]
    assert top_n(scores, n, exclude=exclude).tolist() == expected


@given(scores_of, st.integers(1, 50))
def test_a_mask_excludes_as_positions_do(scores, n):
    mask = np.arange(len(scores)) % 3 == 0
    np.testing.assert_array_equal(
        top_n(scores, n, exclude=mask), top_n(scores, n, exclude=np.flatnonzero(mask))
    )


def test_top_n_leaves_the_scores_alone():
    scores = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    scores.flags.writeable = False
    assert top_n(scores, 2, exclude=[2]).tolist() == [1, 0]


@given(
    st.tuples(st.integers(0, 6), st.integers(0, 12)).flatmap(
        lambda shape: arrays(
            np.float32, shape, elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0])
        )
    ),
    st.integers(1, 8),
)
def test_the_best_of_many_rows_are_the_best_of_each(scores, k):
    best = best_of_each(scores, k)
    assert best.shape == (len(scores), k)
    for row, found in zip(scores, best, strict=True):
        expected = top_n(row, k).tolist()
        assert found.tolist() == expected + [-1] * (k - len(expected))


shelves = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, n, elements=st.floats(0.125, 9.0, width=32)),
        arrays(np.int64, n, elements=st.integers(-1, 4)),
    )
)


@given(shelves, st.floats(0, 1), st.integers(0, 25))
def test_diversity_reorders_and_invents_nothing(shelf, strength, n):
    scores, categories = shelf
    ranked = top_n(scores, len(scores))
    mixed = diversify(ranked, scores, categories, strength, n)
    assert len(mixed) == min(n, len(ranked))
    assert len(set(mixed.tolist())) == len(mixed)
    assert set(mixed.tolist()) <= set(ranked.tolist())
    if n:
        assert mixed[0] == ranked[0]


@given(shelves, st.integers(0, 25))
def test_without_strength_the_order_stays(shelf, n):
    scores, categories = shelf
    ranked = top_n(scores, len(scores))
    np.testing.assert_array_equal(diversify(ranked, scores, categories, 0.0, n), ranked[:n])


@given(shelves)
def test_at_full_strength_no_category_repeats_while_another_is_left(shelf):
    scores, categories = shelf
    ranked = top_n(scores, len(scores))
    mixed = diversify(ranked, scores, categories, 1.0, len(ranked))
    codes = categories[mixed].tolist()
    for place, code in enumerate(codes):
        later = {other for other in codes[place:] if other not in codes[:place] or other < 0}
        if code >= 0 and code in codes[:place]:
            assert not later


def test_a_little_diversity_lifts_the_next_category():
    scores = np.array([1.0, 0.95, 0.9, 0.85, 0.1], dtype=np.float32)
    categories = np.array([0, 0, 0, 1, 1])
    assert diversify(np.arange(5), scores, categories, 0.3, 3).tolist() == [0, 3, 1]


def lone(n):
    """Items that have nothing in common."""
    return np.eye(n)


class TestSpread:
    def test_without_strength_the_order_stays(self):
        scores = np.array([1.0, 3.0, 2.0])
        assert spread(scores, lone(3), 0.0, 3).tolist() == [1, 2, 0]

    def test_items_that_differ_keep_their_order(self):
        scores = np.array([1.0, 3.0, 2.0])
        assert spread(scores, lone(3), 0.5, 3).tolist() == [1, 2, 0]

    def test_a_copy_of_the_best_comes_last(self):
        scores = np.array([3.0, 2.9, 1.0])
        features = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        assert spread(scores, features, 0.5, 3).tolist() == [0, 2, 1]

    @given(shelves, st.floats(0.01, 1), st.integers(0, 25))
    def test_it_reorders_and_invents_nothing(self, shelf, strength, n):
        scores, categories = shelf
        features = np.eye(6)[categories]
        mixed = spread(scores, features, strength, n)
        assert len(mixed) == min(n, len(scores))
        assert len(set(mixed.tolist())) == len(mixed)

    @given(shelves, st.floats(0.05, 1))
    def test_each_item_adds_the_most_volume(self, shelf, strength):
        scores, categories = shelf
        # No two items are the same: every set spans a volume.
        features = np.eye(6)[categories]
        features = np.concatenate([features, np.eye(len(scores))], axis=1) / np.sqrt(2)
        chosen = spread(scores, features, strength, 4).tolist()
        span = scores.max() - scores.min()
        relevance = (scores - scores.min()) / span if span > 0 else np.zeros(len(scores))
        quality = np.exp(min((1 - strength) / strength, 10) * relevance.astype(float))
        kernel = quality[:, None] * (features @ features.T) * quality
        for place in range(1, len(chosen)):
            before, one = chosen[:place], chosen[place]
            volumes = {
                item: np.linalg.slogdet(kernel[np.ix_([*before, item], [*before, item])])[1]
                for item in range(len(scores))
                if item not in before
            }
            assert volumes[one] >= max(volumes.values()) - 1e-6


class TestCalibrate:
    def test_the_list_has_the_mix_that_is_asked_for(self):
        scores = np.linspace(2, 1, 20)
        categories = np.repeat([0, 1], 10)
        chosen = calibrate(scores, categories, np.array([0.5, 0.5]), 0.9, 6)
        assert sorted(categories[chosen].tolist()) == [0, 0, 0, 1, 1, 1]
        assert chosen[0] == 0

    def test_within_a_category_the_best_come_first(self):
        scores = np.array([1.0, 2.0, 3.0, 2.5])
        categories = np.array([0, 0, 1, 1])
        chosen = calibrate(scores, categories, np.array([1.0, 0.0]), 1.0, 2)
        assert chosen.tolist() == [1, 0]

    def test_without_a_target_the_order_stays(self):
        scores = np.array([1.0, 3.0, 2.0])
        assert calibrate(scores, np.array([0, 0, 1]), np.zeros(2), 0.9, 3).tolist() == [1, 2, 0]

    @given(shelves, st.floats(0, 1), st.integers(0, 25))
    def test_it_reorders_and_invents_nothing(self, shelf, strength, n):
        scores, categories = shelf
        target = np.array([0.5, 0.3, 0.2, 0.0, 0.0])
        chosen = calibrate(scores, categories, target, strength, n)
        assert len(chosen) == min(n, len(scores))
        assert len(set(chosen.tolist())) == len(chosen)
