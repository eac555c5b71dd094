"""What the ranker is told about an item, a visitor and the two together."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.interactions import DAY, Interactions
from engagement.learning.recommenders.features import (
    ITEM,
    NEVER,
    PAIR,
    VISITOR,
    candidate_features,
    item_features,
)

MILK, BREAD, KETTLE, UNSOLD = range(4)
NOW = 60 * DAY


@pytest.fixture(scope="module")
def log() -> Interactions:
    """Visitor 0 buys milk on days 0, 10, 20 and bread on day 20; visitor 1 a kettle on day 58."""
    rows = np.array([0, 0, 0, 0, 1], np.int32)
    columns = np.array([MILK, MILK, MILK, BREAD, KETTLE], np.int32)
    moments = np.array([0, 10, 20, 20, 58], np.int64) * DAY
    weights = np.array([1, 2, 3, 1, 1], np.float32)
    return Interactions(rows, columns, moments, weights, 3, 4)


def table(log: Interactions) -> dict[tuple[int, int], dict[str, float]]:
    """Return all features of all pairs by name."""
    items = item_features(log, NOW, 28, np.log(np.array([1, 2, 30, 5], np.float32)))
    histories = log.histories([0, 1, 2], now=NOW)
    rows, columns = np.divmod(np.arange(12), 4)
    categories = np.array([0, 0, 1, -1], np.int32)
    values = candidate_features(histories, rows, columns, items, categories, 28)
    names = (*ITEM, *VISITOR, *PAIR)
    assert values.shape == (12, len(names))
    assert np.isfinite(values).all()
    return {
        (int(r), int(c)): dict(zip(names, map(float, v), strict=True))
        for r, c, v in zip(rows, columns, values, strict=True)
    }


def test_an_item_bought_in_every_order(log):
    milk = table(log)[0, MILK]

    assert milk["pair.count"] == 3
    assert milk["pair.days_since"] == 40
    assert milk["pair.gap"] == 10
    assert milk["pair.due"] == 4
    assert milk["pair.share"] == milk["pair.rate"] == 1
    assert milk["pair.in_last_order"] == 1
    assert milk["pair.orders_since"] == 0
    assert milk["pair.strength"] == pytest.approx(np.log1p(6))
    assert milk["item.gap"] == 10


def test_a_share_counts_from_the_first_time_on(log):
    bread = table(log)[0, BREAD]

    assert bread["pair.share"] == pytest.approx(1 / 3)
    assert bread["pair.rate"] == 1
    assert bread["pair.gap"] == NEVER


def test_an_item_never_met_is_not_due(log):
    kettle = table(log)[0, KETTLE]

    assert kettle["pair.count"] == kettle["pair.rate"] == kettle["pair.in_last_order"] == 0
    assert kettle["pair.days_since"] == kettle["pair.orders_since"] == NEVER


def test_the_category_is_the_share_of_recent_events(log):
    features = table(log)

    assert features[0, BREAD]["pair.category"] == 1
    assert features[0, KETTLE]["pair.category"] == features[0, UNSOLD]["pair.category"] == 0


def test_recent_sales_show_in_the_short_windows_only_if_recent(log):
    features = table(log)

    assert features[0, KETTLE]["item.visitors_0.125"] == 1
    assert features[0, MILK]["item.visitors_0.125"] == 0
    assert features[0, MILK]["item.visitors"] == 1
    assert features[0, KETTLE]["item.trend"] > features[0, MILK]["item.trend"]


def test_a_visitor_without_history_has_plain_numbers(log):
    stranger = table(log)[2, MILK]

    assert stranger["visitor.items"] == stranger["visitor.orders"] == 0
    assert stranger["visitor.days_since"] == NEVER
