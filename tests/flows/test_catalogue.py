from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from engagement.adapters import ItemData, ShopAdapter
from engagement.flows.importing import catalogue
from engagement.models import Item
from tests.othershop.catalogue import make_book
from tests.othershop.models import Book

pytestmark = pytest.mark.django_db


class Shelf(ShopAdapter):
    """A shop that has what a test puts on this list."""

    items: list[ItemData] = []

    def iter_items(self, since=None):
        return iter(self.items)


@pytest.fixture
def shelf(settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ADAPTER": f"{__name__}.Shelf"}
    monkeypatch.setattr(Shelf, "items", [])
    return Shelf.items


def mirrored():
    return dict(Item.objects.order_by("key").values_list("key", "title"))


def test_the_mirror_shows_what_the_shop_has(at):
    make_book("Dune", genre="Science fiction", price=Decimal("9.50"))
    make_book("Emma", sold_out=True)
    make_book("Ulysses", published=False)

    report = catalogue.sync_items(channel="", at=at)

    assert (report.read, report.created, report.updated) == (3, 3, 0)
    dune = Item.objects.get(key="dune")
    assert (dune.title, dune.category, dune.url) == ("Dune", "Science fiction", "/books/dune/")
    assert (dune.price, dune.currency, dune.synced_at) == (Decimal("9.50"), "EUR", at)
    assert not Item.objects.get(key="emma").is_available
    assert not Item.objects.get(key="ulysses").is_active


def test_a_second_sync_updates_and_keeps_the_rows(at, books):
    catalogue.sync_items(channel="", at=at)
    before = dict(Item.objects.values_list("key", "pk"))
    Book.objects.filter(pk="dune").update(name="Dune Messiah")

    report = catalogue.sync_items(channel="", at=at + timedelta(hours=1))

    assert (report.created, report.updated, report.deactivated) == (0, 3, 0)
    assert mirrored()["dune"] == "Dune Messiah"
    assert dict(Item.objects.values_list("key", "pk")) == before


def test_what_the_shop_no_longer_has_becomes_inactive_and_is_kept(at, books):
    catalogue.sync_items(channel="", at=at)
    Book.objects.get(pk="emma").delete()

    report = catalogue.sync_items(channel="", at=at + timedelta(hours=1))

    assert report.deactivated == 1
    assert not Item.objects.get(key="emma").is_active

    make_book("Emma")
    catalogue.sync_items(channel="", at=at + timedelta(hours=2))
    assert Item.objects.get(key="emma").is_active


def test_a_partial_sync_deactivates_nothing(at, shelf):
    shelf[:] = [ItemData(key="a", title="A"), ItemData(key="b", title="B")]
    catalogue.sync_items(channel="", at=at)
    shelf[:] = [ItemData(key="a", title="A!")]

    catalogue.sync_items(channel="", at=at + timedelta(hours=1), since=at)

    assert mirrored() == {"a": "A!", "b": "B"}
    assert Item.objects.filter(is_active=True).count() == 2


def test_a_shop_that_says_nothing_is_not_taken_for_an_empty_one(at, shelf):
    shelf[:] = [ItemData(key="a", title="A")]
    catalogue.sync_items(channel="", at=at)
    shelf[:] = []

    report = catalogue.sync_items(channel="", at=at + timedelta(hours=1))

    assert report.deactivated == 0
    assert Item.objects.get().is_active


def test_a_catalogue_that_breaks_off_deactivates_nothing(at, shelf, monkeypatch):
    shelf[:] = [ItemData(key="a", title="A"), ItemData(key="b", title="B")]
    catalogue.sync_items(channel="", at=at)

    def broken(self, since=None):
        yield ItemData(key="a", title="A")
        raise RuntimeError("the shop's database went away")

    monkeypatch.setattr(Shelf, "iter_items", broken)
    with pytest.raises(RuntimeError):
        catalogue.sync_items(channel="", at=at + timedelta(hours=1))

    assert Item.objects.filter(is_active=True).count() == 2


def test_unfit_items_are_skipped_and_counted(at, shelf, caplog):
    shelf[:] = [
        ItemData(key="", title="Nameless"),
        ItemData(key="k" * 129, title="Too long a key"),
        ItemData(key="good", title="T" * 300, price=Decimal("1e30"), image_url="h" * 501),
        ItemData(key="good", title="The later one counts", price=Decimal("-1")),
    ]

    report = catalogue.sync_items(channel="", at=at)

    assert (report.read, report.created, report.skipped) == (4, 1, 3)
    good = Item.objects.get()
    assert (good.title, good.price, good.currency) == ("The later one counts", None, "")
    assert "cannot be mirrored" in caplog.text


def test_types_channels_and_paths(at, shelf):
    shelf[:] = [
        ItemData(key="42", title="Phone", item_type="phone", category=("Tech", " Phones ", "")),
        ItemData(key="42", title="Case", item_type="case"),
    ]
    catalogue.sync_items(channel="fr", at=at)
    catalogue.sync_items(channel="de", at=at)

    assert Item.objects.count() == 4
    phone = Item.objects.get(channel="fr", key="phone:42")
    assert (phone.external_id, phone.category_path) == ("42", ["Tech", "Phones"])


def test_items_of_an_import_get_the_shops_word_later(at, shelf):
    ids = catalogue.ensure_items("", {"phone:42": "fone", "old": "Only in the past"}, at)
    shelf[:] = [ItemData(key="42", title="Phone", item_type="phone")]

    report = catalogue.sync_items(channel="", at=at)

    assert (report.updated, report.deactivated) == (1, 0)
    phone = Item.objects.get(key="phone:42")
    assert (phone.pk, phone.title, phone.item_type) == (ids["phone:42"], "Phone", "phone")
    assert Item.objects.get(key="old").is_active


def test_ensuring_items_creates_the_missing_ones_and_touches_no_other(at, books):
    catalogue.sync_items(channel="", at=at)

    ids = catalogue.ensure_items("", {"dune": "Something else", "new": "New", "bare": ""}, at)

    assert ids == dict(Item.objects.filter(key__in=ids).values_list("key", "pk"))
    assert {key: mirrored()[key] for key in ids} == {"dune": "Dune", "new": "New", "bare": "bare"}


def test_a_title_learnt_later_replaces_the_key_only(at):
    catalogue.ensure_items("", {"bare": "", "named": "A name"}, at)

    assert catalogue.name_items("", {"bare": "A cup", "named": "Another name"}) == 1
    assert mirrored() == {"bare": "A cup", "named": "A name"}


def test_the_command_says_what_it_found(books):
    out = StringIO()
    call_command("engagement_sync", stdout=out)

    assert "3 items: 3 new, 0 known" in out.getvalue()


def test_the_command_says_what_is_missing_where_the_shop_says_nothing(shelf):
    with pytest.raises(CommandError, match="CATALOGUE"):
        call_command("engagement_sync")
