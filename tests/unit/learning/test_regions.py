from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import PopularInRegion
from engagement.learning.recommenders.content import text_features
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.ranking import top_n

TEAS, COFFEES, NOWHERE = [0, 1, 2], [3, 4, 5], 6
CATEGORIES = np.array([0, 0, 0, 1, 1, 1, -1], dtype=np.int32)


def shop() -> Interactions:
    """Tea 1 and coffee 5 lead; tea 2 led long ago; item 6 outsells all and is in no category."""
    now, ago = 100 * DAY, 10 * DAY
    sold = {0: [now], 1: [now] * 3, 2: [ago] * 9, 3: [now], 4: [now] * 2, 5: [now] * 4}
    sold[NOWHERE] = [now] * 20
    columns = [item for item, moments in sold.items() for _ in moments]
    moments = [moment for moments in sold.values() for moment in moments]
    n = len(columns)
    return Interactions(
        np.arange(n, dtype=np.int32),
        np.array(columns, dtype=np.int32),
        np.array(moments, dtype=np.int64),
        np.ones(n, dtype=np.float32),
        n,
        7,
    )


def fitted(**options: object) -> PopularInRegion:
    return PopularInRegion(**options).fit(shop(), catalogue=Catalogue(categories=CATEGORIES))


def asked(*columns: int) -> Histories:
    return Histories.of(columns, moments=[100 * DAY] * len(columns), now=100 * DAY)


def test_shows_what_sells_now_where_the_visitor_is() -> None:
    scores = fitted().score(asked(0))[0]
    assert top_n(scores, 7).tolist() == [1, 0]
    assert top_n(fitted(window_days=None, half_life_days=None).score(asked(0))[0], 1) == [2]


def test_is_a_probability() -> None:
    scores = fitted().score(asked(0, 0, 0, 4))[0]
    assert scores.sum() == pytest.approx(1)
    assert scores[TEAS].sum() == pytest.approx(0.75)
    assert scores[COFFEES].sum() == pytest.approx(0.25)


def test_later_events_say_more_about_where_the_visitor_moves() -> None:
    model = fitted(history_half_life_days=10)
    history = Histories.of([0, 3], moments=[80 * DAY, 100 * DAY], now=100 * DAY)
    scores = model.score(history)[0]
    assert scores[COFFEES].sum() == pytest.approx(0.8)


def test_items_without_a_category_are_neither_shown_nor_a_sign() -> None:
    assert not fitted().score(asked(NOWHERE)).any()
    assert fitted().score(asked(0, 3))[0, NOWHERE] == 0


def test_texts_make_regions_where_there_are_no_categories() -> None:
    titles = ["green tea", "black tea", "white tea", "roast coffee", "iced coffee", "coffee", ""]
    catalogue = Catalogue(texts=text_features(titles))
    model = PopularInRegion(n_regions=2).fit(
        shop(), catalogue=catalogue, rng=np.random.default_rng(1)
    )
    assert top_n(model.score(asked(0))[0], 7).tolist() == [1, 0]
    assert top_n(model.score(asked(4))[0], 1).tolist() == [5]


def test_without_what_was_asked_for_it_is_silent() -> None:
    model = PopularInRegion(regions="category").fit(shop())
    assert not model.score(asked(0)).any()


def test_other_regions_are_refused() -> None:
    with pytest.raises(ValueError, match="regions \\('city'\\) is none of auto"):
        PopularInRegion(regions="city")
