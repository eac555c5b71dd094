import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagement.flows.training import dataset, event_log
from engagement.models import Event, EventName, Item, Visitor

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = MONDAY + timedelta(days=30)
CUP, BOWL, SPOON = 1, 2, 3


@pytest.fixture
def items():
    Item.objects.bulk_create(
        Item(pk=pk, external_id=name, key=name, title=name.title())
        for pk, name in ((CUP, "cup"), (BOWL, "bowl"), (SPOON, "spoon"))
    )


@pytest.fixture
def ann(items):
    return Visitor.objects.create(key="ann")


@pytest.fixture
def bob(items):
    return Visitor.objects.create(key="bob")


def happened(visitor, item, event="view_item", *, after=0.0, **more):
    """Store one event, ``after`` minutes past Monday nine o'clock."""
    return Event.objects.create(
        key=uuid.uuid4(),
        visitor=visitor,
        item_id=item,
        event=EventName.from_code(event),
        event_time=MONDAY + timedelta(minutes=after),
        **more,
    )


def load(**more):
    return dataset.load(**{"channel": "", "until": LATER, **more})


def triples(found):
    """Return (row key, item, weight) in the order of the data set."""
    data = found.interactions
    return [
        (int(data.row_keys[row]), int(data.column_keys[column]), float(weight))
        for row, column, weight in zip(data.rows, data.columns, data.weights, strict=True)
    ]


def test_events_become_weighted_interactions_oldest_first(ann, bob):
    happened(bob, CUP, "purchase", after=5, quantity=12)
    happened(ann, BOWL, "view_item", after=1)
    happened(ann, BOWL, "add_to_cart", after=2)

    found = load()

    assert triples(found) == [(ann.pk, BOWL, 1.0), (ann.pk, BOWL, 3.0), (bob.pk, CUP, 5.0)]
    start = int(MONDAY.timestamp())
    assert found.interactions.moments.tolist() == [start + 60, start + 120, start + 300]
    assert found.interactions.column_keys.tolist() == [CUP, BOWL]
    assert found.n_events == 3
    assert not any(found.cleaning.values())


def test_the_log_is_read_while_queries_are_noted(ann, bob):
    """As under DEBUG: PostgreSQL's COPY has to get past the cursor that notes them."""
    with CaptureQueriesContext(connection):
        test_events_become_weighted_interactions_oldest_first(ann, bob)


def test_an_empty_log_is_an_empty_dataset(items):
    found = load()

    assert len(found.interactions) == 0
    assert found.interactions.n_rows == found.interactions.n_columns == 0


def test_only_the_window_the_channel_and_the_kinds_asked_for_are_read(ann):
    other = Item.objects.create(pk=50, channel="fr", external_id="cup", title="Tasse")
    happened(ann, CUP, after=0)
    happened(ann, BOWL, after=10)
    happened(ann, SPOON, "add_to_cart", after=10)
    happened(ann, CUP, after=20)
    happened(None, other.pk, after=10, channel="fr", session_id="s")

    found = load(
        since=MONDAY + timedelta(minutes=5),
        until=MONDAY + timedelta(minutes=10),
        events=["view_item"],
        weights={"view_item": 0.5},
    )

    assert triples(found) == [(ann.pk, BOWL, 0.5)]


def test_moments_with_fractions_and_far_dates_are_whole_seconds(ann):
    happened(ann, CUP, after=0.0251)
    old = happened(ann, BOWL)
    Event.objects.filter(pk=old.pk).update(event_time=datetime(1995, 1, 1, tzinfo=UTC))

    assert load().interactions.moments.tolist() == [788918400, int(MONDAY.timestamp()) + 1]


def test_what_was_done_before_signing_in_is_the_customers(ann, bob):
    phone = Visitor.objects.create(key="phone", merged_into=ann)
    old_phone = Visitor.objects.create(key="old-phone", merged_into=phone)
    happened(old_phone, CUP)
    happened(phone, BOWL, after=1)
    happened(ann, SPOON, after=2)

    assert triples(load()) == [(ann.pk, CUP, 1.0), (ann.pk, BOWL, 1.0), (ann.pk, SPOON, 1.0)]


def test_staff_bots_and_people_who_said_no_teach_nothing(ann, bob):
    clerk = Visitor.objects.create(key="clerk", exclusion="staff")
    robot = Visitor.objects.create(key="robot", exclusion="bot")
    shy = Visitor.objects.create(key="shy", consent=False)
    clerks_phone = Visitor.objects.create(key="clerks-phone", merged_into=clerk)
    for minute, visitor in enumerate([ann, clerk, robot, shy, clerks_phone]):
        happened(visitor, CUP, after=minute)

    found = load()

    assert triples(found) == [(ann.pk, CUP, 1.0)]
    assert found.cleaning["staff"] == 2
    assert found.cleaning["bots"] == 1
    assert found.cleaning["no_consent"] == 1


def test_a_visitor_who_never_sleeps_is_a_machine(ann, bob, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "BOT_EVENTS_PER_DAY": 3}
    for minute in range(4):
        happened(bob, 1 + minute % 3, after=minute)
        happened(ann, 1 + minute % 3, after=minute * 24 * 60)

    found = load()

    assert {row for row, _, _ in triples(found)} == {ann.pk}
    assert found.cleaning["bots"] == 4


def test_a_refund_takes_the_purchase_of_its_order_back(ann):
    happened(ann, CUP, "purchase", order_ref="1", quantity=2)
    happened(ann, CUP, "purchase", order_ref="2", quantity=2, after=60)
    happened(ann, CUP, "refund", order_ref="1", quantity=2, after=120)

    found = load()

    assert found.interactions.moments.tolist() == [int(MONDAY.timestamp()) + 3600]
    assert (found.cleaning["taken_back"], found.cleaning["refunds"]) == (1, 1)
    assert found.n_events == 3


def test_doubles_are_counted_once(ann):
    happened(ann, CUP)
    happened(ann, CUP, after=0.01)
    happened(ann, CUP, after=1)

    found = load()

    assert len(found.interactions) == 2
    assert found.cleaning["duplicates"] == 1


def test_impossible_amounts_are_left_out(ann, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "MAX_QUANTITY": 100, "MAX_VALUE": 500}
    happened(ann, CUP, "purchase", quantity=101, value="10.00")
    happened(ann, BOWL, "purchase", quantity=100, value="500.01")
    happened(ann, SPOON, "purchase", quantity=100, value="500.00")

    found = load()

    assert triples(found) == [(ann.pk, SPOON, 5.0)]
    assert found.cleaning["impossible"] == 2


def test_guests_have_no_row_of_their_own_but_their_orders_have(ann):
    happened(None, CUP, "purchase", order_ref="guest-1")
    happened(None, BOWL, "purchase", order_ref="guest-1")
    happened(ann, SPOON, "purchase", order_ref="ann-1", after=1)

    by_visitor = load()
    by_order = load(group_by="order", events=["purchase"])

    assert triples(by_visitor) == [(ann.pk, SPOON, 5.0)]
    assert by_visitor.cleaning["guests"] == 2
    data = by_order.interactions
    assert data.matrix().toarray().tolist() == [[5.0, 5.0, 0.0], [0.0, 0.0, 5.0]]


def test_purchases_without_an_order_are_grouped_by_visit(ann, bob):
    happened(ann, CUP, "purchase")
    happened(ann, BOWL, "purchase", after=20)
    happened(ann, SPOON, "purchase", after=120)
    happened(bob, CUP, "purchase", session_id="s1")
    happened(bob, SPOON, "purchase", session_id="s1", after=300)

    found = load(group_by="order", events=["purchase"]).interactions.matrix().toarray()

    assert sorted(map(tuple, (found > 0).astype(int).tolist())) == [(0, 0, 1), (1, 0, 1), (1, 1, 0)]


def test_large_catalogues_keep_their_most_used_items(ann, bob):
    for minute, (visitor, item) in enumerate(
        [(ann, SPOON), (bob, SPOON), (ann, CUP), (bob, BOWL), (bob, BOWL)]
    ):
        happened(visitor, item, after=minute)

    found = load(max_items=2)

    assert found.interactions.column_keys.tolist() == [BOWL, SPOON]
    assert found.cleaning["rare_items"] == 1


def test_an_unknown_event_is_refused(items):
    with pytest.raises(ValueError, match="no event 'buy'"):
        load(events=["buy"])


def test_the_same_log_gives_the_same_arrays_in_any_order_of_storage(ann, bob):
    rows = [(ann, CUP, 1), (bob, BOWL, 1), (ann, BOWL, 1), (bob, CUP, 0)]
    for visitor, item, minute in rows:
        happened(visitor, item, "purchase", after=minute, order_ref=f"{visitor.pk}-{minute}")
    first = load(group_by="order").interactions
    Event.objects.all().delete()
    for visitor, item, minute in reversed(rows):
        happened(visitor, item, "purchase", after=minute, order_ref=f"{visitor.pk}-{minute}")
    second = load(group_by="order").interactions

    assert np.array_equal(first.moments, second.moments)
    assert np.array_equal(first.columns, second.columns)


class TestIndexes:
    """The queries that run all day use an index, on a table where that matters."""

    @pytest.fixture(autouse=True)
    def _log(self, ann, bob):
        n = 4000
        Item.objects.bulk_create(
            Item(pk=100 + number, external_id=str(number), key=str(number), title="A cup")
            for number in range(200)
        )
        Event.objects.bulk_create(
            Event(
                key=uuid.uuid4(),
                visitor=ann if number % 40 == 0 else bob,
                item_id=100 + number % 200,
                event=EventName.VIEW_ITEM if number % 3 else EventName.ADD_TO_CART,
                event_time=MONDAY + timedelta(minutes=number),
            )
            for number in range(n)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def test_the_training_window(self):
        rows = event_log.window(
            channel="",
            events=[EventName.VIEW_ITEM],
            since=MONDAY + timedelta(minutes=3900),
            until=LATER,
        )

        assert "engagement_event_window" in rows.explain()

    def test_a_visitors_history(self, ann):
        rows = Event.objects.filter(visitor=ann).order_by("-event_time")[:50]

        plan = rows.explain()
        assert "engagement_event_history" in plan
        assert "SORT" not in plan.upper().replace("SORT KEY", "")
