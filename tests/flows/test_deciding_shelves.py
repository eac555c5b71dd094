"""A policy picks which strategies fill a shelf: what a visitor sees, and what is written down."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from engagement.flows.experiments import steering
from engagement.flows.serving import caching, live
from engagement.flows.serving.recommend import recommend
from engagement.models import (
    Decision,
    Event,
    EventName,
    Experiment,
    ExperimentVariant,
    Item,
    PolicyState,
    Visitor,
)
from tests import deciding, serving
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    items = serving.shelve("Dune", "Emma", "Ulysses")
    personal = serving.pairs(items, {("dune", "emma"): 1.0})
    serving.go_live("for_you", personal, items, at=MONDAY)
    trending = serving.pairs(items, bias={"ulysses": 2.0, "dune": 1.0})
    serving.go_live("trending", trending, items, at=MONDAY)
    return items


def person(n=1, **fields):
    """Return somebody who has looked at Dune, and so is shown Emma where it is personal."""
    who = serving.visitor(f"a{n:032x}", **fields)
    make_event(who.key, Item.objects.get(key="dune"), at=MONDAY - timedelta(minutes=5))
    return who


def fill(who, *, at=MONDAY, placement=deciding.SHELF):
    return recommend(placement=placement, person=who, at=at)


def test_each_visitor_gets_one_list_and_keeps_it_while_it_holds(shop):
    deciding.make_point(hold_minutes=60)
    people = [person(n) for n in range(20)]

    first = [fill(who) for who in people]
    again = [fill(who, at=MONDAY + timedelta(minutes=59)) for who in people]

    assert {shelf.variant for shelf in first} == {"policy:personal", "policy:popular"}
    assert [shelf.variant for shelf in again] == [shelf.variant for shelf in first]
    tops = {shelf.variant: shelf.items[0].key for shelf in first}
    assert tops == {"policy:personal": "emma", "policy:popular": "ulysses"}
    assert Decision.objects.count() == 20


def test_what_was_decided_is_written_down_with_all_that_could_have_been(shop):
    point = deciding.make_point()

    shelf = fill(person())

    row = Decision.objects.get()
    assert f"policy:{row.arm}" == shelf.variant
    assert row.arms == ["personal", "popular"]
    assert row.probabilities == [0.5, 0.5]
    assert row.propensity == 0.5
    assert row.version == point.versions.get()
    assert row.learnt_until == 0
    assert row.context["session_views"] > 0
    assert row.decided_at == MONDAY


def test_after_the_hold_it_is_drawn_anew(shop):
    deciding.make_point(hold_minutes=60)
    who = person()

    for hours in range(12):
        fill(who, at=MONDAY + timedelta(hours=hours))

    assert Decision.objects.count() == 12
    assert {row.arm for row in Decision.objects.all()} == {"personal", "popular"}


def test_an_arm_that_is_gone_is_not_kept(shop):
    point = deciding.make_point()
    who = person()
    fill(who)
    gone = Decision.objects.get().arm
    point.arms = [arm for arm in deciding.ARMS if arm["name"] != gone]
    point.save()
    live.forget()

    shelf = fill(who, at=MONDAY + timedelta(minutes=1))

    assert shelf.variant == f"policy:{point.arms[0]['name']}"
    assert Decision.objects.count() == 2


def test_two_pages_at_once_are_one_decision(shop, monkeypatch):
    deciding.make_point()
    who = person()
    monkeypatch.setattr(caching, "get", lambda key: None)
    from engagement.flows.deciding import keeping

    first = fill(who)
    # The second page looked before the first had written.
    monkeypatch.setattr(keeping, "last", lambda *args, **kwargs: None)
    second = fill(who)

    assert first.variant == second.variant
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(
    "nobody",
    [{"may_store": False, "refusal": "no_consent"}, {"key": ""}, {"may_store": False, "key": ""}],
)
def test_those_of_whom_nothing_may_be_stored_get_what_is_set_up(shop, nobody):
    deciding.make_point()
    who = serving.visitor(**nobody)

    shelf = fill(who)

    assert shelf.variant == ""
    assert shelf
    assert not Decision.objects.exists()
    assert not Visitor.objects.exists()


def test_a_stranger_takes_part_from_the_second_page_on(shop):
    deciding.make_point()
    who = serving.visitor()
    who.claim.minted = True

    assert fill(who).variant == ""
    who.claim.minted = False
    assert fill(who).variant.startswith("policy:")


def test_held_out_visitors_are_left_alone(shop, settings):
    deciding.make_point()
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 1.0}

    assert fill(person()).variant == "holdout"
    assert not Decision.objects.exists()


def test_an_experiment_on_the_shelf_goes_first(shop):
    deciding.make_point()
    row = Experiment.objects.create(name="price", placement=deciding.SHELF)
    for position, name in enumerate(("today", "bold")):
        ExperimentVariant.objects.create(experiment=row, name=name, position=position)
    steering.start(row, at=MONDAY)
    live.forget()

    assert fill(person()).variant.startswith("price:")
    assert not Decision.objects.exists()


def test_an_experiment_may_choose_between_two_policies(shop):
    point = deciding.make_point(experiment="which", name=deciding.SHELF)
    deciding.make_version(point, name="other")
    row = Experiment.objects.create(name="which")
    for position, name in enumerate(("v1", "other")):
        ExperimentVariant.objects.create(experiment=row, name=name, position=position)
    steering.start(row, at=MONDAY)
    live.forget()

    for n in range(12):
        fill(person(n))

    assert set(Decision.objects.values_list("version__name", flat=True)) == {"v1", "other"}


def test_a_policy_that_cannot_say_anything_leaves_the_shelf_as_it_is(shop, caplog):
    deciding.make_point(backend="tests.deciding.Broken")

    shelf = fill(person())

    assert shelf.variant == ""
    assert shelf.items[0].key == "emma"
    assert not Decision.objects.exists()


def test_a_state_that_is_damaged_decides_by_chance_and_says_so(shop, caplog):
    point = deciding.make_point(backend=deciding.GREEDY)
    version = point.versions.get()
    PolicyState.objects.create(
        version=version,
        learnt_until=7,
        arms=["personal", "popular"],
        features=version.features,
        arrays=b"not those",
        sha256="0" * 64,
        learnt_at=MONDAY,
    )
    live.forget()

    assert fill(person()).variant.startswith("policy:")

    row = Decision.objects.get()
    assert row.learnt_until is None
    assert row.probabilities == [0.5, 0.5]
    assert "cannot be read" in caplog.text


def test_without_a_cache_what_was_decided_is_found_in_the_log(shop, settings):
    deciding.make_point()
    who = person()
    first = fill(who)
    settings.CACHES = {"default": {"BACKEND": "tests.web.test_faults.DeadCache"}}

    second = fill(who, at=MONDAY + timedelta(minutes=1))

    assert second.variant == first.variant
    assert Decision.objects.count() == 1


def asked(call):
    with CaptureQueriesContext(connection) as queries:
        call()
    return [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]


def test_a_decision_costs_two_queries_and_one_that_holds_none(
    shop, settings, django_capture_on_commit_callbacks
):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 60}
    # The visitor's id is looked up: within a test's transaction nothing is remembered.
    who = person()
    fill(who, placement="home.trending")
    plain = asked(lambda: fill(person(2), placement="home.trending"))
    deciding.make_point("home.trending")
    fill(person(3), placement="home.trending")

    with django_capture_on_commit_callbacks(execute=True):
        fresh = asked(lambda: fill(who, placement="home.trending"))
    held = asked(lambda: fill(who, placement="home.trending"))

    ours = [sql for sql in fresh if "engagement_decision" in sql]
    assert len(ours) == 2, ours
    assert len(fresh) <= len(plain) + 2 + 1, "\n\n".join(fresh)
    assert not [sql for sql in held if "engagement_decision" in sql]


def test_a_page_that_fails_takes_its_decision_back(shop):
    deciding.make_point()
    who = person()
    with transaction.atomic():
        fill(who)
        transaction.set_rollback(True)

    shelf = fill(who)

    assert f"policy:{Decision.objects.get().arm}" == shelf.variant


def test_what_is_learnt_empties_no_shelf(shop, settings):
    """A policy that learns every minute must not cost each shelf its cache."""
    point = deciding.make_point()
    live.forget()
    before = live.state()
    version = point.versions.get()
    PolicyState.objects.create(
        version=version,
        learnt_until=1,
        arms=[],
        features=version.features,
        arrays=b"",
        sha256="0" * 64,
        learnt_at=MONDAY,
    )

    after = live.state()

    assert after.learnt != before.learnt
    assert after.signature == before.signature


def test_clicks_on_the_shelf_are_events_like_any_other(shop):
    deciding.make_point()
    who = person()
    shelf = fill(who)

    make_event(who.key, shop[0], at=MONDAY, event=EventName.SELECT_ITEM, placement=shelf.placement)

    assert Event.objects.filter(placement=deciding.SHELF).count() == 1
