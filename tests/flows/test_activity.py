from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from engagement.adapters import ActivityData
from engagement.flows.collecting import ingest
from engagement.flows.collecting.identity import customer_key, person_of_customer
from engagement.flows.importing.activity import take_over
from engagement.models import Event, EventName, Visitor
from tests.flows.test_catalogue import Shelf

pytestmark = pytest.mark.django_db


class Notes(Shelf):
    """A shop whose notes are what a test puts on this list."""

    notes: list[ActivityData] = []

    def iter_activity(self, since=None):
        return (note for note in self.notes if since is None or note.at >= since)


@pytest.fixture
def notes(settings, monkeypatch, at):
    """A view and a search of Ann's, a view of Ben's; all of last month."""
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "ADAPTER": f"{__name__}.Notes",
        "CONSENT": "not_needed",
    }
    past = at - timedelta(days=30)
    found = [
        ActivityData("view_item", past, "ann", "1", item_key="cup"),
        ActivityData("search", past + timedelta(hours=1), "ann", "1", query="a  blue\ncup"),
        ActivityData("view_item", past + timedelta(days=1), "ben", "2", item_key="cup"),
    ]
    monkeypatch.setattr(Notes, "notes", found)
    return found


def stored():
    rows = Event.objects.order_by("event_time").values_list("event", "item__key", "query")
    return [(EventName(event).code, item, query) for event, item, query in rows]


def test_notes_become_events_of_their_customers(notes, at):
    report = take_over(channel="", at=at)

    assert (report.read, report.accepted) == (3, 3)
    assert stored() == [
        ("view_item", "cup", ""),
        ("search", None, "a blue cup"),
        ("view_item", "cup", ""),
    ]
    assert Event.objects.earliest("event_time").visitor.key == customer_key("ann", "")


def test_the_same_notes_are_taken_over_once(notes, at):
    take_over(channel="", at=at)

    report = take_over(channel="", at=at)

    assert (report.accepted, report.duplicates) == (0, 3)
    assert Event.objects.count() == 3


def test_what_the_app_has_heard_itself_is_not_taken_over(notes, at):
    """Oscar goes on noting down views when the app is there."""
    view = {"event": "view_item", "event_time": notes[2].at, "items": ["cup"]}
    ingest.ingest(
        [view], channel="", person=person_of_customer("ben", ""), at=notes[2].at, trusted=True
    )
    Event.objects.update(recorded_at=notes[2].at)

    report = take_over(channel="", at=at)

    assert (report.accepted, report.later) == (2, 1)


def test_only_who_has_agreed_is_taken_over_where_people_are_asked(notes, at, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    Visitor.objects.create(key=customer_key("ann", ""), consent=True)

    report = take_over(channel="", at=at)

    assert report.accepted == 2
    assert report.reasons == {"no_consent": 1}
    assert Visitor.objects.count() == 1


def test_unfit_notes_are_refused_one_by_one(notes, at):
    notes += [
        ActivityData("dance", at, "ann", "3"),
        ActivityData("view_item", at, "ann", "4", item_key="x" * 200),
        ActivityData("search", at, "ann", "5", query="\0"),
        ActivityData("view_item", at + timedelta(days=9), "ann", "6", item_key="cup"),
    ]

    report = take_over(channel="", at=at)

    assert report.accepted == 3
    assert report.reasons == {
        "without_event": 1,
        "too_long": 1,
        "control_characters": 1,
        "in_the_future": 1,
    }


def test_the_command_says_what_became_of_them(notes, at):
    out = StringIO()

    call_command("engagement_backfill", stdout=out, since=at - timedelta(days=30))

    assert "3 views, searches and the like: 3 stored" in " ".join(out.getvalue().split())
