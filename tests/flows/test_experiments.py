"""Experiments, the hold-out and the figures: through what a shop's people would notice."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from engagement.flows.collecting import privacy
from engagement.flows.experiments import assigning, holdout, results, steering
from engagement.flows.metrics import making, reading
from engagement.flows.serving import live
from engagement.flows.serving.recommend import recommend
from engagement.flows.serving.rerank import rerank
from engagement.models import (
    DailyMetric,
    Event,
    EventName,
    Experiment,
    ExperimentVariant,
    Exposure,
    Visitor,
    VisitorDay,
)
from tests import serving
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db


def experiment(*names, at=MONDAY, **fields):
    row = Experiment.objects.create(**{"name": "price", **fields})
    for position, name in enumerate(names or ("today", "bold")):
        ExperimentVariant.objects.create(experiment=row, name=name, position=position)
    steering.start(row, at=at)
    live.forget()
    return row


def people(n, offset=0):
    return [serving.visitor(f"a{offset + i:032x}") for i in range(n)]


def stored(n, offset=0):
    rows = [Visitor(key=f"a{offset + i:032x}") for i in range(n)]
    return Visitor.objects.bulk_create(rows)


def event(visitor, name, at, **fields):
    return Event(key=uuid.uuid4(), visitor=visitor, event=name, event_time=at, **fields)


def buy(visitors, values, at, item):
    Event.objects.bulk_create(event(who, EventName.VIEW_ITEM, at, item=item) for who in visitors)
    Event.objects.bulk_create(
        event(who, EventName.PURCHASE, at, item=item, value=Decimal(value), order_ref=str(who.pk))
        for who, value in zip(visitors, values, strict=True)
        if value
    )


# -- who gets what --------------------------------------------------------------------------
def test_everybody_keeps_their_variant_and_raising_the_share_moves_nobody():
    row = experiment(share=0.3)
    first = [assigning.variant("price", visitor=one, at=MONDAY) for one in people(300)]
    Experiment.objects.filter(pk=row.pk).update(share=0.9, updated_at=timezone.now())
    live.forget()

    second = [assigning.variant("price", visitor=one, at=MONDAY) for one in people(300)]

    assert 50 < sum(one is not None for one in first) < 130
    assert sum(one is not None for one in second) > 240
    assert all(old in (None, new) for old, new in zip(first, second, strict=True))


def test_experiments_of_one_layer_share_nobody():
    for name in ("one", "two"):
        experiment(name=name, layer="page", share=0.5)

    both = [
        [assigning.variant(name, visitor=who, at=MONDAY) for name in ("one", "two")]
        for who in people(200)
    ]

    assert all((one is None) != (two is None) for one, two in both)
    with pytest.raises(steering.CannotStart, match="no room"):
        experiment(name="three", layer="page", share=0.1)


def test_a_customer_has_one_variant_on_every_device():
    experiment()
    customer = "c" + "5" * 40
    devices = [serving.visitor(f"a{n:032x}", customer_key=customer) for n in range(20)]

    assert len({assigning.variant("price", visitor=one, at=MONDAY) for one in devices}) == 1


def test_who_met_an_experiment_is_written_down_once():
    experiment()
    (who,) = people(1)

    for _ in range(3):
        assigning.variant("price", visitor=who, at=MONDAY)
    assigning.variant("price", visitor=people(2)[1], at=MONDAY, expose=False)

    assert Exposure.objects.count() == 1
    assert Exposure.objects.get().first_at == MONDAY


def test_erasing_a_person_erases_what_they_met():
    experiment()
    (who,) = people(1)
    assigning.variant("price", visitor=who, at=MONDAY)
    visitor = Visitor.objects.get()
    VisitorDay.objects.create(day=MONDAY.date(), visitor=visitor)

    privacy.erase(key=who.key)

    assert not Exposure.objects.exists()
    assert not VisitorDay.objects.exists()


def test_two_experiments_on_one_shelf_need_a_layer():
    experiment(name="one", placement="home.for_you")

    with pytest.raises(steering.CannotStart, match="one layer"):
        experiment(name="two", placement="home.for_you")


# -- what they see --------------------------------------------------------------------------
@pytest.fixture
def shop():
    items = serving.shelve("Dune", "Emma", "Ulysses")
    personal = serving.pairs(items, {("dune", "emma"): 1.0})
    serving.go_live("for_you", personal, items, at=MONDAY)
    trending = serving.pairs(items, bias={"ulysses": 2.0, "dune": 1.0})
    serving.go_live("trending", trending, items, at=MONDAY)
    live.forget()
    return items


def test_held_out_visitors_get_nothing_personal(shop, settings):
    (who,) = people(1)
    reader = Visitor.objects.create(key=who.key)
    event(reader, EventName.VIEW_ITEM, MONDAY, item=shop[0]).save()
    personal = recommend(placement="home.for_you", person=who, at=MONDAY + timedelta(hours=1))
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 1.0}

    shelf = recommend(placement="home.for_you", person=who, at=MONDAY + timedelta(hours=1))
    again = recommend(placement="home.buy_again", person=who, at=MONDAY + timedelta(hours=1))

    assert personal.items[0].source == "for_you"
    assert personal.variant == ""
    assert shelf.variant == "holdout"
    assert {item.source for item in shelf} <= {"trending", "newest"}
    assert not again


def test_raising_the_hold_out_lets_nobody_out(settings):
    held = set()
    for share in (0.05, 0.2, 0.6):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": share}
        now = {who.key for who in people(500) if holdout.is_held_out(who)}
        assert held <= now
        assert abs(len(now) / 500 - share) < 0.08
        held = now


def test_the_hold_out_takes_part_in_no_experiment(settings):
    experiment()
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 1.0}

    assert {assigning.variant("price", visitor=one, at=MONDAY) for one in people(20)} == {None}


def test_an_experiment_chooses_what_fills_a_shelf(shop):
    row = experiment(placement="home.for_you")
    row.variants.filter(name="bold").update(strategies=["trending"])
    Visitor.objects.bulk_create(Visitor(key=one.key) for one in people(12))
    live.forget()

    shelves = [recommend(placement="home.for_you", person=who, at=MONDAY) for who in people(12)]

    assert {shelf.variant for shelf in shelves} == {"price:today", "price:bold"}
    assert Exposure.objects.count() == 12


def test_a_stopped_variant_gets_what_the_others_get(shop):
    row = experiment(placement="home.for_you")
    steering.stop_variant(row.variants.get(name="bold"), measure="revenue", at=timezone.now())
    live.forget()

    shelves = [recommend(placement="home.for_you", person=who, at=MONDAY) for who in people(12)]

    assert {shelf.variant for shelf in shelves} == {"price:today", ""}


# -- figures --------------------------------------------------------------------------------
def test_figures_of_days_are_made_once_and_again(shop):
    visitors = stored(10)
    buy(visitors, [20] * 4 + [0] * 6, MONDAY, shop[0])
    Event.objects.bulk_create(
        event(who, EventName.VIEW_ITEM_LIST, MONDAY, item=shop[0], placement="home.for_you")
        for who in visitors
    )
    event(visitors[0], EventName.SELECT_ITEM, MONDAY, item=shop[0], placement="home.for_you").save()

    for _ in range(2):
        making.make(channel="", at=MONDAY + timedelta(hours=2))
    found = reading.dashboard(channel="", since=MONDAY.date(), until=MONDAY.date())

    values = {figure.kind.name: figure.value for figure in found.figures}
    assert values["visitors"] == 10
    assert values["conversion"] == pytest.approx(0.4)
    assert values["order_value"] == pytest.approx(20)
    assert values["revenue_per_visitor"] == pytest.approx(8)
    assert values["click_through"] == pytest.approx(0.1)
    assert found.placements == [("home.for_you", 10, 1)]
    assert found.cohorts[-1][1] == [10]
    assert {name: n for name, _, n, _ in found.segments if n} == {"new": 4}
    assert VisitorDay.objects.count() == 10


def test_days_that_changed_are_made_anew(shop):
    visitors = stored(3)
    buy(visitors[:1], [5], MONDAY, shop[0])
    making.make(channel="", at=MONDAY)
    buy(visitors[1:], [5, 5], MONDAY, shop[0])

    made = making.make(channel="", at=MONDAY + timedelta(days=1))

    assert made.n_days == 2
    row = DailyMetric.objects.get(day=MONDAY.date(), name="orders")
    assert row.value == 3


def test_signing_in_makes_one_visitor_of_two(shop):
    anonymous, customer = stored(2)
    buy([anonymous, customer], [5, 5], MONDAY, shop[0])
    Visitor.objects.filter(pk=anonymous.pk).update(merged_into=customer)

    making.make(channel="", at=MONDAY)

    assert DailyMetric.objects.get(name="week", is_holdout=False).value == 1


def test_machines_and_staff_are_no_visitors(shop):
    visitors = stored(2)
    Visitor.objects.filter(pk=visitors[0].pk).update(exclusion="bot")
    buy(visitors, [5, 5], MONDAY, shop[0])

    making.make(channel="", at=MONDAY)

    assert DailyMetric.objects.get(name="visitors").value == 1


@pytest.mark.parametrize(("gain", "is_better"), [(0, False), (8, True)])
def test_the_uplift_excludes_zero_when_there_is_one(shop, settings, gain, is_better):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 0.4}
    visitors = stored(1000)
    values = [
        10 + i % 7 + (0 if holdout.is_held_out(who) else gain) for i, who in enumerate(visitors)
    ]
    buy(visitors, values, MONDAY, shop[0])
    making.make(channel="", at=MONDAY)

    found = reading.dashboard(channel="", since=MONDAY.date(), until=MONDAY.date())

    (uplift,) = [one.uplift for one in found.figures if one.kind.name == "revenue_per_visitor"]
    assert uplift.is_better is is_better
    assert uplift.low <= gain <= uplift.high


# -- results --------------------------------------------------------------------------------
def run(shop, *, gain, n=600, **fields):
    """An experiment whose bold variant earns ``gain`` more."""
    row = experiment(**fields)
    who = people(n)
    names = [assigning.variant("price", visitor=one, at=MONDAY) for one in who]
    rows = {row.key: row for row in Visitor.objects.all()}
    visitors = [rows[one.key] for one in who]
    # Everyone's taste shows before already: that is what CUPED takes off.
    taste = [10 + 5 * (i % 9) for i in range(n)]
    buy(visitors, taste, MONDAY - timedelta(days=3), shop[0])
    Event.objects.bulk_create(
        event(
            one,
            EventName.PURCHASE,
            MONDAY + timedelta(hours=1),
            item=shop[0],
            value=taste[i] + i % 3 + (gain if name == "bold" else 0),
            order_ref=f"later-{i}",
        )
        for i, (one, name) in enumerate(zip(visitors, names, strict=True))
    )
    making.make(channel="", at=MONDAY + timedelta(hours=2))
    return row


def test_a_better_variant_is_found_and_said(shop):
    row = run(shop, gain=3)

    found = results.read(row, at=MONDAY + timedelta(hours=2))

    (one,) = found.results
    assert one.effects["revenue"].is_better
    assert one.effects["revenue"].low <= 3 <= one.effects["revenue"].high
    assert one.effects["revenue"].reduction > 0.9
    assert not found.is_broken
    assert "bold is better" in found.conclusion
    assert len(results.over_time(row, at=MONDAY + timedelta(hours=2))) == 1


def test_no_difference_is_said_to_be_none(shop):
    found = results.read(run(shop, gain=0), at=MONDAY + timedelta(hours=2))

    assert "no difference" in found.conclusion


def test_a_guard_rail_stops_a_variant_that_harms(shop):
    row = run(shop, gain=-6, decision_metric="sessions", guard_rails=["revenue"])

    stopped = results.guard(channel="", at=MONDAY + timedelta(hours=3))

    assert [one.name for one in stopped] == ["bold"]
    assert row.variants.get(name="bold").stopped_by == "revenue"
    assert results.guard(channel="", at=MONDAY + timedelta(hours=3)) == []


def test_a_broken_ratio_is_said_before_anything_else(shop):
    row = run(shop, gain=3, n=400)
    bold = row.variants.get(name="bold")
    Exposure.objects.filter(variant=bold, pk__gt=Exposure.objects.all()[60].pk).delete()

    found = results.read(row, at=MONDAY + timedelta(hours=2))

    assert found.is_broken
    assert "Believe nothing" in found.conclusion


def test_whoever_met_two_variants_counts_in_neither(shop):
    row = run(shop, gain=0, n=20)
    mine = {one: Exposure.objects.filter(variant=one).first() for one in row.variants.all()}
    first, second = mine.values()
    Visitor.objects.filter(pk=first.visitor_id).update(merged_into=second.visitor_id)

    found = results.read(row, at=MONDAY + timedelta(hours=2))

    assert found.n_in_two == 1
    assert found.n_control + found.results[0].n == 18


def test_held_out_visitors_get_lists_as_the_shop_sorted_them(shop, settings):
    (who,) = people(1)
    Visitor.objects.create(key=who.key)
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 1.0}

    order = rerank(keys=["emma", "ulysses", "dune"], person=who, at=MONDAY)

    assert [one.key for one in order.items] == ["emma", "ulysses", "dune"]
    assert order.model_version == ""


def test_segments_count_people_not_days(shop):
    visitors = stored(2)
    for days in range(4):
        who = visitors if days < 1 else visitors[:1]
        at = MONDAY - timedelta(days=days)
        Event.objects.bulk_create(
            event(one, EventName.PURCHASE, at, item=shop[0], value=5, order_ref=f"{one.pk}-{days}")
            for one in who
        )

    making.make(channel="", at=MONDAY)

    found = reading.dashboard(channel="", since=MONDAY.date(), until=MONDAY.date())
    assert {name: n for name, _, n, _ in found.segments if n} == {"champions": 1, "new": 1}
