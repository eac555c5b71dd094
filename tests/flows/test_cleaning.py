from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from engagement.flows.training import dataset
from engagement.flows.training.bots import mark_bots
from engagement.learning.cleaning import VIEWS_PER_MINUTE
from engagement.models import Event, EventName, Visitor
from tests.othershop.catalogue import make_event, make_item, make_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def dune():
    return make_item("Dune")


@pytest.fixture
def robot(dune, at):
    """Five pages within five seconds, and five more on another day."""
    for second in range(5):
        make_event("robot", dune, at=at + timedelta(seconds=second + 1))
        make_event("robot", dune, at=at + timedelta(days=1, minutes=second))
    return make_visitor("robot")


@pytest.fixture
def reader(dune, at):
    for day in range(5):
        make_event("reader", dune, at=at + timedelta(days=day, seconds=1))
    return make_visitor("reader")


@pytest.fixture(autouse=True)
def _four_a_day(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "BOT_EVENTS_PER_DAY": 4}


def excluded():
    return dict(Visitor.objects.exclude(exclusion="").values_list("key", "exclusion"))


def test_machines_are_marked_and_people_are_not(robot, reader, at):
    assert mark_bots(channel="", at=at + timedelta(days=9)) == 1
    assert excluded() == {"robot": "bot"}
    assert mark_bots(channel="", at=at + timedelta(days=9)) == 0


def test_what_a_machine_does_later_teaches_nothing(robot, reader, at, dune):
    later = at + timedelta(days=9)
    mark_bots(channel="", at=later)
    make_event(robot, dune, at=later)

    found = dataset.load(channel="", since=later, until=later)

    assert len(found.interactions) == 0
    assert found.cleaning["bots"] == 1


def test_speed_alone_gives_a_machine_away(dune, reader, at, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "BOT_EVENTS_PER_DAY": 1000}
    for third in range(VIEWS_PER_MINUTE):
        make_event("robot", dune, at=at + timedelta(seconds=third / 3 + 1))

    assert mark_bots(channel="", at=at + timedelta(days=9)) == 1
    assert excluded() == {"robot": "bot"}


def test_staff_stay_staff_and_another_channel_is_another_shop(robot, dune, at):
    Visitor.objects.update(exclusion=Visitor.Exclusion.STAFF)

    assert mark_bots(channel="", at=at + timedelta(days=9)) == 0
    assert mark_bots(channel="fr", at=at + timedelta(days=9)) == 0
    assert excluded() == {"robot": "staff"}


def test_only_the_window_is_looked_at(robot, at):
    assert mark_bots(channel="", at=at + timedelta(days=9), since=at + timedelta(days=5)) == 0


class TestCommand:
    @pytest.fixture(autouse=True)
    def _today(self, robot, reader, dune):
        """Move the log to the last days: the command reads the clock."""
        latest = Event.objects.latest("event_time").event_time
        shift = timezone.now() - latest
        for event in Event.objects.all():
            event.event_time += shift
            event.save()
        make_event("reader", dune, at=timezone.now(), event=EventName.PURCHASE, quantity=99_999)

    def run(self, *options):
        out = StringIO()
        call_command("engagement_clean", *options, stdout=out)
        return " ".join(out.getvalue().split())

    def test_it_marks_machines_and_counts_what_every_rule_leaves_out(self):
        text = self.run()

        assert "1 more visitors behave like machines and are marked now." in text
        assert "10 left out: bots" in text
        assert "1 left out: impossible" in text
        assert "5 interactions of 1 visitors with 1 items" in text
        assert excluded() == {"robot": "bot"}

    def test_a_report_marks_nobody(self):
        assert "would be marked" in self.run("--report", "--days", "30")
        assert excluded() == {}


class TestPurge:
    def test_old_events_are_forgotten(self, robot, settings):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RETENTION_DAYS": 30}
        Event.objects.update(event_time=timezone.now() - timedelta(days=31))
        out = StringIO()

        call_command("engagement_purge", stdout=out)

        assert "10 events were older than 30 days" in out.getvalue()
        assert not Event.objects.exists()

    def test_without_a_limit_nothing_is(self, robot):
        out = StringIO()
        call_command("engagement_purge", stdout=out)

        assert "kept for ever" in out.getvalue()
        assert Event.objects.count() == 10
