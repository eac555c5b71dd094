"""What simulated shoppers are made of, without a database."""

from __future__ import annotations

import runpy
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

import shop_demo.settings
from engagement.flows.promotions.discounts import Terms
from engagement.flows.promotions.offers import RunningOffer
from engagement.management.pictures import curves
from shop_demo.simulation import pages, shopping, walkers, walking, world
from shop_demo.simulation.goods import Good, Goods
from shop_demo.simulation.visiting import address
from shop_demo.simulation.world import Habits

GOODS = Goods(
    [
        Good(UUID(int=n), Decimal(4), f"{('Fruit', 'Pets')[n % 2]} > Some", 1.0 + n)
        for n in range(1, 9)
    ]
)
NOON = datetime.fromisoformat("2026-06-15T12:00:00+00:00")


@pytest.fixture
def people(rng):
    return world.make(20, GOODS, favourites=["Fruit", "Pets"], habits=Habits(), seed=7, rng=rng)


def plan(who, rng, **habits):
    return shopping.plan(1, who, NOON, goods=GOODS, habits=Habits(with_cart=1, **habits), rng=rng)


def test_visitors_are_the_same_for_the_same_seed_and_told_by_their_keys(people):
    assert len({one.key for one in people}) == 20
    assert all(one.key.startswith(world.MARK) and walkers.KEY.match(one.key) for one in people)
    again = world.make(
        20, GOODS, favourites=["Fruit"], habits=Habits(), seed=7, rng=np.random.default_rng(1)
    )
    assert [one.key for one in again] == [one.key for one in people]


def test_most_of_what_is_looked_at_is_what_one_likes(people, rng):
    fond = next(one for one in people if one.favourite == "Pets")

    viewed = [good for _visit in range(60) for good in plan(fond, rng).viewed]

    assert np.mean([good.path.startswith("Pets") for good in viewed]) > 0.6


def test_a_department_sells_more_in_its_season(people):
    shares = np.array([0.5, 0.5])

    winter, summer = (
        world.in_season(shares, day, 0.3) for day in (date(2026, 1, 1), date(2026, 7, 1))
    )

    assert winter.sum() == pytest.approx(1)
    assert winter[0] > 0.6 > 0.4 > summer[0]


def offer(department):
    terms = Terms("percentage", Decimal(50), scope="category", scope_keys=(department,))
    return RunningOffer(1, 1, "", f"half-{department}", "spring", terms)


def test_an_offer_is_worth_something_where_it_takes_something_off(people, rng):
    visit = plan(people[1], rng, loyalty=1.0)
    visit = shopping.Visit(
        1, people[1], NOON, visit.viewed, [(GOODS.draw(rng, np.array([0.0, 1.0]), 1)[0], 2)],
        visit.pauses, 0.5, 0.5,
    )  # fmt: skip
    cart = shopping.cart_of(visit)

    def worth(reward, one):
        return shopping.expected(reward, visit, one, cart=cart, goods=GOODS, habits=Habits())

    assert shopping.saving(offer("Pets"), cart) == 4
    assert shopping.saving(offer("Fruit"), cart) == 0
    assert worth("conversion", offer("Pets")) > worth("conversion", None)
    assert worth("conversion", offer("Fruit")) == worth("conversion", None)
    # Half off is more than the margin: it sells, and loses money.
    assert worth("margin", offer("Pets")) < 0 < worth("margin", None)


def test_a_page_is_read_as_a_browser_would():
    page = pages.read(
        "http://127.0.0.1/cart/",
        """<a href="/shop/pets/"> <b>Pets</b> &amp; more</a><a href="/p/1/">Milk</a>
        <aside data-engagement-promotion="TOKEN"><form method="post" action="/cart/code/">
        <input type="hidden" name="csrfmiddlewaretoken" value="x"><input name="code" value="ABC">
        <button>Use it</button></form></aside>
        <form method="post" action="/consent/"><button name="consent" value="no">No</button>
        <button name="consent" value="yes">Yes</button></form>
        <form method="post"><input type="radio" name="payment" value="accepted" checked>
        <input type="radio" name="payment" value="declined"></form>
        <script data-events-url="/engagement/events/"></script>""",
    )

    assert page.links_to("/shop/") == [("/shop/pets/", "Pets & more")]
    assert page.offers == ["TOKEN"]
    code, consent, checkout = page.forms
    assert (code.offer, code.fields) == ("TOKEN", {"csrfmiddlewaretoken": "x", "code": "ABC"})
    assert (consent.offer, consent.choices) == ("", {"consent": ["no", "yes"]})
    assert checkout.fields == {"payment": "accepted"}
    assert page.events_url == "/engagement/events/"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/shop/", "http://[::1]:8000", "http://localhost"]
)
def test_this_machine_may_be_visited(url):
    assert walking.own_address(url).endswith("/")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "127.0.0.1:8000", "http://192.0.2.1/", "http://a b/", "http://[x/"],
)
def test_no_other_address_is_visited(url):
    with pytest.raises(walking.CannotWalk, match="--url"):
        walking.own_address(url)


def test_orders_are_told_by_an_address_that_no_mail_reaches():
    assert address("walker-1").email == "walker-1@simulated.invalid"


def test_curves_are_drawn_and_told():
    drawn = curves(
        "What was lost",
        {"by chance": [float(n) for n in range(500)], "the best": [0.0] * 500},
        x_label="decisions",
        y_label="regret",
    )

    assert drawn.count("<polyline") == 2
    assert "by chance: 499 after 500." in drawn
    assert "<title>What was lost</title>" in drawn
    assert curves("Nothing", {}, x_label="", y_label="").startswith("<svg")


@pytest.mark.parametrize(("told", "share"), [("0.2", 0.2), ("", 0.0), (None, 0.0)])
def test_the_hold_out_of_the_demonstration_comes_from_the_environment(
    monkeypatch, tmp_path, told, share
):
    monkeypatch.setenv("SHOP_DEMO_VAR", str(tmp_path))
    monkeypatch.delenv("HOLDOUT_SHARE", raising=False)
    if told is not None:
        monkeypatch.setenv("HOLDOUT_SHARE", told)

    found = runpy.run_path(shop_demo.settings.__file__)

    assert found["ENGAGEMENT"]["HOLDOUT_SHARE"] == share
