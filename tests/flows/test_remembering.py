"""Ranked keys are kept while nothing changes that they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.cache import caches
from django.utils import translation

from engagement.flows.serving import live
from engagement.flows.serving.recommend import recommend
from engagement.models import EventName, Item
from tests.othershop.catalogue import make_event, make_visitor
from tests.othershop.models import Book
from tests.serving import go_live, pairs, place, shelve, visitor

LIKES = {("dune", "emma"): 3.0, ("dune", "ulysses"): 2.0, ("solaris", "ulysses"): 9.0}


@pytest.fixture(autouse=True)
def shared_cache(settings, tmp_path):
    """A cache that all processes share."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(tmp_path),
        }
    }


@pytest.fixture
def items(db, at):
    items = shelve("Dune", "Emma", "Ulysses", "Solaris", "Ubik")
    go_live("for_you", pairs(items, LIKES), items, at=at)
    go_live("trending", pairs(items, bias={"ubik": 1.0}), items, at=at)
    place(strategies=["for_you"], n=3)
    return items


@pytest.fixture
def did(items, at):
    def do(event, key, person=None):
        row = make_visitor((person or visitor()).key)
        make_event(row, Item.objects.get(key=key), at=at, event=event)

    return do


@pytest.fixture
def scored(items, monkeypatch):
    """How often the model was asked."""
    asked = []
    model = live.model("", "for_you").recommender
    score = type(model).score

    def count(histories):
        asked.append(histories)
        return score(model, histories)

    monkeypatch.setattr(model, "score", count)
    return asked


def shelf(at, person=None, **asked):
    return recommend(placement="home.for_you", person=person or visitor(), at=at, **asked)


def keys(at, person=None, **asked):
    return [item.key for item in shelf(at, person, **asked)]


def test_a_shelf_is_found_again_as_it_was(did, scored, at):
    did(EventName.VIEW_ITEM, "dune")

    first, again = shelf(at), shelf(at)

    assert len(scored) == 1
    assert [(i.key, i.score, i.rank, i.source, i.reasons) for i in first] == [
        (i.key, i.score, i.rank, i.source, i.reasons) for i in again
    ]
    assert (first.model_version, first.title) == (again.model_version, again.title)
    assert first.recommendation_id != again.recommendation_id


def test_what_the_visitor_does_changes_the_next_shelf(did, scored, at):
    did(EventName.VIEW_ITEM, "dune")
    assert keys(at)[0] == "emma"

    did(EventName.VIEW_ITEM, "solaris")

    assert keys(at)[0] == "ulysses"
    assert len(scored) == 2


def test_what_the_visitor_hides_is_gone_at_once(did, at):
    did(EventName.VIEW_ITEM, "dune")
    assert "emma" in keys(at)

    did(EventName.HIDE_ITEM, "emma")

    assert "emma" not in keys(at)


def test_what_sells_out_is_gone_at_once_and_comes_back(did, scored, at):
    did(EventName.VIEW_ITEM, "dune")
    before = keys(at)

    Book.objects.filter(slug="emma").update(sold_out=True)
    assert "emma" not in keys(at)

    Book.objects.update(sold_out=False)
    assert keys(at) == before


def test_a_shelf_that_is_nearly_sold_out_is_filled_from_further_down(did, at):
    did(EventName.VIEW_ITEM, "dune")
    assert keys(at, n=1) == ["emma"]

    Book.objects.filter(slug__in=["emma", "ulysses"]).update(sold_out=True)

    assert keys(at, n=1) == ["ubik"]


def test_nobody_gets_what_was_ranked_for_another(did, at):
    other = visitor("a" + "2" * 32)
    did(EventName.VIEW_ITEM, "dune")
    did(EventName.VIEW_ITEM, "solaris", other)

    assert keys(at)[0] == "emma"
    assert keys(at, other)[0] == "ulysses"


def test_a_new_model_is_asked_at_once(did, items, at):
    did(EventName.VIEW_ITEM, "dune")
    assert keys(at)[0] == "emma"

    go_live("for_you", pairs(items, {("dune", "solaris"): 1.0}), items, at=at)
    live.forget()

    assert keys(at)[0] == "solaris"


def test_a_changed_placement_holds_at_once(did, at):
    did(EventName.VIEW_ITEM, "dune")
    assert keys(at)[0] == "emma"

    place(rules=({"action": "hide", "field": "key", "value": "emma"},))
    live.forget()

    assert "emma" not in keys(at)


@pytest.mark.parametrize(
    "asked",
    [
        {"n": 1},
        {"context": ["emma"]},
        {"cart": ["emma"]},
        {"exclude": ["emma"]},
        {"category": "nowhere"},
    ],
)
def test_another_question_has_another_answer(did, at, asked):
    did(EventName.VIEW_ITEM, "dune")
    before = keys(at)

    assert keys(at, **asked) != before
    assert keys(at) == before


def test_a_placement_that_is_tried_out_is_nobody_elses(did, at):
    did(EventName.VIEW_ITEM, "dune")
    config = live.state().placement("", "home.for_you")

    tried = recommend(placement=replace(config, n=1), person=visitor(), at=at)

    assert len(tried) == 1
    assert len(keys(at)) == 3


def test_reasons_are_told_in_the_language_of_the_page(did, at):
    did(EventName.VIEW_ITEM, "dune")
    with translation.override("en"):
        assert shelf(at).items[0].reasons[0].text == "Because you looked at Dune"
    with translation.override("zh-hans"):
        assert shelf(at).items[0].reasons[0].text != "Because you looked at Dune"


def test_without_seconds_nothing_is_kept(did, scored, at, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "SHELF_CACHE_SECONDS": 0}
    did(EventName.VIEW_ITEM, "dune")

    assert keys(at) == keys(at)
    assert len(scored) == 2


def test_a_cache_of_one_process_keeps_no_visitors(did, scored, at, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    did(EventName.VIEW_ITEM, "dune")

    assert keys(at) == keys(at)
    assert len(scored) == 2


def test_a_cache_that_forgets_costs_a_ranking(did, scored, at):
    did(EventName.VIEW_ITEM, "dune")
    before = keys(at)
    caches["default"].clear()

    assert keys(at) == before
    assert len(scored) == 2
