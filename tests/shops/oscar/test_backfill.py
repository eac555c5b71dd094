"""What Oscar has noted down before the app came is known on the first day."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from oscar.core.loading import get_model
from oscar.test.factories import UserFactory

from engagement.contrib.oscar.adapter import OscarAdapter
from engagement.models import Event, EventName
from tests.shops.oscar.walking import Walker, counted


def note_down(shop):
    """Have Oscar note down what a customer and a member of staff did last month."""
    views, searches = (get_model("analytics", f"User{what}") for what in ("ProductView", "Search"))
    ann, staff = UserFactory(), UserFactory(is_staff=True)
    small = shop.shirt.children.get(title="Shirt S")
    for user, product in ((ann, shop.mug), (ann, small), (staff, shop.mug)):
        views.objects.create(user=user, product=product)
    searches.objects.create(user=ann, query="blue mug")
    past = timezone.now() - timedelta(days=30)
    views.objects.update(date_created=past)
    searches.objects.update(date_created=past - timedelta(hours=1))


def test_views_and_searches_are_taken_over_oldest_first(shop):
    note_down(shop)

    notes = list(OscarAdapter().iter_activity())

    small = shop.shirt.children.get(title="Shirt S")
    assert [(note.event, note.item_key, note.variant_id, note.query) for note in notes] == [
        ("search", "", "", "blue mug"),
        ("view_item", str(shop.mug.pk), "", ""),
        ("view_item", str(shop.shirt.pk), str(small.pk), ""),
    ]
    assert list(OscarAdapter().iter_activity(timezone.now())) == []


def test_taking_over_twice_and_going_on_counts_nothing_twice(shop):
    note_down(shop)
    before = Event.objects.count()

    call_command("engagement_backfill", verbosity=0)
    call_command("engagement_backfill", verbosity=0)
    walker = Walker()
    walker.register()
    walker.get(shop.mug.get_absolute_url())
    walker.search("mug")
    call_command("engagement_backfill", verbosity=0)

    assert Event.objects.count() == before + 3 + 2
    assert counted() == {"view_item": 1, "search": 1}
    taken = Event.objects.filter(event=EventName.VIEW_ITEM).exclude(variant_id="").get()
    assert taken.item.title == "Shirt"
