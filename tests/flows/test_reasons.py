"""Reasons of models that learn from features: sentences whose weights sum to the score."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.flows.serving import attributions
from engagement.flows.serving.recommend import recommend
from engagement.learning.interactions import Interactions
from engagement.learning.recommenders import Blend, UserKNN
from engagement.learning.recommenders import features as known_features
from engagement.models import EventName
from tests.othershop.catalogue import make_event, make_visitor
from tests.serving import go_live, place, shelve, visitor

DAY = 86_400
MEMBERS = {
    "linear": {"BACKEND": "engagement.learning.recommenders.EASE"},
    "alike": {"BACKEND": "engagement.learning.recommenders.UserKNN"},
    "popular": {"BACKEND": "engagement.learning.recommenders.MostPopular"},
}


@pytest.fixture
def items(db):
    return shelve(*(f"Book {letter}" for letter in "abcdefghij"))


@pytest.fixture
def log(at, rng):
    """Sixty readers of two tastes, five of the ten books each, over 200 days."""
    n = 60
    rows = np.repeat(np.arange(n), 8)
    columns = np.where(
        rng.random(len(rows)) < 0.9, rng.integers(0, 5, len(rows)) + 5 * (rows % 2), 0
    )
    return Interactions(
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        moments=np.sort(int(at.timestamp()) - rng.integers(DAY, 200 * DAY, len(rows))),
        weights=np.ones(len(rows), np.float32),
        n_rows=n,
        n_columns=10,
    )


@pytest.fixture(params=["sum", "standing"])
def blend(request, log, rng):
    """A blend whose ranker was learnt, and one that had too little to learn from."""
    options = {"min_answers": 10**9} if request.param == "standing" else {"min_answers": 1}
    model = Blend(members=MEMBERS, ranker="sum", n_splits=2, **options).fit(log, rng=rng)
    assert model.ranked_by == request.param
    return model


@pytest.fixture
def reader(items, at):
    row = make_visitor(visitor().key)
    for item in items[:2]:
        make_event(row, item, at=at, event=EventName.VIEW_ITEM)
    return visitor()


def test_the_weights_of_a_blend_sum_to_the_score(items, blend, reader, at):
    go_live("for_you", blend, items, at=at)
    boost = {"action": "boost", "field": "key", "value": items[2].key, "factor": 2.5}
    place(strategies=["for_you"], rules=(boost,), objective="revenue")

    shelf = recommend(placement="home.for_you", person=reader, at=at, n=5, explain=True)

    assert len(shelf) == 5
    for item in shelf:
        assert sum(why.weight for why in item.reasons) == pytest.approx(item.score, abs=1e-4)
        assert all(why.text for why in item.reasons)


def test_the_main_reason_speaks_for_the_item(items, blend, reader, at):
    go_live("for_you", blend, items, at=at)

    shelf = recommend(placement="home.for_you", person=reader, at=at, n=5)

    viewed = {item.key for item in items[:2]}
    for item in shelf:
        [why] = item.reasons
        assert why.code not in ("start", "visitor", "loyal")
        if why.code == "again":
            assert item.key in viewed
            assert why.key == item.key


def test_every_feature_of_a_blend_has_a_sentence(blend):
    parts = dict.fromkeys(blend.feature_names(), 1.0) | {"constant": 1.0}

    told = attributions.reasons_of(parts, blend, key="book", is_known=True)

    assert sum(why.weight for why in told) == len(parts)
    features = {*known_features.ITEM, *known_features.VISITOR, *known_features.PAIR}
    assert features <= parts.keys()
    assert {why.code for why in told} == {
        "taste", "people", "popular", "again", "category", "price", "new", "loyal", "visitor",
        "start",
    }  # fmt: skip


def test_an_item_that_nothing_speaks_for_is_just_picked(blend):
    told = attributions.reasons_of(
        {"constant": 2.0, "pair.count": 1.0}, blend, key="book", is_known=False
    )

    assert told[0].code == "model"
    assert sum(why.weight for why in told) == 3.0
    assert "You chose this before" not in [why.text for why in told]


def test_people_of_the_same_taste_are_a_reason(items, log, reader, at):
    go_live("people_like_you", UserKNN().fit(log), items, at=at)

    shelf = recommend(placement="home.people_like_you", person=reader, at=at, n=1)

    assert shelf.items[0].source == "people_like_you"
    assert shelf.items[0].reasons[0].text == "Chosen by people with your taste"
