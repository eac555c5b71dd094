"""What comes of decisions is learnt once each, in an order that can be replayed."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command

from engagement import tasks
from engagement.flows.collecting import exporting, privacy, retention
from engagement.flows.deciding import following, learning, policies, replaying, settling
from engagement.flows.locks import lock
from engagement.flows.serving import live
from engagement.models import (
    Decision,
    DecisionPoint,
    EventName,
    PolicyState,
    Visitor,
)
from tests import deciding
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_item, make_visitor

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = MONDAY + timedelta(days=3)
OFFERS = {"kind": DecisionPoint.Kind.OFFERS, "arms": [], "name": "cart.offer"}


def bought(visitor, value, *, at, ref="1", item=None, event=EventName.PURCHASE, quantity=1):
    return make_event(
        visitor,
        item or make_item(f"Book {Decimal(value)} {ref} {event}"),
        at=at,
        event=event,
        value=Decimal(value),
        currency="EUR",
        order_ref=ref,
        quantity=quantity,
    )


def settled(point, at=LATER):
    settling.settle(point, at=at)
    return list(Decision.objects.order_by("pk"))


# -- what an order counts for ---------------------------------------------------------------
def test_an_order_belongs_to_the_last_decision_before_it():
    point = deciding.make_point(**OFFERS, reward="revenue")
    who = make_visitor("a")
    for hours in (0, 2):
        deciding.make_decision(point, who, "ten", at=MONDAY + hours * HOUR)
    bought(who, 20, at=MONDAY + HOUR, ref="1")
    bought(who, 30, at=MONDAY + 3 * HOUR, ref="2")
    bought(who, 5, at=MONDAY + 4 * HOUR, ref="3")

    first, second = settled(point)

    assert (first.orders, first.revenue, first.reward) == (1, Decimal(20), 20.0)
    assert (second.orders, second.revenue, second.reward) == (2, Decimal(35), 35.0)


@pytest.mark.parametrize(
    ("hours", "reward"), [(-1, 0.0), (0, 1.0), (24, 1.0), (24.01, 0.0), (40, 0.0)]
)
def test_only_orders_within_the_window_count(hours, reward):
    point = deciding.make_point(**OFFERS, reward="conversion")
    who = make_visitor("a")
    deciding.make_decision(point, who, "ten", at=MONDAY)
    bought(who, 20, at=MONDAY + hours * HOUR)

    assert settled(point)[0].reward == reward


def test_other_peoples_orders_do_not_count():
    point = deciding.make_point(**OFFERS, reward="conversion")
    deciding.make_decision(point, make_visitor("a"), "ten", at=MONDAY)
    bought(make_visitor("b"), 20, at=MONDAY + HOUR)

    assert settled(point)[0].reward == 0.0


def test_what_is_bought_after_signing_in_counts_for_what_was_shown_before():
    point = deciding.make_point(**OFFERS, reward="conversion")
    customer = make_visitor("c")
    anonymous = make_visitor("a", merged_into=customer)
    deciding.make_decision(point, anonymous, "ten", at=MONDAY)
    bought(customer, 20, at=MONDAY + HOUR)

    assert settled(point)[0].reward == 1.0


def test_what_is_given_back_is_taken_off():
    point = deciding.make_point(**OFFERS, reward="revenue")
    part, whole = make_visitor("a"), make_visitor("b")
    for who, back in ((part, 5), (whole, 20)):
        deciding.make_decision(point, who, "ten", at=MONDAY)
        bought(who, 20, at=MONDAY + HOUR, ref=who.key)
        bought(who, back, at=MONDAY + 30 * HOUR, ref=who.key, event=EventName.REFUND)

    first, second = settled(point)

    assert (first.orders, first.reward) == (1, 15.0)
    assert (second.orders, second.reward) == (0, 0.0)


def test_margin_is_what_items_earn_and_else_a_share_of_what_is_paid(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "MARGIN_RATE": 0.25}
    point = deciding.make_point(**OFFERS, reward="margin")
    who = make_visitor("a")
    deciding.make_decision(point, who, "ten", at=MONDAY)
    known = make_item("Dune", price=10, attributes={"cost": "4"})
    told = make_item("Emma", price=10, attributes={"margin": 1.5})
    bought(who, 20, at=MONDAY + HOUR, item=known, quantity=2)
    bought(who, 10, at=MONDAY + HOUR, item=told)
    bought(who, 8, at=MONDAY + HOUR, item=make_item("Ulysses"))

    (row,) = settled(point)

    assert row.reward == pytest.approx(2 * 6 + 1.5 + 2)


def test_a_click_is_final_at_once_and_its_absence_after_the_window():
    point = deciding.make_point(**OFFERS, reward="click")
    clicked = deciding.make_decision(
        point, make_visitor("a"), "ten", at=MONDAY, shown_at=MONDAY, clicked_at=MONDAY + HOUR
    )
    deciding.make_decision(point, make_visitor("b"), "ten", at=MONDAY)

    assert settling.settle(point, at=MONDAY + 2 * HOUR) == 1
    clicked.refresh_from_db()
    assert clicked.reward == 1.0
    assert settling.settle(point, at=MONDAY + 25 * HOUR) == 1
    assert sorted(Decision.objects.values_list("reward", flat=True)) == [0.0, 1.0]


def test_what_is_settled_stays_as_it_was():
    point = deciding.make_point(**OFFERS, reward="revenue")
    who = make_visitor("a")
    deciding.make_decision(point, who, "ten", at=MONDAY)
    settled(point)
    bought(who, 20, at=MONDAY + HOUR)

    assert settling.settle(point, at=LATER + HOUR) == 0
    assert Decision.objects.get().reward == 0.0


# -- learning -------------------------------------------------------------------------------
def prefers_popular(arm, known):
    return 0.5 if arm == "popular" else 0.05


def newest(point):
    return PolicyState.objects.filter(version__point=point).order_by("-learnt_until").first()


def arrays(point):
    row = newest(point)
    return row.arms, policies.stored(row)


@pytest.mark.parametrize("backend", [deciding.LOGISTIC, deciding.LINEAR, deciding.MONEY])
def test_replaying_the_log_gives_the_same_state(backend, rng):
    point = deciding.make_point(backend=backend)
    for day in range(3):
        deciding.make_decisions(
            point, 40, prefers_popular, rng=rng, since=MONDAY + timedelta(days=day)
        )
        learning.learn(point, at=MONDAY + timedelta(days=day, hours=26))
    arms, state = arrays(point)

    again = learning.begun(point.versions.get())
    for _ in learning.advance(again, point.versions.get()):
        pass

    assert (again.n, again.arms) == (120, arms)
    assert again.until == newest(point).learnt_until == 120
    for name, array in state.items():
        np.testing.assert_allclose(again.state[name], array, rtol=1e-9, atol=1e-12)


def test_learning_twice_changes_nothing(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 50, prefers_popular, rng=rng)

    first = learning.learn(point, at=LATER)
    second = learning.learn(point, at=LATER + HOUR)

    assert (first.n_settled, first.n_learnt) == (50, 50)
    assert (second.n_settled, second.n_learnt) == (0, 0)
    assert PolicyState.objects.count() == 1


@pytest.mark.parametrize("after", ["settling", "learning", "half of settling"])
def test_killed_in_the_middle_it_goes_on_where_it_was(after, rng, monkeypatch):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 60, prefers_popular, rng=rng)
    monkeypatch.setattr(settling, "PIECE", 20)
    monkeypatch.setattr(learning, "PIECE", 20)

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if after == "settling":
            patch.setattr(learning, "catch_up", killed)
        elif after == "learning":
            patch.setattr(learning, "_store", killed)
        else:
            patch.setattr(settling, "_excluded", killed_at(2, settling._excluded))
        with pytest.raises(KeyboardInterrupt):
            learning.learn(point, at=LATER)
    assert not PolicyState.objects.exists()
    learning.learn(point, at=LATER)

    numbers = list(
        Decision.objects.order_by("settled_number").values_list("settled_number", flat=True)
    )
    assert numbers == list(range(1, 61))
    assert newest(point).n == 60
    _, state = arrays(point)
    again = learning.begun(point.versions.get())
    list(learning.advance(again, point.versions.get()))
    np.testing.assert_array_equal(state["pulls"], again.state["pulls"])


def killed_at(n, real):
    calls = []

    def call(*args):
        calls.append(1)
        if len(calls) == n:
            raise KeyboardInterrupt
        return real(*args)

    return call


def test_a_site_without_a_worker_learns_with_the_sweep(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 5, prefers_popular, rng=rng)
    out = StringIO()

    call_command("engagement_sweep", stdout=out)

    assert "5 decisions settled and learnt from" in out.getvalue()
    assert newest(point).n == 5


def test_the_task_learns_of_every_point(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 5, prefers_popular, rng=rng)

    tasks.learn_policies(channel="elsewhere")
    assert newest(point) is None
    tasks.learn_policies()

    assert newest(point).n == 5


def test_only_one_is_at_it(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 5, prefers_popular, rng=rng)

    with lock(f"deciding:{point.pk}", seconds=60):
        assert learning.learn_all(at=LATER) == learning.Learnt()
    assert learning.learn_all(at=LATER) == learning.Learnt(5, 5)


def test_new_arms_are_met_and_ended_ones_stay():
    point = deciding.make_point(backend=deciding.LOGISTIC)
    who = make_visitor("a")
    for number, arm in enumerate(["popular", "personal", "newest", "popular"]):
        deciding.make_decision(
            point, who, arm, at=MONDAY + number * HOUR, arms=["personal", arm, "x"]
        )
        learning.learn(point, at=MONDAY + number * HOUR + 25 * HOUR)

    arms, state = arrays(point)

    assert arms == ["popular", "personal", "newest"]
    assert list(state["pulls"]) == [2, 1, 1]


def test_one_bad_point_does_not_stop_the_others(rng, caplog):
    bad = deciding.make_point("page.bad", backend="nowhere.Policy")
    good = deciding.make_point("page.good", backend=deciding.LOGISTIC)
    for point in (bad, good):
        deciding.make_decisions(point, 5, prefers_popular, rng=rng)

    found = learning.learn_all(at=LATER)

    assert found.n_learnt == 5
    assert "page.bad" in caplog.text


def test_a_damaged_state_is_learnt_anew(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 20, prefers_popular, rng=rng)
    learning.learn(point, at=LATER)
    _, before = arrays(point)
    PolicyState.objects.update(arrays=b"rubbish")

    learning.learn(point, at=LATER)

    _, after = arrays(point)
    np.testing.assert_array_equal(after["weights"], before["weights"])


def test_machines_and_the_shops_own_people_teach_nothing(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 6, prefers_popular, rng=rng)
    ids = list(Visitor.objects.order_by("pk").values_list("pk", flat=True))
    Visitor.objects.filter(pk=ids[0]).update(exclusion="bot")
    staff = make_visitor("staff", exclusion="staff")
    Visitor.objects.filter(pk=ids[1]).update(merged_into=staff)

    found = learning.learn(point, at=LATER)

    assert (found.n_settled, found.n_learnt) == (6, 4)


def test_a_policy_that_goes_live_later_learns_from_the_whole_log(rng):
    point = deciding.make_point()
    deciding.make_decisions(point, 30, prefers_popular, rng=rng)
    learning.learn(point, at=LATER)
    second = deciding.make_version(point, deciding.LOGISTIC)
    deciding.go_live(second, at=LATER)

    learning.learn(point, at=LATER + HOUR)

    assert PolicyState.objects.get(version=second).n == 30


def test_old_states_go(rng, monkeypatch):
    monkeypatch.setattr(learning, "KEEP_STATES", 3)
    point = deciding.make_point(backend=deciding.GREEDY)
    for day in range(6):
        since = MONDAY + timedelta(days=day)
        deciding.make_decisions(point, 3, prefers_popular, rng=rng, since=since)
        learning.learn(point, at=since + timedelta(days=2))

    assert sorted(PolicyState.objects.values_list("learnt_until", flat=True)) == [12, 15, 18]


# -- deciding by what was learnt ------------------------------------------------------------
def test_what_earned_more_is_shown_more_and_each_decision_can_be_replayed(rng, monkeypatch):
    from tests import serving

    point = deciding.make_point(backend=deciding.LOGISTIC, options={"floor": 0.1})
    deciding.make_decisions(point, 150, prefers_popular, rng=rng)
    learning.learn(point, at=LATER)
    live.forget()
    from engagement.flows.serving.recommend import recommend

    for n in range(10):
        who = serving.visitor(f"b{n:032x}")
        make_visitor(who.key)
        recommend(placement=deciding.SHELF, person=who, at=LATER)

    rows = list(Decision.objects.filter(decided_at=LATER).select_related("version"))
    assert len(rows) == 10
    for row in rows:
        assert row.learnt_until == 150
        assert row.probabilities[row.arms.index("popular")] > 0.9
        again = replaying.replay(row)
        assert again.matches
        assert not again.from_log
    monkeypatch.setattr(policies, "stored", corrupt)
    assert replaying.replay(rows[0]).matches
    assert replaying.replay(rows[0]).from_log


def corrupt(row):
    raise policies.Corrupt("gone")


def test_a_decision_that_was_changed_does_not_match(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    (row,) = deciding.make_decisions(point, 1, prefers_popular, rng=rng)
    assert replaying.replay(row).matches
    row.probabilities = [0.9, 0.1]

    assert not replaying.replay(row).matches


# -- shelves --------------------------------------------------------------------------------
def test_a_click_on_a_shelf_is_credited_to_what_was_decided_there_last():
    point = deciding.make_point()
    who = make_visitor("a")
    for hours, arm in ((0, "personal"), (2, "popular")):
        deciding.make_decision(point, who, arm, at=MONDAY + hours * HOUR)
    item = make_item("Dune")

    def happened(event, hours, placement=deciding.SHELF, visitor=who):
        row = make_event(visitor, item, at=MONDAY + hours * HOUR, event=event, placement=placement)
        following.follow([row], channel="", at=row.event_time)

    happened(EventName.VIEW_ITEM_LIST, 1)
    happened(EventName.SELECT_ITEM, 3)
    happened(EventName.SELECT_ITEM, 4)
    happened(EventName.SELECT_ITEM, 1.5, placement="home.trending")
    happened(EventName.SELECT_ITEM, 1.5, visitor=make_visitor("b"))

    first, second = Decision.objects.order_by("pk")
    assert (first.shown_at, first.clicked_at) == (MONDAY + HOUR, None)
    assert (second.shown_at, second.clicked_at) == (MONDAY + 3 * HOUR, MONDAY + 3 * HOUR)


def test_a_small_shop_learns_in_the_process_that_takes_the_click():
    point = deciding.make_point(backend=deciding.LOGISTIC, learns_at_once=True)
    who = make_visitor("a")
    deciding.make_decision(point, who, "popular", at=MONDAY)
    row = make_event(
        who,
        make_item("Dune"),
        at=MONDAY + HOUR,
        event=EventName.SELECT_ITEM,
        placement=deciding.SHELF,
    )

    for _ in range(2):
        following.follow([row], channel="", at=MONDAY + HOUR)

    assert newest(point).n == 1
    assert Decision.objects.get().reward == 1.0


def test_learning_at_once_never_breaks_the_page(monkeypatch, caplog):
    point = deciding.make_point(learns_at_once=True)

    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(settling, "settle", fail)
    row = make_event(make_visitor("a"), make_item("Dune"), at=MONDAY, event=EventName.SELECT_ITEM)
    following.follow([row], channel="", at=MONDAY)

    assert "cannot learn at once" in caplog.text
    assert point.decisions.count() == 0


def test_what_is_too_old_goes_and_what_was_learnt_of_it_stays(rng, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RETENTION_DAYS": 30}
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 10, prefers_popular, rng=rng)
    learning.learn(point, at=LATER)
    later = MONDAY + timedelta(days=40)
    deciding.make_decisions(point, 5, prefers_popular, rng=rng, since=later)

    retention.purge_events(channel="", at=later)
    assert Decision.objects.count() == 5
    # The numbers go on: a policy would pass over those that it has learnt until.
    learning.learn(point, at=later + timedelta(days=2))

    assert newest(point).n == 15
    assert Visitor.objects.count() >= 5


def test_an_erased_decisions_number_is_not_given_again(rng):
    point = deciding.make_point(backend=deciding.LOGISTIC)
    deciding.make_decisions(point, 10, prefers_popular, rng=rng)
    learning.learn(point, at=LATER)
    privacy.erase(key=Decision.objects.get(settled_number=10).visitor.key)
    deciding.make_decisions(point, 1, prefers_popular, rng=rng, since=LATER)

    learning.learn(point, at=LATER + 25 * HOUR)

    assert newest(point).n == 11


def test_what_was_decided_for_a_person_is_told_to_the_person():
    point = deciding.make_point()
    deciding.make_decision(point, make_visitor("a"), "popular", at=MONDAY, context={"phone": 1.0})

    (told,) = exporting.export(key="a")["decisions"]

    assert told["place"] == deciding.SHELF
    assert told["shown"] == "popular"
    assert told["known"] == {"phone": 1.0}
    assert exporting.export(key="b")["decisions"] == []


def test_erasing_a_person_erases_what_was_decided():
    point = deciding.make_point()
    deciding.make_decision(point, make_visitor("a"), "popular", at=MONDAY)

    privacy.erase(key="a")

    assert not Decision.objects.exists()
