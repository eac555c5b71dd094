"""`engagement_check` walks through the shop and says which shelf is on which page."""

from io import StringIO
from pathlib import Path

import oscar
import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from oscar.core.loading import get_model

from engagement.models import Event, EventName, Placement, Visitor
from tests.shops.oscar.walking import Walker


def told():
    """Return what was said about each thing, and how the command ended."""
    out = StringIO()
    try:
        call_command("engagement_check", stdout=out)
    except CommandError as error:
        return out.getvalue(), error.returncode
    return out.getvalue(), 0


def about(text, placement):
    return [line for line in text.splitlines() if f" {placement}: " in line]


PLACEMENTS = (
    "home.for_you",
    "category.top",
    "product.bought_together",
    "product.similar",
    "search.results",
    "search.no_results",
    "cart.complete_the_set",
    "confirmation.also_bought",
    "account.for_you",
)


def test_every_placement_is_found_on_its_page(shop):
    text, _code = told()

    for placement in PLACEMENTS:
        found = about(text, placement)
        assert found, placement
        assert all(line.startswith("ok ") and "items" in line for line in found), found
    assert "shown to visitors with a past" in about(text, "account.buy_again")[0]
    assert "home.new_arrivals" in text.split("on none of these pages")[1]


def test_nothing_is_left_behind(shop):
    models = (
        Event,
        Visitor,
        Session,
        get_model("basket", "Basket"),
        get_model("basket", "Line"),
        get_model("order", "Order"),
    )
    before = [list(model.objects.order_by("pk").values()) for model in models]
    users = list(get_model("order", "Order").objects.values("user__last_login"))

    told()

    assert [list(model.objects.order_by("pk").values()) for model in models] == before
    assert list(get_model("order", "Order").objects.values("user__last_login")) == users


def test_all_is_well_in_a_shop_where_people_shop(shop):
    Walker().buy(shop.mug)
    # As if a browser had told that it has shown a shelf.
    Event.objects.filter(event=EventName.SEARCH).update(event=EventName.VIEW_ITEM_LIST)

    text, code = told()

    assert code == 0, text
    assert "!!" not in text
    assert "ok events purchase: the last one at" in text


def test_a_silent_shop_wants_a_look(shop):
    text, code = told()

    assert code == 1
    assert "!! events: the last one at" in text


def test_a_page_that_is_a_copy_is_named_with_its_file(shop, settings, tmp_path):
    stock = Path(oscar.__file__).parent / "templates" / "oscar" / "catalogue" / "detail.html"
    copy = tmp_path / "oscar" / "catalogue" / "detail.html"
    copy.parent.mkdir(parents=True)
    copy.write_text(stock.read_text())
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    text, code = told()

    assert code == 1
    for placement in ("product.bought_together", "product.similar"):
        assert about(text, placement)[0].startswith("!! ")
    assert f'Put {{% recommendation_shelf "product.similar" … %}} into its template. {copy}' in text
    assert about(text, "home.for_you")[0].startswith("ok ")


def test_a_shelf_that_has_nothing_to_show_is_told_from_one_that_is_missing(shop):
    Placement.objects.update_or_create(name="product.similar", defaults={"is_active": False})

    text, _code = told()

    assert "the tag is there and has nothing to show" in about(text, "product.similar")[0]


@pytest.mark.parametrize("path", ["/no/such/page"])
def test_a_page_that_does_not_answer_is_named(shop, path):
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("engagement_check", "--page", path, stdout=out)

    assert f"!! {path}: answers 404" in out.getvalue()
