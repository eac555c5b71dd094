"""Visitors with hidden tastes shop in the demonstration; policies find out, and figures move."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from engagement.flows.deciding import versions
from engagement.flows.metrics import reading
from engagement.flows.serving import live
from engagement.models import (
    Decision,
    DecisionPoint,
    Event,
    PolicyState,
    Redemption,
    Visitor,
)
from shop_demo.adapter import DemoAdapter
from shop_demo.models import Order, Product
from shop_demo.seeding import points
from shop_demo.simulation import days, earning, regret, walkers
from shop_demo.simulation.world import MARK, Habits
from tests import deciding, promoting
from tests.othershop.catalogue import make_item

CATS, BABIES = "Pets", "Baby & Care"
PLACE = "cart.offer"
TODAY = date(2026, 6, 15)
# Nearly nobody buys at the full price, and nearly everybody what is made much cheaper.
MOVED = Habits(
    visits_a_week=4.5, loyalty=0.9, unmoved=-4.0, sensitivity=25.0, spread=0.1, with_cart=1
)


@pytest.fixture
def stocked(shop, settings, tmp_path):
    """The demonstration shop with its catalogue mirrored, and half of its visitors held out."""
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 0.5, "POLL_SECONDS": 0}
    settings.VAR = tmp_path
    for item in DemoAdapter().iter_items():
        make_item(
            item.title, external_id=item.key, price=item.price, category=" > ".join(item.category)
        )
    Product.objects.update(stock=500)
    return shop


@pytest.fixture
def offers(stocked):
    """Two offers, each for one department, and a policy that chooses between them and none."""
    now = timezone.now()
    for name, department in (("cats", CATS), ("babies", BABIES)):
        promoting.promotion(
            name,
            value=Decimal(40),
            scope="category",
            scope_keys=[department],
            code_kind="personal",
            of=promoting.campaign(f"of-{name}", currency="USD", started_at=now),
        )
    point = DecisionPoint.objects.create(name=PLACE, reward="conversion", window_hours=1)
    version = versions.make(point, backend=deciding.LOGISTIC, options={"floor": 0.05, "width": 0.5})
    deciding.go_live(version)


def simulate(n_days=3, visitors=250, **options):
    options = {"favourites": [CATS, BABIES], "habits": MOVED, **options}
    return days.simulate(
        days=n_days, visitors=visitors, seed=3, until=TODAY, places=[PLACE], **options
    )


def uplift(story, name="conversion"):
    found = reading.dashboard(channel="", since=story.first, until=story.last)
    return next(one.uplift for one in found.figures if one.kind.name == name)


def counts():
    """How many rows there are of everything that the app and the shop keep."""
    models = [*apps.get_app_config("engagement").get_models()]
    models += apps.get_app_config("shop_demo").get_models()
    return {model.__name__: model.objects.count() for model in models}


def said(*args, **options):
    out = StringIO()
    call_command("simulate_shoppers", *args, stdout=out, verbosity=0, **options)
    return out.getvalue()


def test_each_taste_gets_its_offer_and_the_dashboard_says_what_that_earns(offers):
    before = counts()
    sold = dict(Product.objects.values_list("pk", "n_sold"))

    story = simulate()

    last = story.noted[-len(story.noted) // 4 :]
    shown = regret.shares(last)
    assert shown[CATS].get("cats", 0) > 0.6 > 0.3 > shown[CATS].get("babies", 0)
    assert shown[BABIES].get("babies", 0) > 0.6 > 0.3 > shown[BABIES].get("cats", 0)
    lost = regret.of_point(story.noted)
    assert lost.policy[-1] < lost.chance[-1]
    assert lost.policy[-1] < lost.fixed[-1]
    # Orders are the shop's own, with the offer taken off, once.
    assert story.n_orders == Order.objects.filter(email__endswith="@simulated.invalid").count() > 50
    assert story.taken_off == sum(Redemption.objects.values_list("discount", flat=True)) > 0
    assert Decision.objects.filter(orders=1, reward=1).exists()
    for name in ("conversion", "revenue_per_visitor"):
        assert uplift(story, name).low > 0
    alone = earning.uplifts(since=story.first, until=story.last)
    assert alone["revenue"].value == pytest.approx(uplift(story, "revenue_per_visitor").value)

    assert "Forgotten: 250 visitors" in said("--forget")
    assert counts() == before
    assert dict(Product.objects.values_list("pk", "n_sold")) == sold
    assert set(Product.objects.values_list("stock", flat=True)) == {500}
    assert not Visitor.objects.filter(key__startswith=MARK).exists()
    assert not PolicyState.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_windows_end_by_the_simulated_clock(offers):
    DecisionPoint.objects.update(learns_at_once=True, window_hours=72)
    live.forget()

    simulate(1, 12)

    assert Decision.objects.exists()
    assert not Decision.objects.filter(settled_at__isnull=False).exists()


@pytest.mark.slow
def test_where_offers_suit_nobody_no_uplift_is_claimed(offers):
    story = simulate(favourites=["Pantry"])

    found = uplift(story)
    assert min(found.n_control, found.n_variant) >= 100
    assert found.low < 0 < found.high


def test_the_command_tells_what_happened_and_draws_it(offers, tmp_path):
    picture = tmp_path / "regret.svg"

    told = said("--days", "2", "--visitors", "12", "--picture", str(picture))

    assert "visits of 12 visitors" in told
    assert "who likes" in told
    assert "uplift" in told
    assert "what is learnt" in picture.read_text()
    with pytest.raises(CommandError, match="--forget them first, or name another --seed"):
        said("--days", "2", "--visitors", "12")
    said("--days", "2", "--visitors", "2", "--seed", "2")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--days", "0"], "--days is a whole number above 0"),
        (["--picture", "x.png"], "ends in .svg"),
        (["--picture", "/nowhere/x.svg"], "no folder /nowhere"),
        (["--place", "cart.nothing"], "No policy decides at cart.nothing; there are"),
        (["--favourite", "Cars"], "no department Cars; it has"),
        (["--url", "ftp://127.0.0.1"], "takes an address such as"),
        (["--url", "http://192.0.2.1/"], "192.0.2.1 is not this machine"),
        (["--url", "http://127.0.0.1:1/"], "No shop answers"),
        (["--url", "http://127.0.0.1:1/", "--picture", "x.svg"], "the truth about visitors"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_a_reason(offers, args, message):
    with pytest.raises(CommandError, match=message):
        said(*args)

    assert not Visitor.objects.filter(key__startswith=MARK).exists()


def test_a_shop_without_goods_or_offers_says_what_is_missing(stocked):
    with pytest.raises(CommandError, match="No decision point is active"):
        said()
    points.save(timezone.now())
    with pytest.raises(CommandError, match="No campaign that runs has offers for"):
        said()
    Product.objects.update(stock=0)
    with pytest.raises(CommandError, match="shop_demo_seed fills it"):
        said()


@pytest.mark.django_db(transaction=True)
def test_walkers_browse_the_running_shop_take_offers_and_order(offers, live_server):
    before = Order.objects.count()

    told = said("--url", live_server.url, "--visitors", "3", "--seed", "4")

    walked = Order.objects.filter(email__startswith=walkers.NAME)
    assert f"{walked.count()} orders" in told
    assert walked.exists()
    refs = list(walked.values_list("number", flat=True))
    bought = set(Event.objects.filter(order_ref__in=refs).values_list("visitor", flat=True))
    assert bought
    assert None not in bought
    assert len(walkers.known()) == 3

    said("--forget")

    assert Order.objects.count() == before
    assert not Visitor.objects.filter(pk__in=bought).exists()
    assert walkers.known() == []
    assert set(Product.objects.values_list("stock", flat=True)) == {500}
