"""Queries whose SQL is made once."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from engagement import direct
from engagement.prepared import Among, Prepared
from tests.othershop.models import Book, Sale
from tests.serving import shelve


@pytest.fixture
def books(db):
    shelve("Dune", "Emma", "Ubik")
    Book.objects.filter(slug="ubik").update(sold_out=True)


def on_sale():
    return Book.objects.filter(sold_out=False, published=True)


def test_it_finds_what_the_queryset_holds(books, django_assert_num_queries):
    among = Among(on_sale)

    with django_assert_num_queries(3):
        assert sorted(among.find(["dune", "emma", "ubik", "none"])) == ["dune", "emma"]
        assert among.find(["ubik", "none", "emma", "x"]) == ["emma"]
        assert among.find(["dune"]) == ["dune"]


def test_the_queryset_is_made_once_for_each_number_of_values(books):
    made = []

    def rows():
        made.append(1)
        return on_sale()

    among = Among(rows)
    among.find(["dune", "emma"])
    first = len(made)
    among.find(["ubik", "dune"])
    among.find(["ubik", "ubik", "dune"])

    assert len(made) == first


def test_changes_are_seen_at_once(books):
    among = Among(on_sale)
    assert among.find(["dune"]) == ["dune"]

    Book.objects.update(sold_out=True)

    assert among.find(["dune"]) == []


def test_nothing_asks_nothing(books, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Among(on_sale).find([]) == []


def test_other_fields_and_types(db, at):
    Sale.objects.bulk_create(Sale(number=f"S{n}", sold_at=at) for n in range(3))
    pks = list(Sale.objects.order_by("pk").values_list("pk", flat=True))

    assert Among(Sale.objects.all, "number").find(["S1", "S9"]) == ["S1"]
    assert sorted(Among(Sale.objects.all).find([*pks, 999_999])) == pks


def test_values_that_look_like_sql_are_values(books):
    assert Among(on_sale).find(["' OR 1=1 --", "%s"]) == []


def test_uuids_are_found(demo, db, at):
    from shop_demo.models import Category, Product

    category = Category.objects.create(slug="a", name="A")
    product = Product.objects.create(
        sku="1", category=category, name="Milk", price=1, regular_price=1, stock=1, added_at=at
    )

    assert Among(Product.objects.on_sale).find([product.pk]) == [product.pk]


@pytest.mark.postgresql
class TestPlans:
    """PostgreSQL keeps the plan of a query that is asked again."""

    @staticmethod
    def make(**options):
        return Prepared(Book.objects.filter(slug="<slug>").values_list("name"), **options)

    @staticmethod
    def kept():
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM pg_prepared_statements")
            return cursor.fetchone()[0]

    @pytest.fixture(autouse=True)
    def none_kept(self, books):
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")

    def test_after_a_few_answers(self):
        query = self.make(planned=True)
        for slug in ("dune", "emma", "none") * 2:
            assert query.rows({"<slug>": slug}) == [[slug.title()]] * (slug != "none")

        assert self.kept() == 1

    def test_but_not_while_queries_are_logged(self):
        query = self.make(planned=True)
        with CaptureQueriesContext(connection) as queries:
            for _ in range(6):
                assert query.rows({"<slug>": "dune"}) == [["Dune"]]

        assert self.kept() == 0
        assert ["'dune'" in one["sql"] for one in queries] == [True] * 6

    def test_where_it_is_asked_for(self):
        query = self.make()
        for _ in range(6):
            assert query.rows({"<slug>": "dune"}) == [["Dune"]]

        assert self.kept() == 0

    def test_but_not_behind_a_pooler(self, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        query = self.make(planned=True)
        for _ in range(6):
            assert query.rows({"<slug>": "dune"}) == [["Dune"]]

        assert self.kept() == 0

    def test_a_query_that_keeps_failing_does_without(self):
        query = self.make(planned=True)
        failed = 0
        for _ in range(8):
            for _ in range(4):
                try:
                    with transaction.atomic():
                        found = query.rows({"<slug>": "dune"})
                except DatabaseError:
                    failed += 1
            # What a pooler does that mixes sessions: the plan is gone, and the driver not told.
            connection.connection.pgconn.exec_(b"DEALLOCATE ALL")

        assert found == [["Dune"]]
        assert failed == 3


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
class TestPastCursors:
    """Outside of transactions PostgreSQL is asked without the cursors of Django."""

    @pytest.fixture(autouse=True)
    def asked(self, monkeypatch, transactional_db):
        shelve("Dune", "Emma", "Ubik")
        asked = []
        ask = direct.ask

        def noted(*args, **kwargs):
            found = ask(*args, **kwargs)
            asked.append(found)
            return found

        monkeypatch.setattr(direct, "ask", noted)
        return asked

    make = staticmethod(TestPlans.make)

    @staticmethod
    def kept():
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements")
            return [name for (name,) in cursor.fetchall()]

    def test_the_answers_are_the_same(self, asked, at):
        query = self.make(planned=True)
        for slug in ("dune", "emma", "none", "%s", "' OR 1=1 --") * 2:
            expected = [[slug.title()]] if slug in ("dune", "emma") else []
            assert query.rows({"<slug>": slug}) == expected

        assert len(asked) == 10

    def test_values_of_several_types_are_what_a_cursor_gives(self, asked, at):
        Sale.objects.bulk_create(Sale(number=f"S{n}", sold_at=at) for n in range(3))
        rows = Sale.objects.filter(sold_at__lte=at, pk__gt=0).order_by("pk")
        columns = [field.attname for field in Sale._meta.concrete_fields]

        found = Prepared(rows.values_list(*columns)).rows({})

        assert [tuple(row) for row in found] == list(rows.values_list(*columns))
        assert len(asked) == 1

    def test_plans_are_kept_for_a_connection(self, asked):
        query = self.make(planned=True)
        for _ in range(2):
            query.rows({"<slug>": "dune"})
        assert self.kept() == []

        for _ in range(3):
            query.rows({"<slug>": "dune"})
        assert len(self.kept()) == 1

    def test_few_values_of_a_unique_field_are_planned_once(self, asked):
        among = Among(on_sale)
        for _ in range(5):
            assert sorted(among.find(["dune", "emma", "x"])) == ["dune", "emma"]

        assert len(self.kept()) == 1

    def test_no_plan_is_kept_behind_a_pooler(self, asked, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        query = self.make(planned=True)
        for _ in range(5):
            assert query.rows({"<slug>": "dune"}) == [["Dune"]]

        assert len(asked) == 5
        assert self.kept() == []

    def test_a_plan_that_is_gone_costs_nobody_an_answer(self, asked):
        query = self.make(planned=True)
        for _ in range(4):
            for _ in range(4):
                assert query.rows({"<slug>": "dune"}) == [["Dune"]]
            connection.connection.pgconn.exec_(b"DEALLOCATE ALL")

    def test_what_only_a_cursor_can_ask_is_asked_through_one(self, asked):
        label = Concat("slug", Value("-shelf"))
        rows = Book.objects.annotate(label=label).values("label").annotate(n=Count("pk"))
        query = Prepared(rows.order_by("label").values_list("label", "n"))

        for _ in range(5):
            assert query.rows({})[0] == ["dune-shelf", 1]

    def test_transactions_and_logs_of_queries_go_through_cursors(self, asked):
        query = self.make(planned=True)
        with transaction.atomic():
            assert query.rows({"<slug>": "dune"}) == [["Dune"]]
        with CaptureQueriesContext(connection) as queries:
            assert query.rows({"<slug>": "dune"}) == [["Dune"]]

        assert asked == []
        assert len(queries) == 1

    def test_a_connection_that_is_lost_is_an_error_of_djangos(self, asked):
        query = self.make(planned=True)
        query.rows({"<slug>": "dune"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.close()

        with pytest.raises(DatabaseError):
            query.rows({"<slug>": "dune"})

        connection.close()
        assert query.rows({"<slug>": "dune"}) == [["Dune"]]
