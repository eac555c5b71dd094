"""The shop's own list in the visitor's order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.flows.serving.rerank import rerank
from engagement.models import EventName, Item
from tests.othershop.catalogue import make_event, make_visitor
from tests.serving import go_live, pairs, place, shelve, visitor

LIKES = {("dune", "solaris"): 4.0, ("dune", "ubik"): 2.0, ("emma", "solaris"): 1.0}


@pytest.fixture
def items(db, at):
    items = shelve("Dune", "Emma", "Solaris", "Ubik", "Villette")
    go_live("for_you", pairs(items, LIKES), items, at=at)
    return items


@pytest.fixture
def did(items, at):
    def do(event, key):
        make_event(make_visitor(visitor().key), Item.objects.get(key=key), at=at, event=event)

    return do


def order(*keys, at, **asked):
    return [one.key for one in rerank(keys=keys, person=visitor(), at=at, **asked).items]


def test_what_the_visitor_likes_rises(did, at):
    did(EventName.VIEW_ITEM, "dune")

    assert order("villette", "ubik", "solaris", at=at, strength=0.8) == [
        "solaris",
        "ubik",
        "villette",
    ]


def test_a_strength_of_zero_keeps_the_order(did, at):
    did(EventName.VIEW_ITEM, "dune")

    assert order("villette", "ubik", "solaris", at=at, strength=0.0) == [
        "villette",
        "ubik",
        "solaris",
    ]


def test_a_little_taste_does_not_overturn_what_matches_best(did, at):
    did(EventName.VIEW_ITEM, "dune")

    assert order("villette", "ubik", "solaris", at=at, strength=0.2)[0] == "villette"


def test_a_stranger_gets_the_shops_order(items, at):
    assert order("villette", "ubik", "solaris", at=at) == ["villette", "ubik", "solaris"]


def test_keys_that_nobody_knows_stay_in_the_list(did, at):
    did(EventName.VIEW_ITEM, "dune")

    found = order("new-book", "solaris", "new-book", at=at, strength=1.0)

    assert found == ["solaris", "new-book"]


def test_what_the_visitor_hid_comes_last(did, at):
    did(EventName.VIEW_ITEM, "dune")
    did(EventName.HIDE_ITEM, "solaris")

    assert order("solaris", "villette", "ubik", at=at)[-1] == "solaris"


def test_boosts_of_the_placement_count(did, at):
    did(EventName.VIEW_ITEM, "dune")
    boost = {"action": "boost", "field": "key", "value": "ubik", "factor": 5.0}
    place("search.results", rules=(boost,), strategies=["for_you"])

    assert order("solaris", "ubik", at=at, strength=1.0) == ["ubik", "solaris"]


def test_the_reasons_add_up_to_the_score(did, at):
    did(EventName.VIEW_ITEM, "dune")
    did(EventName.VIEW_ITEM, "emma")

    found = rerank(
        keys=["villette", "ubik", "solaris"], person=visitor(), at=at, explain=True
    ).items

    assert [one.was for one in found] != [1, 2, 3]
    for one in found:
        assert sum(why.weight for why in one.reasons) == pytest.approx(one.score)
    assert [why.code for why in found[0].reasons] == ["view_item", "view_item", "match"]


def test_a_broken_model_leaves_the_order(did, at, monkeypatch, caplog):
    from engagement.flows.serving import live

    did(EventName.VIEW_ITEM, "dune")

    def score(histories):
        raise ValueError("broken")

    monkeypatch.setattr(live.live("", "for_you").recommender, "score", score)

    assert order("villette", "solaris", at=at) == ["villette", "solaris"]


def test_an_unknown_placement_leaves_the_order(items, at, caplog):
    assert order("ubik", "dune", at=at, placement="search.nowhere") == ["ubik", "dune"]


def test_a_list_of_nothing(items, at):
    assert order(at=at) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    keys=st.lists(st.sampled_from(["dune", "emma", "solaris", "ubik", "villette", "x", ""])),
    strength=st.floats(-1, 2),
)
def test_it_is_always_the_same_list(items, at, keys, strength):
    make_event(make_visitor(visitor().key), items[0], at=at)

    found = rerank(keys=keys, person=visitor(), at=at, strength=strength).items

    assert sorted(one.key for one in found) == sorted(set(keys))
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    assert [list(dict.fromkeys(keys))[one.was - 1] for one in found] == [one.key for one in found]
