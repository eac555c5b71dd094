"""What holds for every shelf, whatever the shop, the visitor and the rules are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.flows.serving.history import History, Past
from engagement.flows.serving.placements import STOCK, Rule
from engagement.flows.serving.recommend import recommend
from engagement.flows.serving.visit import Visit
from engagement.models import EventName
from tests.othershop.catalogue import make_event, make_visitor
from tests.othershop.models import Book
from tests.serving import go_live, pairs, shelve, visitor

N = 12
KEYS = [f"book-{number}" for number in range(N)]
keys = st.sampled_from(KEYS)
some = st.lists(keys, max_size=4, unique=True)
rules = st.builds(
    Rule,
    action=st.sampled_from(["pin", "boost", "hide", "only"]),
    field=st.just("key"),
    value=keys,
    factor=st.floats(0, 3),
    position=st.integers(1, 6),
)


@pytest.fixture
def shop(db, at):
    """Twelve books, of which each two are variants of each other, and two models."""
    items = [
        item
        for number in range(0, N, 2)
        for item in shelve(
            f"Book {number}",
            f"Book {number + 1}",
            genre=f"Genre {number % 3}",
            group_key=f"group-{number}" if number < 6 else "",
        )
    ]
    rng = np.random.default_rng(1)
    likes = {(a, b): float(rng.random()) for a in KEYS for b in KEYS if rng.random() < 0.4}
    go_live("for_you", pairs(items, likes), items, at=at)
    bias = {key: float(N - place) for place, key in enumerate(KEYS[:8])}
    go_live("trending", pairs(items, bias=bias), items, at=at)
    return items


def past(item, at, event=EventName.VIEW_ITEM):
    moment = int(at.timestamp())
    return Past(event, item.pk, item.key, item.title, item.category, item.group_key, moment)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    viewed=some,
    bought=some,
    hidden=some,
    context=some,
    cart=some,
    exclude=some,
    sold_out=st.lists(keys, max_size=10, unique=True),
    wishes=st.lists(rules, max_size=3),
    n=st.integers(1, 8),
    diversity=st.sampled_from([0.0, 0.5]),
    aims=st.fixed_dictionaries(
        {
            "diversify_by": st.sampled_from(["turns", "spread", "shares"]),
            "objective": st.sampled_from(["", "click", "revenue", "margin"]),
            "exploration": st.sampled_from([0.0, 0.5]),
        }
    ),
)
def test_a_shelf_shows_all_it_may_and_nothing_else(
    shop, at, viewed, bought, hidden, context, cart, exclude, sold_out, wishes, n, diversity, aims
):
    Book.objects.update(sold_out=False)
    Book.objects.filter(slug__in=sold_out).update(sold_out=True)
    by_key = {item.key: item for item in shop}
    told = History(
        events=tuple(
            [past(by_key[key], at) for key in viewed]
            + [past(by_key[key], at, EventName.PURCHASE) for key in bought]
        ),
        hidden=frozenset(hidden),
    )
    config = replace(
        STOCK["home.for_you"],
        rules=tuple(wishes),
        diversity=diversity,
        exclude_bought=True,
        **aims,
    )
    asked = {"context": context, "cart": cart, "exclude": exclude, "n": n}

    def fill():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Visit, "history", told)
            return recommend(placement=config, person=visitor(), at=at, **asked)

    shelf = fill()

    shown = [item.key for item in shelf]
    forbidden = {*context, *cart, *exclude, *hidden, *bought, *sold_out}
    forbidden |= {rule.value for rule in wishes if rule.action == "hide"}
    assert not forbidden & set(shown)
    assert len(shown) == len(set(shown))
    assert [item.rank for item in shelf] == list(range(1, len(shown) + 1))

    pinned = {rule.value for rule in wishes if rule.action == "pin"}
    groups = [by_key[key].group_key for key in shown if key not in pinned]
    groups = [group for group in groups if group]
    assert len(groups) == len(set(groups))

    only = {rule.value for rule in wishes if rule.action == "only"}
    # Variants of what must not be shown are not shown either.
    apart = {by_key[key].group_key for key in {*context, *cart, *exclude, *hidden, *bought}}
    allowed = {
        item.key
        for item in shop
        if item.key not in forbidden
        and (not only or item.key in only)
        and (item.group_key == "" or item.group_key not in apart)
    }
    places = {by_key[key].group_key or key for key in allowed}
    assert len(shown) >= min(n, len(places))

    assert [item.key for item in fill()] == shown


# One shop for all of them: setting it up takes longer than filling a shelf.
PLACEMENTS = sorted(STOCK)


def test_whoever_has_seen_and_bought_everything_gets_a_sensible_answer(shop, at):
    row = make_visitor(visitor().key)
    for item in shop:
        for event in (EventName.VIEW_ITEM, EventName.PURCHASE):
            make_event(row, item, at=at, event=event)
    make_event(row, shop[0], at=at, event=EventName.HIDE_ITEM)

    for name in PLACEMENTS:
        shelf = recommend(placement=name, person=visitor(), at=at, context=[KEYS[1]])

        shown = [item.key for item in shelf]
        assert KEYS[0] not in shown, name
        assert len(set(shown)) == len(shown), name
        if STOCK[name].exclude_bought:
            assert not shown, name


@pytest.mark.parametrize("years", [-30, 30])
def test_a_visitor_out_of_time_is_served(shop, at, years):
    then = at.replace(year=at.year + years)
    make_event(make_visitor(visitor().key), shop[0], at=then)

    for name in PLACEMENTS:
        asked = {"placement": name, "context": [KEYS[2]]}
        told = recommend(person=visitor(), at=at, **asked)
        in_time = recommend(person=visitor(), at=then, **asked)

        assert KEYS[2] not in [item.key for item in (*told, *in_time)], name
        if years > 0:
            # What has not happened yet is not known yet.
            stranger = recommend(person=None, at=at, **asked)
            assert [item.key for item in told] == [item.key for item in stranger], name


def test_a_shop_of_one_item(db, at):
    [item] = shelve("Dune")
    make_event(make_visitor(visitor().key), item, at=at)
    go_live("for_you", pairs([item], {(item.key, item.key): 1.0}), [item], at=at)

    for name in PLACEMENTS:
        shelf = recommend(placement=name, person=visitor(), at=at)
        about = recommend(placement=name, person=visitor(), at=at, context=[item.key])

        assert [one.key for one in shelf] in ([], [item.key]), name
        assert not about, name


def test_all_purchases_by_one_machine(shop, at):
    machine = make_visitor("machine", exclusion="bot")
    for number in range(30):
        make_event(machine, shop[3], at=at, event=EventName.PURCHASE, order_ref=f"{number}")

    for name in PLACEMENTS:
        for person in (visitor("machine"), visitor(), None):
            shelf = recommend(placement=name, person=person, at=at)
            assert len({item.key for item in shelf}) == len(shelf), name


def test_what_a_machine_buys_is_no_best_seller(db, at):
    items = shelve("Dune", "Emma")
    machine = make_visitor("machine", exclusion="bot")
    for number in range(30):
        make_event(machine, items[0], at=at, event=EventName.PURCHASE, order_ref=f"{number}")
    make_event("reader", items[1], at=at, event=EventName.PURCHASE, order_ref="a")
    make_event(None, items[1], at=at, event=EventName.PURCHASE, order_ref="guest")

    shelf = recommend(placement="home.trending", person=None, at=at)

    best = shelf.items[0]
    assert (best.key, best.source, best.score) == ("emma", "best_sellers", 2.0)
