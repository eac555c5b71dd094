"""A shop that only names its models: several of them, variants, guests, members, methods."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engagement.adapters import LineData, ModelAdapter, OrderData, get_adapter, guest
from engagement.contrib.plain import receivers
from engagement.flows.collecting.identity import customer_key
from engagement.flows.importing.backfill import backfill
from engagement.models import Event, EventName, Item, Visitor
from engagement.shortcuts import record_event, record_order
from engagement.testing import ShopAdapterTests
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_book
from tests.othershop.models import Book, Edition, Genre, Member, Position, Print, Receipt

HERE = "tests.flows.test_declared_shops"
BOOKS = {
    "MODEL": "othershop.Book",
    "TYPE": "",
    "KEY": "slug",
    "TITLE": "name",
    "ACTIVE": "published",
    "AVAILABLE": {"sold_out": False},
    "CATEGORY": "genre.label",
    "VARIANTS": {"MODEL": "othershop.Edition", "PRODUCT": "book", "KEY": "isbn"},
}
PRINTS = {
    "MODEL": "othershop.Print",
    "TYPE": "print",
    "TITLE": f"{HERE}.title_of",
    "PRICE": "price",
    "PARENT": "size_of",
    "AVAILABLE": "can_be_bought",
    "CATEGORY": {"PATH": "genre", "NAME": "label"},
    "IMAGE": "facts.picture",
    "URL": "https://shop.example/prints/{id}/{genre.label}",
    "ATTRIBUTES": {"artist": "facts.artist", "weight": "facts.weight", "price": "price"},
    "CHANGED_AT": "changed_at",
}
ORDERS = {
    "MODEL": "othershop.Receipt",
    "CUSTOMER": "member.number",
    "EMAIL": "email",
    "PLACED_AT": "made_at",
    "LINES": "position_set",
    "ITEM": "thing",
    "QUANTITY": "amount",
    "VALUE": "total",
    "WHERE": {"state__in": ["paid", "returned"]},
    "CANCELLED": {"state": "returned"},
}


def title_of(product):
    return f"Print of {product.motif}"


def without_ubik(request):
    """As a shop's own function: what it shows depends on who asks."""
    books = Book.objects.all()
    return books if getattr(request, "is_member", False) else books.exclude(name="Ubik")


def member_of(request):
    return getattr(getattr(request, "member", None), "number", None)


@pytest.fixture
def declared(settings):
    """Put a shop of books and prints, members and guests in charge."""

    def declare(**changes):
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "CATALOGUE": [BOOKS, PRINTS],
            "ORDERS": ORDERS,
            "CUSTOMER": f"{HERE}.member_of",
            **changes,
        }
        return get_adapter()

    return declare


def make_receipt(things, *, at=MONDAY, state="paid", **fields):
    receipt = Receipt.objects.create(made_at=at, state=state, **fields)
    for thing in things:
        content_type = ContentType.objects.get_for_model(thing)
        Position.objects.create(receipt=receipt, content_type=content_type, object_id=thing.pk)
    return receipt


class TestSeveralProductModels(ShopAdapterTests):
    adapter = ModelAdapter
    n_sellable = 4
    n_sold_out = 2

    @pytest.fixture
    def shop(self, declared, db):
        declared()
        self.fill()
        return self.adapter()

    def fill(self):
        books = [make_book("Dune", genre="Novels"), make_book("Emma", genre="Novels")]
        make_book("Villette", sold_out=True)
        prints = [Print.objects.create(motif=motif, genre=books[0].genre) for motif in "AB"]
        Print.objects.create(motif="C", in_stock=0)
        edition = Edition.objects.create(book=books[0], isbn="978-1")
        make_receipt([edition, books[1]], member=Member.objects.create(number="M1"))
        make_receipt(prints, at=MONDAY + timedelta(hours=1))

    def fill_more(self):
        books = [make_book(f"Book {n}", genre=f"Genre {n}") for n in range(3)]
        edition = Edition.objects.create(book=books[0], isbn="978-2")
        prints = [Print.objects.create(motif=motif, genre=books[0].genre) for motif in "DEF"]
        for n in range(3):
            member = Member.objects.create(number=f"N{n}")
            make_receipt([edition, *books, *prints], member=member, at=MONDAY + timedelta(hours=2))

    def make_variant(self):
        product = Print.objects.create(motif="Wave")
        return Print.objects.create(motif="Wave", size_of=product), product

    def sign_in(self, request):
        request.member = Member.objects.create(number="M7")

    def make_guest_order(self, email):
        return make_receipt(Print.objects.filter(size_of=None)[:1], email=email)


class TestVariantsInAModelOfTheirOwn(TestSeveralProductModels):
    def make_variant(self):
        book = make_book("Orlando")
        return Edition.objects.create(book=book, isbn="978-9"), book


@pytest.fixture
def shop(declared, db):
    return declared()


def told(adapter, **wanted):
    [item] = [
        item
        for item in adapter.iter_items()
        if all(getattr(item, name) == value for name, value in wanted.items())
    ]
    return item


# -- the catalogue ------------------------------------------------------------------------------


def test_values_come_from_fields_methods_json_functions_and_relations(shop):
    genre = Genre.objects.create(label="Art")
    facts = {"artist": "Hokusai", "picture": "/wave.jpg", "weight": 0.1}
    wave = Print.objects.create(motif="Wave", genre=genre, facts=facts, pence=1250)

    item = told(shop, item_type="print")

    assert (item.title, item.price, item.category) == ("Print of Wave", Decimal("12.50"), ("Art",))
    assert item.image_url == "/wave.jpg"
    assert item.url == f"https://shop.example/prints/{wave.pk}/Art"
    assert item.attributes == {"artist": "Hokusai", "weight": 0.1, "price": "12.5"}
    assert shop.card(wave)["title"] == "Print of Wave"


def test_keys_of_several_models_do_not_meet(shop):
    dune, wave = make_book("Dune"), Print.objects.create(motif="Wave")

    assert shop.item_key(dune) == "dune"
    assert shop.item_key(wave) == f"print:{wave.pk}"
    assert shop.resolve(["dune", f"print:{wave.pk}", str(wave.pk), "print:dune"]) == {
        "dune": dune,
        f"print:{wave.pk}": wave,
    }


def test_a_key_has_one_spelling(shop):
    wave = Print.objects.create(motif="Wave")

    for other in (wave.pk.hex, f"{{{wave.pk}}}", str(wave.pk).upper(), f" {wave.pk}"):
        assert shop.resolve([f"print:{other}"]) == {}


def test_models_are_told_apart_by_their_names_where_nothing_else_is_said(declared, db):
    adapter = declared(CATALOGUE=[{"MODEL": "othershop.Book"}, {"MODEL": "othershop.Print"}])
    make_book("Dune")

    assert [item.item_key for item in adapter.iter_items()] == ["book:dune"]


def test_the_shops_own_queryset_decides_what_is_shown_and_to_whom(declared, rf, db):
    adapter = declared(CATALOGUE={**BOOKS, "QUERYSET": f"{HERE}.without_ubik"})
    make_book("Dune")
    ubik = make_book("Ubik")
    member = rf.get("/")
    member.is_member = True

    assert adapter.resolve(["dune", "ubik"]).keys() == {"dune"}
    assert adapter.resolve(["ubik"], member) == {"ubik": ubik}
    assert adapter.on_sale(["ubik"], member) == {"ubik"}
    assert adapter.on_sale(["ubik"]) == set()
    assert {item.key: item.is_active for item in adapter.iter_items()} == {
        "dune": True,
        "ubik": False,
    }


def test_a_manager_may_be_named_instead(declared, db):
    adapter = declared(CATALOGUE={**BOOKS, "QUERYSET": "objects.none"})
    make_book("Dune")

    assert adapter.resolve(["dune"]) == {}


def test_conditions_may_be_a_q(declared, db):
    adapter = declared(CATALOGUE={**BOOKS, "ACTIVE": Q(name="Dune") | Q(name="Emma")})
    for title in ("Dune", "Emma", "Ulysses"):
        make_book(title)

    assert adapter.resolve(["dune", "emma", "ulysses"]).keys() == {"dune", "emma"}


def test_what_only_objects_know_is_asked_of_them(shop):
    wave = Print.objects.create(motif="Wave")
    assert shop.on_sale([f"print:{wave.pk}"]) is None

    wave.in_stock = 0
    wave.save()
    assert shop.resolve([f"print:{wave.pk}"]) == {}
    assert told(shop, item_type="print").is_available is False


def test_only_what_has_changed_is_told_where_the_shop_knows(declared, db):
    adapter = declared(CATALOGUE=PRINTS)
    Print.objects.create(motif="Old", changed_at=MONDAY - timedelta(days=9))
    new = Print.objects.create(motif="New", changed_at=MONDAY)

    assert [item.key for item in adapter.iter_items(MONDAY - timedelta(days=1))] == [str(new.pk)]


def test_the_cart_is_where_the_settings_say(declared, rf, db):
    adapter = declared(CART="basket.things")
    request = rf.get("/")
    assert list(adapter.cart_keys(request)) == []

    request.basket = {"things": [make_book("Dune"), Edition(isbn="1", book_id="emma"), "ubik"]}
    assert list(adapter.cart_keys(request)) == ["dune", "emma", "ubik"]


# -- variants -----------------------------------------------------------------------------------


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_an_event_of_a_variant_is_one_of_its_product(shop, committed, rf):
    edition = Edition.objects.create(book=make_book("Dune"), isbn="978-1")
    request = rf.get("/")
    request.member = Member.objects.create(number="M1")

    with committed():
        record_event("add_to_cart", request=request, item=edition)

    event = Event.objects.get()
    assert (event.item.key, event.variant_id) == ("dune", "978-1")
    assert event.visitor.key == customer_key("M1", "")


def test_a_variant_costs_no_question_before_the_commit(shop, rf, django_assert_num_queries):
    edition = Edition.objects.create(book=make_book("Dune"), isbn="978-1")
    edition = Edition.objects.get(pk=edition.pk)

    with django_assert_num_queries(0):
        record_event("view_item", request=rf.get("/"), item=edition)


def test_variants_bought_live_and_taken_over_later_are_the_same_purchase(shop, committed):
    book = make_book("Dune")
    editions = [Edition.objects.create(book=book, isbn=isbn) for isbn in ("978-1", "978-2")]
    receipt = make_receipt([*editions, editions[0], book], email="ann@example.org")

    with committed():
        record_order(receipt)
    report = backfill(channel="", at=timezone.now())

    assert sorted(Event.objects.values_list("variant_id", flat=True)) == [
        "",
        "978-1",
        "978-1",
        "978-2",
    ]
    assert (report.accepted, report.duplicates) == (0, 4)


# -- orders and people --------------------------------------------------------------------------


def test_a_guest_is_known_by_a_hash_and_the_address_is_nowhere(shop, committed):
    receipt = make_receipt([make_book("Dune")], email="Ann@Example.org")

    with committed():
        record_order(receipt)

    event = Event.objects.get()
    assert event.visitor.key == customer_key(guest("ann@example.org"), "")
    for model in (Event, Item, Visitor):
        for row in model.objects.values():
            assert "example" not in str(row).casefold()


def test_an_order_that_is_not_placed_is_not_told(shop, committed):
    receipt = make_receipt([make_book("Dune")], state="open")

    with committed():
        record_order(receipt)
    assert not Event.objects.exists()

    receipt.state = "paid"
    receipt.save()
    with committed():
        record_order(receipt)
    assert Event.objects.get().event == EventName.PURCHASE


def test_what_was_bought_is_taken_back_once(shop, committed):
    receipt = make_receipt([make_book("Dune")])
    with committed():
        record_order(receipt)

    Receipt.objects.update(state="returned")
    for _time in range(2):
        with committed():
            record_order(receipt)
    backfill(channel="", at=timezone.now())

    assert list(Event.objects.order_by("pk").values_list("event", flat=True)) == [
        EventName.PURCHASE,
        EventName.REFUND,
    ]


def test_what_was_never_recorded_is_not_taken_back(shop, committed):
    with committed():
        record_order(make_receipt([make_book("Dune")], state="returned"))

    assert not Event.objects.exists()


@pytest.fixture
def listening(declared, transactional_db):
    declared(ORDERS={**ORDERS, "LISTEN": True})
    receivers.connect()
    yield
    receivers.disconnect()


def purchases():
    return list(Event.objects.order_by("pk").values_list("order_ref", "item__key"))


def test_orders_are_told_when_they_are_saved(listening):
    dune, emma = make_book("Dune"), make_book("Emma")

    receipt = make_receipt([dune, emma])

    assert purchases() == [(str(receipt.pk), "dune"), (str(receipt.pk), "emma")]


def test_an_order_is_told_once_a_transaction(listening):
    books = [make_book(f"Book {n}") for n in range(4)]
    with transaction.atomic():
        make_receipt(books[:1])

    def queries_of(things):
        with CaptureQueriesContext(connection) as queries:
            with transaction.atomic():
                make_receipt(things)
            return sum("othershop_receipt" in one["sql"] for one in queries.captured_queries)

    assert queries_of(books) == queries_of(books[:1])
    assert len(purchases()) == 6


def test_an_order_that_is_rolled_back_is_not_told_and_a_second_try_is(listening):
    dune = make_book("Dune")
    receipt = Receipt(made_at=MONDAY)
    for is_last in (False, True):
        with transaction.atomic():
            receipt.pk = None
            receipt.save(force_insert=True)
            content_type = ContentType.objects.get_for_model(dune)
            Position.objects.create(receipt=receipt, content_type=content_type, object_id="dune")
            transaction.set_rollback(not is_last)

    assert purchases() == [(str(receipt.pk), "dune")]


def test_a_cancelled_order_is_taken_back_when_it_is_saved(listening):
    receipt = make_receipt([make_book("Dune")])

    receipt.state = "returned"
    receipt.save()
    receipt.save()

    assert Event.objects.filter(event=EventName.REFUND).count() == 1


def test_fixtures_that_are_loaded_are_no_orders(listening):
    receipt = make_receipt([], state="open")
    Receipt.objects.update(state="paid")
    position = Position(receipt=receipt, object_id="dune", content_type_id=1)

    receivers.line_saved(sender=Position, instance=position, raw=True)
    receivers.order_saved(sender=Receipt, instance=receipt, raw=True)

    assert purchases() == []


def test_a_large_order_is_told_whole(shop, committed):
    books = [make_book(f"Book {n}") for n in range(3)]
    lines = [LineData(f"book-{n % 3}" if n < 9 else f"other-{n}") for n in range(450)]
    order = OrderData("L1", MONDAY, lines)

    for _time in range(2):
        with committed():
            record_order(order)

    assert Event.objects.filter(item__key=books[0].slug).count() == 3
    assert Event.objects.count() == 450


def test_discounts_and_what_is_gone_are_no_items(shop, committed):
    lines = [
        LineData("dune"),
        LineData(""),
        LineData("voucher", value=Decimal(-5)),
        LineData("nothing", quantity=0),
    ]

    with committed():
        record_order(OrderData("D1", MONDAY, lines))

    assert purchases() == [("D1", "dune")]


def test_an_order_of_a_product_that_is_gone_is_taken_over_without_it(shop):
    dune, emma = make_book("Dune"), make_book("Emma")
    make_receipt([dune, emma])
    dune.delete()

    report = backfill(channel="", at=timezone.now())

    assert purchases()[0][1] == "emma"
    assert (report.accepted, sum(report.reasons.values())) == (1, 1)


def test_a_condition_that_joins_does_not_double_orders(declared, db):
    adapter = declared(ORDERS={**ORDERS, "WHERE": {"position__amount__gte": 1}})
    make_receipt([make_book("Dune"), make_book("Emma")])

    assert [len(order.lines) for order in adapter.iter_orders()] == [2]


def test_lines_may_be_json(declared, db):
    adapter = declared(
        CATALOGUE=BOOKS,
        ORDERS={
            "MODEL": "othershop.Print",
            "PLACED_AT": "changed_at",
            "LINES": "facts.lines",
            "ITEM": "sku",
            "QUANTITY": "n",
        },
    )
    lines = [{"sku": "dune", "n": 2}, {"sku": "emma"}]
    order = Print.objects.create(motif="An order", changed_at=MONDAY, facts={"lines": lines})

    found = adapter.order_data(order)

    assert [(line.item_key, line.quantity, line.line_ref) for line in found.lines] == [
        ("dune", 2, "0"),
        ("emma", 1, "1"),
    ]


def test_a_number_nobody_has_is_no_order(shop):
    assert shop.order_data(Receipt(pk=2**31 - 1)) is None
    assert shop.item_key(uuid.UUID(int=7)) == str(uuid.UUID(int=7))
