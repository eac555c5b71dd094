"""What holds for every shelf, whatever the shop, the visitor and the rules are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.flows import history
from engagement.flows.history import History, Past
from engagement.flows.placements import STOCK, Rule
from engagement.flows.recommend import recommend
from engagement.models import EventName
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
)
def test_a_shelf_shows_all_it_may_and_nothing_else(
    shop, at, viewed, bought, hidden, context, cart, exclude, sold_out, wishes, n, diversity
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
        STOCK["home.for_you"], rules=tuple(wishes), diversity=diversity, exclude_bought=True
    )
    asked = {"context": context, "cart": cart, "exclude": exclude, "n": n}

    def fill():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(history, "of", lambda person, *, at: told)
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
