from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders import BoughtTogether
from engagement.learning.recommenders.ranking import top_n
from engagement.learning.recommenders.together import log_likelihood_ratio, wilson_lower

MILK, PASTA, SAUCE, PHONE, CASE, RARE, RARER = range(7)


def shop(baskets: list[list[int]]) -> Interactions:
    """Each basket is in the order in which its items were taken."""
    rows = np.repeat(np.arange(len(baskets)), [len(basket) for basket in baskets])
    columns = np.array([item for basket in baskets for item in basket])
    n = len(columns)
    return Interactions(
        rows.astype(np.int32),
        columns.astype(np.int32),
        np.arange(n, dtype=np.int64),
        np.ones(n, dtype=np.float32),
        len(baskets),
        7,
    )


def grocery() -> list[list[int]]:
    """Milk is in most baskets, whatever else; sauce goes with pasta; two rarities met twice."""
    baskets = [[MILK]] * 60 + [[MILK, PASTA, SAUCE]] * 15 + [[PASTA, SAUCE]] * 15
    baskets += [[PASTA, MILK]] * 10 + [[MILK, SAUCE]] * 3
    return [*baskets, *[[RARE, RARER]] * 2, *[[PHONE]] * 20]


def best(model: BoughtTogether, item: int, n: int = 3) -> list[int]:
    return top_n(model.score(Histories.of([item]))[0], n).tolist()


def test_what_goes_with_it_beyond_chance_and_not_what_everybody_buys() -> None:
    model = BoughtTogether(directed=False).fit(shop(grocery()))
    assert best(model, PASTA) == [SAUCE]
    assert best(model, SAUCE) == [PASTA]
    assert best(model, MILK) == []


def test_two_baskets_are_no_proof() -> None:
    log = shop(grocery())
    assert best(BoughtTogether(directed=False).fit(log), RARE) == []
    assert best(BoughtTogether(directed=False, min_baskets=2).fit(log), RARE) == [RARER]


def test_chance_alone_makes_no_rules() -> None:
    rng = np.random.default_rng(5)
    baskets = [rng.choice(7, 2, replace=False).tolist() for _ in range(2000)]
    model = BoughtTogether(significance=1e-4, directed=False).fit(shop(baskets))
    assert model.weights_.nnz == 0


def test_a_case_follows_a_phone_and_no_phone_a_case() -> None:
    baskets = [[PHONE, CASE]] * 12 + [[CASE, PHONE]] + [[MILK]] * 60 + [[PHONE]] * 10
    log = shop(baskets)
    either = BoughtTogether(directed=False).fit(log).weights_
    model = BoughtTogether().fit(log)
    assert model.weights_[PHONE, CASE] == either[PHONE, CASE]
    assert model.weights_[CASE, PHONE] == pytest.approx(either[CASE, PHONE] * 2 / 13)


def test_without_an_order_in_time_rules_hold_both_ways() -> None:
    log = shop([[PHONE, CASE]] * 12 + [[MILK]] * 60)
    once = Interactions(
        log.rows, log.columns, np.zeros_like(log.moments), log.weights, log.n_rows, 7
    )
    model = BoughtTogether().fit(once)
    assert best(model, CASE) == [PHONE]
    assert best(model, PHONE) == [CASE]


def test_the_order_of_a_repeated_item_is_that_of_its_first_time() -> None:
    baskets = [[PHONE, CASE, PHONE, PHONE]] * 12 + [[MILK]] * 60
    model = BoughtTogether().fit(shop(baskets))
    assert best(model, PHONE) == [CASE]
    assert best(model, CASE) == []


def test_the_basket_of_a_trader_says_nothing() -> None:
    log = shop([[MILK, PASTA, SAUCE, PHONE, CASE, RARE, RARER]] * 9 + [[MILK]] * 9)
    assert BoughtTogether(directed=False).fit(log).weights_.nnz > 0
    assert BoughtTogether(directed=False, max_basket=6).fit(log).weights_.nnz == 0


def test_damping_leads_from_best_sellers_to_rarities() -> None:
    baskets = [[MILK, PASTA]] * 40 + [[MILK]] * 30 + [[PASTA, RARE]] * 12 + [[CASE]] * 100
    log = shop(baskets)
    assert best(BoughtTogether(damping=0, directed=False).fit(log), PASTA)[0] == MILK
    assert best(BoughtTogether(damping=1, directed=False).fit(log), PASTA)[0] == RARE


def test_figures_of_the_literature() -> None:
    """Dunning's example (1993, table 5 form) by SciPy's own G test; Wilson's interval by hand."""
    from scipy.stats import chi2_contingency

    both, first, second, total = 110.0, 2552.0, 221.0, 31777.0
    table = [[both, first - both], [second - both, total - first - second + both]]
    expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    found = log_likelihood_ratio(*(np.array([x]) for x in (both, first, second)), total)
    assert found[0] == pytest.approx(expected)
    assert wilson_lower(np.array([0.0]), np.array([10.0]))[0] == pytest.approx(0)
    assert wilson_lower(np.array([8.0]), np.array([10.0]))[0] == pytest.approx(0.541, abs=0.001)


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="significance must lie between 0 and 1"):
        BoughtTogether(significance=5)
