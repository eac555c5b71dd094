"""The long lists of the admin: what they show, whom they let in, what they cost."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from engagement.admin.events import EventAdmin
from engagement.admin.listing import CappedPaginator
from engagement.models import Event, EventName, Item, Visitor
from tests.othershop.catalogue import make_event, make_item, make_visitor

LISTS = ("event", "item", "visitor", "modelartifact", "activation", "placement")


@pytest.fixture
def clerk(django_user_model):
    """Someone who may enter the admin and has no permission yet."""
    return django_user_model.objects.create_user("clerk", password="x", is_staff=True)


@pytest.fixture
def allow(clerk, client):
    """Let the clerk in, with permissions."""

    def with_permissions(*codenames):
        clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(clerk)
        return client

    return with_permissions


def page(name, *args):
    return reverse(f"admin:engagement_{name}", args=args)


def rows(response):
    """Return the text of each row of a list."""
    table = re.search(r'id="result_list".*?</table>', response.content.decode(), re.S)
    body = table.group(0).split("<tbody>", 1)[1] if table else ""
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    ]


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_for_those_who_may_see_it_and_for_nobody_else(db, allow, client, name):
    url = page(f"{name}_changelist")
    assert client.get(url).status_code == 302
    assert allow().get(url).status_code == 403
    assert allow(f"view_{name}").get(url).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_in_two_languages(admin_client, name, language):
    make_event("reader", make_item("Dune"), at=timezone.now())

    response = admin_client.get(page(f"{name}_changelist"), headers={"accept-language": language})

    assert response.status_code == 200


# -- events ---------------------------------------------------------------------------------
@pytest.fixture
def log(db):
    """Three books, two readers, a week of events; the newest first in the list."""
    now = timezone.now()
    dune, emma = make_item("Dune"), make_item("Emma")
    reader, other = make_visitor("reader"), make_visitor("other")
    make_event(reader, dune, at=now - timedelta(days=6), placement="home.for_you", rank=2)
    make_event(
        reader,
        dune,
        at=now - timedelta(days=5),
        event=EventName.PURCHASE,
        order_ref="1001",
        value=9,
        currency="EUR",
    )
    make_event(other, emma, at=now)
    return now


def test_events_are_listed_newest_first_by_their_names(log, admin_client):
    found = rows(admin_client.get(page("event_changelist")))

    assert len(found) == 3
    assert "view_item item viewed Emma other" in found[0]
    assert "purchase bought Dune reader 1 for 9.00 EUR 1001" in found[1]


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("q=reader", 2),
        ("q=dune", 2),
        ("q=1001", 1),
        ("q=100", 0),
        ("q=Dun", 0),
        ("event=purchase", 1),
        ("placement=home.for_you", 1),
        ("day=today", 1),
        ("day=30", 3),
        ("day=30&event=view_item", 2),
    ],
)
def test_events_are_found_exactly(log, admin_client, query, n):
    response = admin_client.get(f"{page('event_changelist')}?{query}")

    assert len(rows(response)) == n


def test_a_single_day_can_be_chosen(log, admin_client):
    day = timezone.localdate(log - timedelta(days=5))

    response = admin_client.get(f"{page('event_changelist')}?day={day:%Y-%m-%d}")

    assert len(rows(response)) == 1
    assert f'value="{day:%Y-%m-%d}"' in response.content.decode()


@pytest.mark.parametrize("query", ["day=tomorrow", "day=2026-02-31", "event=nonsense"])
def test_a_filter_that_makes_no_sense_is_dropped(log, admin_client, query):
    assert admin_client.get(f"{page('event_changelist')}?{query}").status_code == 302


def test_what_was_done_before_signing_in_is_found_by_the_customers_key(log, admin_client):
    Visitor.objects.filter(key="other").update(merged_into=Visitor.objects.get(key="reader"))

    assert len(rows(admin_client.get(f"{page('event_changelist')}?q=reader"))) == 3


def test_events_of_one_channel_at_a_time(log, admin_client):
    make_event(
        make_visitor("guest", channel="b2b"),
        make_item("Ubik", channel="b2b"),
        at=log,
        channel="b2b",
    )

    assert len(rows(admin_client.get(page("event_changelist")))) == 3
    assert len(rows(admin_client.get(f"{page('event_changelist')}?channel=b2b"))) == 1


def test_events_can_only_be_read(log, admin_client):
    event = Event.objects.first()

    assert admin_client.get(page("event_add")).status_code == 403
    assert admin_client.get(page("event_delete", event.pk)).status_code == 403
    shown = admin_client.get(page("event_change", event.pk))
    assert shown.status_code == 200
    assert 'name="_save"' not in shown.content.decode()
    assert admin_client.post(page("event_change", event.pk), {"quantity": 7}).status_code == 403


def _count_queries(client, url):
    client.get(url)  # Content types and kept answers.
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return len(queries)


@pytest.mark.parametrize("name", ["event", "item", "visitor"])
def test_a_longer_list_costs_no_more_queries(log, admin_client, name):
    url = page(f"{name}_changelist")
    few = _count_queries(admin_client, url)

    for i in range(30):
        make_event(f"visitor-{i}", make_item(f"Book {i}"), at=log)

    assert _count_queries(admin_client, url) == few
    assert few <= 6


def test_the_list_of_events_never_counts_to_the_end(log, admin_client, monkeypatch):
    monkeypatch.setattr(CappedPaginator, "limit", 2)
    monkeypatch.setattr(EventAdmin, "list_per_page", 1)
    response = admin_client.get(page("event_changelist"))

    assert "2 events" in response.content.decode()
    assert "More than 2 match" in response.content.decode()


INDEXES = {
    "": "engagement_event_window",
    "day=7": "engagement_event_window",
    "event=hide_item": "engagement_event_window",
    "placement=home.for_you": "engagement_event_placement",
    "item__id__exact={item}": "engagement_event_item",
    "visitor__id__exact={visitor}": "engagement_event_history",
    "q=O-70": "",
    "q=book-7": "",
}


@pytest.mark.slow
def test_a_list_of_many_events_is_read_through_indexes(db, admin_client):
    if connection.vendor != "sqlite":
        pytest.skip("what a planner chooses depends on its statistics")
    make_many(20_000)
    names = {"item": Item.objects.first().pk, "visitor": Visitor.objects.first().pk}

    for query, index in INDEXES.items():
        url = f"{page('event_changelist')}?{query.format(**names)}"
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(url).status_code == 200

        asked = [one["sql"] for one in queries if 'FROM "engagement_event"' in one["sql"]]
        assert asked
        for sql in asked:
            plan = explain(sql)
            # A hop from one channel to the next is the first entry of the index, not all of it.
            hop = "COVERING INDEX" in plan and sql.endswith("LIMIT 1")
            assert hop or "SCAN engagement_event" not in plan, (query, plan)
            assert index in plan or "ORDER BY" not in sql, (query, plan)


def explain(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return " ".join(str(row[-1]) for row in cursor.fetchall())


def make_many(n):
    """Fill the log quickly: ``n`` events of 50 visitors with 100 items."""
    now = timezone.now()
    items = [make_item(f"Book {i}") for i in range(100)]
    visitors = [make_visitor(f"v{i}") for i in range(50)]
    Event.objects.bulk_create(
        (
            Event(
                key=uuid.UUID(int=i + 1),
                event=EventName.PURCHASE if i % 10 == 0 else EventName.VIEW_ITEM,
                item=items[i % 100],
                visitor=visitors[i % 50],
                event_time=now - timedelta(minutes=i),
                order_ref=f"O-{i}" if i % 10 == 0 else "",
                placement="home.for_you" if i % 3 == 0 else "",
            )
            for i in range(n)
        ),
        batch_size=2000,
    )


# -- items ----------------------------------------------------------------------------------
def test_an_item_shows_its_picture_its_events_and_the_way_to_them(log, admin_client):
    item = Item.objects.get(key="dune")
    Item.objects.filter(pk=item.pk).update(image_url="/media/dune.png", category="Novels > SF")

    content = admin_client.get(page("item_change", item.pk)).content.decode()

    assert 'src="/media/dune.png"' in content
    assert "2 events in all." in content
    assert f"{page('event_changelist')}?item__id__exact={item.pk}" in content
    assert "vendor/chartjs/chart.umd.min.js" in content
    assert "<script>" not in content


def test_items_are_found_by_title_key_category_and_state(db, admin_client):
    make_item("Dune", category="Novels > SF")
    make_item("Emma", category="Novels", is_available=False)
    make_item("Ulysses", category="Novels and more")
    url = page("item_changelist")

    assert len(rows(admin_client.get(f"{url}?q=uly"))) == 1
    assert len(rows(admin_client.get(f"{url}?q=dune"))) == 1
    assert len(rows(admin_client.get(f"{url}?category=Novels"))) == 2
    assert "sold out" in rows(admin_client.get(f"{url}?is_available__exact=0"))[0]


def test_an_item_is_changed_in_the_shop_only(db, admin_client):
    item = make_item("Dune")

    assert admin_client.post(page("item_change", item.pk), {"title": "x"}).status_code == 403
    assert admin_client.get(page("item_delete", item.pk)).status_code == 403


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x"])
def test_an_address_that_could_run_code_is_not_linked(db, admin_client, address):
    item = make_item("Dune", url=address, image_url=address)

    for url in (page("item_changelist"), page("item_change", item.pk)):
        assert address not in admin_client.get(url).content.decode()


# -- visitors -------------------------------------------------------------------------------
def test_a_visitor_shows_what_happened_also_before_signing_in(log, admin_client):
    reader = Visitor.objects.get(key="reader")
    Visitor.objects.filter(key="other").update(merged_into=reader)

    content = admin_client.get(page("visitor_change", reader.pk)).content.decode()

    assert "before sign-in" in content
    assert content.index("Emma") < content.index("9.00 EUR")
    assert f"{page('placement_preview')}?visitor=reader" in content


def test_only_the_exclusion_of_a_visitor_can_be_changed(log, admin_client):
    reader = Visitor.objects.get(key="reader")

    admin_client.post(
        page("visitor_change", reader.pk), {"exclusion": "staff", "key": "x", "consent": "true"}
    )

    reader.refresh_from_db()
    assert (reader.exclusion, reader.key, reader.consent) == ("staff", "reader", None)
    assert admin_client.get(page("visitor_delete", reader.pk)).status_code == 403


def test_visitors_are_excluded_from_learning_many_at_once(log, allow):
    chosen = {"_selected_action": list(Visitor.objects.values_list("pk", flat=True))}
    url = page("visitor_changelist")

    allow("view_visitor").post(url, {"action": "exclude_as_bot", **chosen})
    assert not Visitor.objects.filter(exclusion="bot").exists()

    client = allow("view_visitor", "change_visitor")
    answer = client.post(url, {"action": "exclude_as_bot", **chosen}, follow=True)
    assert Visitor.objects.filter(exclusion="bot").count() == 2
    assert "2 visitors changed" in answer.content.decode()

    client.post(url, {"action": "include", **chosen})
    assert not Visitor.objects.filter(exclusion="bot").exists()


def test_visitors_are_found_by_key_and_by_user_name(log, admin_client, admin_user):
    make_visitor("customer", user=admin_user)
    url = page("visitor_changelist")

    assert len(rows(admin_client.get(f"{url}?q=reader"))) == 1
    assert len(rows(admin_client.get(f"{url}?q=reade"))) == 0
    assert "customer" in rows(admin_client.get(f"{url}?q={admin_user.username}"))[0]


# -- overview -------------------------------------------------------------------------------
def test_the_overview_counts_events_and_tells_what_is_live(log, admin_client):
    content = admin_client.get(page("overview")).content.decode()

    assert "3 events in all." in content
    assert "purchase · bought" in content
    assert "none: shelves show what is popular" in content


def test_the_overview_is_kept_for_some_minutes(log, admin_client, django_assert_max_num_queries):
    url = f"{page('overview')}?days=90"
    admin_client.get(url)
    make_event("reader", Item.objects.first(), at=log)

    with django_assert_max_num_queries(4):
        content = admin_client.get(url).content.decode()

    assert "3 events in all." in content


def test_the_overview_is_for_those_who_may_see_events(db, allow):
    assert allow("view_item").get(page("overview")).status_code == 403
    assert allow("view_event").get(page("overview")).status_code == 200


def test_the_index_of_the_app_leads_to_the_overview(admin_client):
    content = admin_client.get(reverse("admin:app_list", args=["engagement"])).content.decode()

    assert page("overview") in content
