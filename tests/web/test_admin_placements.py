"""The form of a placement, and the look at what it would show before and after it is saved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from engagement.flows.collecting.identity import customer_key
from engagement.models import Event, EventName, Item, Placement, PlacementRule, Visitor
from tests.othershop.catalogue import make_event, make_item, make_visitor


def page(name, *args):
    return reverse(f"admin:engagement_{name}", args=args)


@pytest.fixture
def placement(db):
    Placement.objects.all().delete()
    return Placement.objects.create(
        name="home.mine", strategies=["recently_viewed", "newest"], n=3, titles={"en": "For you"}
    )


@pytest.fixture
def shelves(books, placement):
    """The three books in the mirror, and a reader who looked at Dune, then at Emma."""
    now = timezone.now()
    dune, emma, _ulysses = (make_item(book.name, category="Novels") for book in books)
    reader = make_visitor("reader")
    make_event(reader, dune, at=now - timedelta(hours=2))
    make_event(reader, emma, at=now - timedelta(hours=1))
    return placement


def form(placement=None, rules=(), **changes):
    """Return what the browser would post."""
    fields = {
        "name": "home.mine",
        "channel": "",
        "is_active": "on",
        "titles_en": "For you",
        "titles_zh_hans": "",
        "strategies_0": "recently_viewed",
        "strategies_1": "newest",
        "n": "3",
        "min_items": "1",
        "diversity": "0",
        "diversify_by": "turns",
        "one_of_each": "on",
        "objective": "",
        "exploration": "0",
        "exclude_in_cart": "on",
        "rules-TOTAL_FORMS": str(len(rules)),
        "rules-INITIAL_FORMS": "0",
        "rules-MIN_NUM_FORMS": "0",
        "rules-MAX_NUM_FORMS": "1000",
    }
    for i, rule in enumerate(rules):
        filled = {"factor": "1.0", "placement": placement.pk if placement else "", **rule}
        fields |= {f"rules-{i}-{name}": str(value) for name, value in filled.items()}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def errors(response):
    """Return the mistakes that the form shows, by field."""
    found = dict(response.context["adminform"].form.errors)
    for inline in response.context["inline_admin_formsets"]:
        for mistakes in inline.formset.errors:
            found |= mistakes
    return {name: " ".join(texts) for name, texts in found.items()}


# -- form -----------------------------------------------------------------------------------
def test_titles_and_strategies_are_stored_in_their_order(placement, admin_client):
    sent = form(
        name="product.mine",
        titles_en="Look",
        titles_zh_hans="看看",
        strategies_0="similar",
        strategies_1="",
        strategies_2="trending",
    )

    assert admin_client.post(page("placement_add"), sent).status_code == 302

    stored = Placement.objects.get(name="product.mine")
    assert stored.titles == {"en": "Look", "zh-hans": "看看"}
    assert stored.strategies == ["similar", "trending"]


def test_the_form_shows_what_is_stored(placement, admin_client):
    content = admin_client.get(page("placement_change", placement.pk)).content.decode()

    assert 'value="For you"' in content
    assert 'lang="zh-hans"' in content
    assert '<option value="recently_viewed" selected>' in content
    # Each of the five drop-down lists offers everything.
    assert content.count("the same for everyone") == 5


def test_more_strategies_than_the_form_has_room_for_are_kept(placement, admin_client):
    many = ["for_you", "similar", "bought_together", "trending", "buy_again", "newest"]
    Placement.objects.update(strategies=many)
    content = admin_client.get(page("placement_change", placement.pk)).content.decode()
    assert '<option value="newest" selected>' in content

    sent = form(**{f"strategies_{i}": name for i, name in enumerate(many)})
    admin_client.post(page("placement_change", placement.pk), sent)

    placement.refresh_from_db()
    assert placement.strategies == many


def test_a_title_of_a_language_that_is_not_offered_is_kept(placement, admin_client):
    Placement.objects.update(titles={"en": "For you", "fr": "Pour vous"})

    admin_client.post(page("placement_change", placement.pk), form(titles_en="Yours"))

    placement.refresh_from_db()
    assert placement.titles == {"en": "Yours", "fr": "Pour vous"}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"strategies_0": "", "strategies_1": ""}, "strategies", "required"),
        ({"strategies_0": "nonsense"}, "strategies", "no strategy “nonsense”"),
        ({"strategies_1": "recently_viewed"}, "strategies", "twice"),
        ({"name": "Home for you"}, "name", "page.slot"),
        ({"n": "0"}, "n", "greater than or equal to 1"),
        ({"min_items": "4"}, "min_items", "always hide"),
        ({"diversity": "1.5"}, "diversity", "less than or equal to 1"),
        ({"diversify_by": "luck"}, "diversify_by", "not one of the available choices"),
        ({"objective": "fame"}, "objective", "not one of the available choices"),
        ({"exploration": "0.9"}, "exploration", "less than or equal to 0.5"),
        ({"same_category": "on", "other_category": "on"}, "other_category", "Choose one"),
    ],
)
def test_a_placement_that_cannot_work_is_refused(placement, admin_client, changes, field, said):
    response = admin_client.post(page("placement_change", placement.pk), form(**changes))

    assert response.status_code == 200
    assert said in errors(response)[field]
    placement.refresh_from_db()
    assert placement.strategies == ["recently_viewed", "newest"]


@pytest.mark.parametrize(
    ("rule", "field", "said"),
    [
        ({"action": "pin", "field": "key", "value": "dune"}, "position", "needs a position"),
        ({"action": "pin", "field": "key", "value": "dune", "position": 0}, "position", "1"),
        ({"action": "hide", "field": "key", "value": "nobody"}, "value", "no item with this key"),
        ({"action": "hide", "field": "price_below", "value": "cheap"}, "value", "plain number"),
        ({"action": "hide", "field": "price_above", "value": "-1"}, "value", "plain number"),
        ({"action": "only", "field": "attribute", "value": "red"}, "value", "name=value"),
        ({"action": "only", "field": "category", "value": "Cars"}, "value", "category path"),
        ({"action": "boost", "field": "category", "value": "Novels"}, "factor", "changes nothing"),
        (
            {
                "action": "hide",
                "field": "key",
                "value": "dune",
                "starts_at_0": "2026-02-02",
                "starts_at_1": "10:00",
                "ends_at_0": "2026-02-01",
                "ends_at_1": "10:00",
            },
            "ends_at",
            "before it starts",
        ),
    ],
)
def test_a_rule_that_cannot_work_is_refused(shelves, admin_client, rule, field, said):
    response = admin_client.post(page("placement_change", shelves.pk), form(shelves, rules=[rule]))

    assert response.status_code == 200
    assert said in errors(response)[field]
    assert not PlacementRule.objects.exists()


def test_rules_that_make_sense_are_stored(shelves, admin_client):
    rules = [
        {"action": "pin", "field": "key", "value": " dune ", "position": 1},
        {"action": "boost", "field": "category", "value": "Novels", "factor": "2.5"},
        {"action": "hide", "field": "attribute", "value": "colour=red"},
        {"action": "only", "field": "price_below", "value": "99.90"},
    ]

    response = admin_client.post(page("placement_change", shelves.pk), form(shelves, rules=rules))

    assert response.status_code == 302
    assert list(PlacementRule.objects.order_by("pk").values_list("action", "value")) == [
        ("pin", "dune"),
        ("boost", "Novels"),
        ("hide", "colour=red"),
        ("only", "99.90"),
    ]


def test_stock_placements_are_stored_at_a_push(placement, admin_client):
    assert "more placements work" in admin_client.get(page("placement_changelist")).content.decode()
    assert admin_client.get(page("placement_stock")).status_code == 405

    admin_client.post(page("placement_stock"))
    n = Placement.objects.count()
    admin_client.post(page("placement_stock"))

    assert Placement.objects.filter(name="product.similar").exists()
    assert Placement.objects.count() == n


# -- preview --------------------------------------------------------------------------------
def shown(response):
    """Return the keys on the shelf."""
    return [card.item.key for card in response.context["cards"]]


def test_a_preview_shows_the_shelf_of_the_chosen_visitor_and_why(shelves, admin_client):
    response = admin_client.get(
        page("placement_preview"), {"placement": shelves.pk, "visitor": "reader"}
    )

    assert shown(response) == ["emma", "dune", "ulysses"]
    content = response.content.decode()
    assert "You looked at this before" in content
    assert "New in the shop" in content
    assert "For you" in content


def test_somebody_new_sees_what_is_new(shelves, admin_client):
    response = admin_client.get(page("placement_preview"), {"placement": shelves.pk})

    assert shown(response)[0] == "ulysses"
    assert "somebody new" in response.content.decode()


def test_a_customer_is_found_by_user_name(shelves, admin_client, django_user_model):
    buyer = django_user_model.objects.create_user("household-1")
    Visitor.objects.filter(key="reader").update(key=customer_key(str(buyer.pk), ""))

    response = admin_client.get(
        page("placement_preview"), {"placement": shelves.pk, "visitor": "household-1"}
    )

    assert shown(response)[:2] == ["emma", "dune"]


def test_what_was_done_before_signing_in_counts(shelves, admin_client):
    customer = make_visitor("customer")
    Visitor.objects.filter(key="reader").update(merged_into=customer)

    for key in ("reader", "customer"):
        response = admin_client.get(
            page("placement_preview"), {"placement": shelves.pk, "visitor": key}
        )
        assert shown(response)[:2] == ["emma", "dune"]


def test_looking_leaves_no_trace(shelves, admin_client):
    before = (Event.objects.count(), Visitor.objects.count(), Item.objects.count())

    for visitor in ("reader", ""):
        query = {"placement": shelves.pk, "visitor": visitor, "cart": "emma"}
        response = admin_client.get(page("placement_preview"), query)

    assert (Event.objects.count(), Visitor.objects.count(), Item.objects.count()) == before
    assert "engagement_visitor" not in response.cookies


def test_what_is_left_out_is_said_with_the_reason(shelves, books, admin_client):
    type(books[2]).objects.filter(name="Ulysses").update(sold_out=True)
    PlacementRule.objects.create(placement=shelves, action="hide", field="key", value="dune")

    response = admin_client.get(
        page("placement_preview"),
        {"placement": shelves.pk, "visitor": "reader", "cart": "Emma"},
    )

    assert shown(response) == []
    reasons = {one.key: one.why for one in response.context["left_out"]}
    assert reasons == {
        "emma": "is in the cart",
        "dune": "rule: never show dune",
        "ulysses": "sold out or hidden in the shop",
    }


def test_items_are_named_by_key_or_title_and_mistakes_are_told(shelves, admin_client):
    url = page("placement_preview")

    found = admin_client.get(url, {"placement": shelves.pk, "context": "Ulys"})
    assert [item.key for item in found.context["context_items"]] == ["ulysses"]
    assert "ulysses" not in shown(found)

    for query, said in (({"context": "Xyz"}, "No item has"), ({"visitor": "xyz"}, "no visitor")):
        refused = admin_client.get(url, {"placement": shelves.pk, **query})
        assert said in refused.content.decode()
        assert "cards" not in refused.context


def test_a_shelf_that_hides_says_so(shelves, admin_client):
    Placement.objects.update(min_items=3, n=3)
    query = {"placement": shelves.pk, "cart": "emma"}

    content = admin_client.get(page("placement_preview"), query).content.decode()

    assert "only 2 items could be shown, and it needs 3" in content


def test_a_change_can_be_looked_at_before_it_is_saved(shelves, admin_client):
    rules = [{"action": "pin", "field": "key", "value": "ulysses", "position": 1}]
    sent = form(shelves, rules=rules, titles_en="Something else", n="2")
    sent |= {"preview_of": shelves.pk, "visitor": "reader"}

    response = admin_client.post(page("placement_preview"), sent)

    assert shown(response) == ["ulysses", "emma"]
    assert "Something else" in response.content.decode()
    shelves.refresh_from_db()
    assert (shelves.n, shelves.titles) == (3, {"en": "For you"})
    assert not PlacementRule.objects.exists()


def test_a_change_with_mistakes_is_not_looked_at(shelves, admin_client):
    sent = form(shelves, strategies_0="nonsense") | {"preview_of": shelves.pk}

    response = admin_client.post(page("placement_preview"), sent)

    assert "<li>There is no strategy “nonsense”.</li>" in response.content.decode()
    assert "cards" not in response.context


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_placements_without_a_row_can_be_looked_at_too(shelves, admin_client, language):
    query = {"placement": "home.new_arrivals"}

    response = admin_client.get(
        page("placement_preview"), query, headers={"accept-language": language}
    )

    assert shown(response)[0] == "ulysses"
    assert admin_client.get(page("placement_preview"), {"placement": "no.where"}).status_code == 404


def test_who_may_look(shelves, client, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    query = {"placement": shelves.pk, "visitor": "reader"}
    assert client.get(page("placement_preview"), query).status_code == 403

    clerk.user_permissions.add(Permission.objects.get(codename="view_placement"))
    response = client.get(page("placement_preview"), query)

    # Without the permission to see visitors, everyone is somebody new.
    assert shown(response)[0] == "ulysses"
    sent = form(shelves) | {"preview_of": shelves.pk}
    assert client.post(page("placement_preview"), sent).status_code == 403


def test_rules_of_what_was_seen_and_bought_decide_what_stays_out(shelves, admin_client):
    make_event("reader", Item.objects.get(key="dune"), at=timezone.now(), event=EventName.PURCHASE)
    Placement.objects.update(exclude_bought=True)

    response = admin_client.get(
        page("placement_preview"), {"placement": shelves.pk, "visitor": "reader"}
    )

    assert "dune" not in shown(response)
    assert {one.key: one.why for one in response.context["left_out"]} == {
        "dune": "was bought before"
    }
