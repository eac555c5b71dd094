import numpy as np
import pytest

from engagement.learning import cleaning
from engagement.learning.cleaning import EventLog

VIEW, BUY, REFUND = 3, 10, 11
DAY = 86_400


def log(*rows):
    """Build a log from dictionaries; what a row does not say is unremarkable."""
    names = {
        "visitors": 1,
        "items": 1,
        "events": VIEW,
        "moments": 0,
        "quantities": 1,
        "values": -1,
        "orders": -1,
        "sessions": -1,
    }
    return EventLog(
        **{
            name: np.array([row.get(name, default) for row in rows], dtype=np.int64)
            for name, default in names.items()
        }
    )


def bought(item=1, *, order=-1, n=1, at=0, by=1):
    return {"events": BUY, "items": item, "orders": order, "quantities": n, "moments": at} | {
        "visitors": by
    }


def returned(item=1, **more):
    return bought(item, **more) | {"events": REFUND}


def kept_purchases(*rows):
    found = log(*rows)
    keep = cleaning.not_taken_back(found, purchase=BUY, refund=REFUND)
    assert keep[found.events == REFUND].all()
    return np.flatnonzero(keep & (found.events == BUY)).tolist()


class TestRefunds:
    def test_a_refund_takes_back_what_its_order_bought(self):
        rows = [bought(order=1, n=2), bought(order=2, n=2), returned(order=1, n=2)]

        assert kept_purchases(*rows) == [1]

    def test_a_part_of_an_order_returned_leaves_the_purchase(self):
        assert kept_purchases(bought(order=1, n=3), returned(order=1, n=2)) == [0]
        assert (
            kept_purchases(bought(order=1, n=3), returned(order=1, n=2), returned(order=1, n=1))
            == []
        )

    def test_a_refund_with_a_number_of_its_own_takes_the_latest_purchases_before_it(self):
        rows = [
            bought(at=10, order=1, n=2),
            bought(at=20, order=2, n=2),
            bought(at=40, order=3, n=2),
            returned(at=30, order=9, n=2),
        ]

        assert kept_purchases(*rows) == [0, 2]

    def test_many_pieces_reach_back_over_several_purchases(self):
        rows = [bought(at=10, n=2), bought(at=20, n=2), returned(at=30, n=3)]

        assert kept_purchases(*rows) == [0]
        rows.append(returned(at=31, n=1))
        assert kept_purchases(*rows) == []

    def test_other_peoples_and_other_items_purchases_stay(self):
        rows = [bought(by=1), bought(2, by=2), returned(2, by=1, at=5)]

        assert kept_purchases(*rows) == [0, 1]

    def test_a_guest_can_only_be_known_by_the_order(self):
        rows = [bought(by=-1, order=1), bought(by=-1, order=2), returned(by=-1, order=2)]

        assert kept_purchases(*rows) == [0]
        assert kept_purchases(bought(by=-1), returned(by=-1, at=1)) == [0]

    def test_a_refund_without_an_item_takes_the_whole_order_back(self):
        rows = [bought(1, order=1), bought(2, order=1), bought(2, order=2), returned(-1, order=1)]

        assert kept_purchases(*rows) == [2]

    def test_nothing_returned_nothing_taken(self):
        assert kept_purchases(bought(), bought(2)) == [0, 1]
        assert kept_purchases() == []


class TestMachines:
    def test_more_events_a_day_than_anyone_has(self):
        found = log(
            *[{"visitors": 1, "moments": second} for second in range(4)],
            *[{"visitors": 2, "moments": second * DAY} for second in range(4)],
            *[{"visitors": -1} for _ in range(9)],
        )

        keep = cleaning.not_by_tireless(found, per_day=3)

        assert keep.tolist() == [False] * 4 + [True] * 13

    def test_a_day_is_a_day_of_the_calendar(self):
        found = log(*[{"moments": DAY - 2 + second} for second in range(4)])

        assert cleaning.not_by_tireless(found, per_day=2).all()
        assert not cleaning.not_by_tireless(found, per_day=1).any()

    def test_pages_faster_than_anyone_reads(self):
        fast = [{"visitors": 1, "moments": 1_000 + second} for second in range(5)]
        slow = [{"visitors": 2, "moments": 1_000 + second * 61} for second in range(5)]
        found = log(*fast, *slow, {"visitors": 1, "events": BUY, "moments": DAY})

        keep = cleaning.not_by_superhuman(found, views=np.array([VIEW]), per_minute=5)

        assert keep.tolist() == [False] * 5 + [True] * 5 + [False]

    def test_the_lines_of_one_order_are_not_pages(self):
        found = log(*[{"events": BUY, "moments": 7} for _ in range(9)])

        assert cleaning.not_by_superhuman(found, views=np.array([VIEW]), per_minute=5).all()

    def test_moments_to_the_minute_say_nothing_about_speed(self):
        found = log(*[{"moments": 600} for _ in range(9)])

        assert cleaning.not_by_superhuman(found, views=np.array([VIEW]), per_minute=5).all()

    def test_two_visitors_together_are_not_one_fast_one(self):
        found = log(*[{"visitors": 1 + n % 2, "moments": 1_001} for n in range(8)])

        assert cleaning.not_by_superhuman(found, views=np.array([VIEW]), per_minute=5).all()


class TestDoubles:
    def test_the_first_of_equal_events_stays(self):
        found = log({"moments": 11}, {"moments": 10}, {"moments": 20}, {"moments": 21, "items": 2})

        assert cleaning.first_of_doubles(found).tolist() == [False, True, True, True]

    @pytest.mark.parametrize("other", [{"visitors": 2}, {"items": 2}, {"events": BUY}])
    def test_events_that_differ_in_anything_are_no_doubles(self, other):
        assert cleaning.first_of_doubles(log({}, other)).all()

    def test_guests_are_told_apart_by_their_orders(self):
        rows = [{"visitors": -1, "orders": order, "events": BUY} for order in (1, 2, 1, -1, -1)]

        assert cleaning.first_of_doubles(log(*rows)).tolist() == [True, True, False, True, True]


def test_amounts_no_customer_can_mean():
    found = log(
        {"quantities": 0},
        {"quantities": 10},
        {"quantities": 11},
        {"values": 500},
        {"values": 501},
        {"values": -1},
    )

    keep = cleaning.possible(found, max_quantity=10, max_value=5)

    assert keep.tolist() == [False, True, False, True, False, True]


class TestSessions:
    def number(self, visitors, moments, **more):
        return cleaning.number_sessions(
            np.array(visitors, dtype=np.int64), np.array(moments, dtype=np.int64), gap=30, **more
        ).tolist()

    def test_a_pause_ends_a_visit(self):
        assert self.number([1, 1, 1, 1], [0, 30, 61, 62]) == [0, 0, 1, 1]

    def test_events_may_come_in_any_order(self):
        one, two, three = self.number([1, 2, 1], [20, 0, 0])

        assert one == three != two

    def test_a_named_session_keeps_its_events_together(self):
        known = np.array([7, -1, 7], dtype=np.int64)

        one, two, three = self.number([1, 1, 1], [0, 1, 500], known=known)
        assert one == three != two

    def test_nobody_visits_with_nobody(self):
        assert len(set(self.number([-1, -1], [0, 0]))) == 2

    def test_no_events_no_visits(self):
        assert self.number([], []) == []


def test_pairs_are_equal_only_where_both_numbers_are():
    first = np.array([1, 1, 2, -1, 2], dtype=np.int64)
    second = np.array([5, 6, 5, 5, 5], dtype=np.int64)

    numbers = cleaning.pair(first, second).tolist()

    assert numbers[2] == numbers[4]
    assert len(set(numbers)) == 4


def test_no_rule_minds_an_empty_log():
    empty = log()

    assert len(cleaning.not_by_tireless(empty, per_day=1)) == 0
    assert len(cleaning.not_by_superhuman(empty, views=np.array([VIEW]))) == 0
    assert len(cleaning.first_of_doubles(empty)) == 0
    assert len(cleaning.not_taken_back(empty, purchase=BUY, refund=REFUND)) == 0
    assert len(cleaning.possible(empty, max_quantity=1, max_value=1)) == 0
