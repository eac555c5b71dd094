"""Rules about whom something is for: read, refused with a reason, counted, asked of one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.flows.audiences import asking, counting, querying, reading
from engagement.flows.audiences.rules import All, Comparison, Not, Some, Taste, Truth
from engagement.flows.audiences.words import WORDS
from engagement.flows.profiles.profile import Profile
from engagement.models import VisitorProfile, VisitorTaste
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_item, make_visitor

TODAY = timezone.localdate(MONDAY)
CATEGORIES = ("Food > Fruit", "Food > Fruit > Berries", "Food", "Fruity > Drinks", "Home")


def profile(n, *, tastes=(), ordered=None, **fields):
    visitor = make_visitor(f"a{n:032x}")
    row = VisitorProfile.objects.create(
        visitor=visitor,
        until=TODAY,
        first_day=TODAY - timedelta(days=fields.pop("known", 90)),
        last_day=TODAY - timedelta(days=fields.pop("seen", 3)),
        last_order_day=None if ordered is None else TODAY - timedelta(days=ordered),
        **fields,
    )
    VisitorTaste.objects.bulk_create(
        VisitorTaste(visitor=visitor, category=category, share=share) for category, share in tastes
    )
    return row


def as_profile(row):
    """The same person as Python is asked about."""
    return Profile(
        **{
            name: getattr(row, name)
            for name in (
                "n_orders",
                "n_refunds",
                "spent",
                "mean_order_value",
                "n_sessions_30d",
                "n_views_30d",
                "n_carts_30d",
                "is_customer",
                "language",
            )
        },
        days_since_first=(TODAY - row.first_day).days,
        days_since_visit=(TODAY - row.last_day).days,
        days_since_order=row.last_order_day and (TODAY - row.last_order_day).days,
        tastes=dict(row.visitor.tastes.values_list("category", "share")),
    )


def found(rule):
    rows = VisitorProfile.objects.filter(querying.condition(rule, today=TODAY))
    return set(rows.values_list("pk", flat=True))


# -- what a rule says -----------------------------------------------------------------------
def test_a_rule_reads_as_it_is_written():
    one = Profile(n_orders=3, days_since_order=40, tastes={"Food > Fruit": 2500})

    assert asking.holds('orders >= 2 and days_since_order > 30 and category("Fruit") > 0.2', one)
    assert not asking.holds("is_new or spent < 0", one)
    assert asking.holds("2 <= orders < 4 and not is_new and orders in [1, 3]", one)
    assert asking.holds("", one)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("ordrs > 2", "There is no word “ordrs”; did you mean “orders”?", 1),
        ("is_new and spend < 20", "no word “spend”; did you mean “spent”?", 12),
        ("orders > 'two'", "“orders” is a number", 10),
        ("language > 3", "“language” is a text", 12),
        ("language == 3", "“language” is a text", 13),
        ("is_new == True", "“is_new” is yes or no", 11),
        ("orders", "“orders” has to be compared", 1),
        ("orders = 2", "Write == to compare", 8),
        ("orders > 1 & spent > 2", "Compare|A rule|“orders” is a number", 10),
        ("orders >", "no rule any more", 9),
        ("category(fruit) > 0.2", "Name one category in quotes", 1),
        ('category("Fruit")', "Compare it with a number", 1),
        ("__import__('os').system('x')", "A rule is made of comparisons|no word", 1),
        ("orders.real > 1", "Begin with a word", 1),
        ("(lambda: 1)() > 1", "no word", 1),
        ("orders > 1 if is_new else spent > 2", "A rule is made of comparisons", 1),
        ("spent > 1.2345", "three decimals", 9),
        ("orders > 1e400", "too large", 10),
        ('language == "中文" and ordrs > 2', "no word “ordrs”", 22),
        ("orders is None", "Compare by", 11),
        ("orders > " + "9" * 2000, "too long", 1),
        ("not " * 30 + "is_new", "nested too deeply", 81),
        ("(" * 300 + "is_new" + ")" * 300, "not a rule|no rule", 1),
    ],
)
def test_a_wrong_rule_is_refused_with_what_was_meant(text, message, position):
    with pytest.raises(reading.CannotRead, match=message) as refused:
        reading.read(text)

    if len(text) < 400:
        assert refused.value.position == position


@pytest.mark.django_db
def test_a_category_that_is_not_there_is_told_with_the_nearest():
    make_item("Apple", category="Food > Fruit")

    with pytest.raises(reading.CannotRead, match="did you mean “Fruit”"):
        counting.check('category("fruits") > 0.2', channel="", at=MONDAY)
    assert counting.check('category("Food > Fruit") > 0.2', channel="", at=MONDAY).n == 0


@pytest.mark.django_db
def test_a_rule_is_counted_over_the_visitors_there_are():
    profile(1, n_orders=3, ordered=40, tastes=[("Food > Fruit", 3000)])
    profile(2, n_orders=3, ordered=10, tastes=[("Food > Fruit", 3000)])
    profile(3, n_orders=3, ordered=40, tastes=[("Food > Fruitcake", 3000)])
    profile(4)

    text = 'orders >= 2 and days_since_order > 30 and category("Fruit") > 0.2'

    assert counting.check(text, channel="", at=MONDAY) == counting.Fit(1, 4)
    assert counting.check("", channel="", at=MONDAY).share == 1.0
    assert counting.check("not days_since_order > 30", channel="", at=MONDAY).n == 2


# -- the database and Python agree ----------------------------------------------------------
numbers = st.sampled_from(["0", "1", "2", "2.5", "3", "30", "-1", "0.2", "0.25", "1e6", "9e11"])
constants = numbers.map(Decimal)
names = st.sampled_from(sorted(WORDS))
comparing = st.sampled_from(["<", "<=", "==", "!=", ">", ">="])


def compared(name):
    if WORDS[name].type == "yes_no":
        return st.just(Truth(name))
    text = WORDS[name].type == "text"
    values = st.sampled_from(["en", "zh-hans", ""]) if text else constants
    single = st.sampled_from(["==", "!="]) if text else comparing
    several = st.lists(values, min_size=1, max_size=3).map(tuple)
    return st.builds(Comparison, st.just(name), single, values) | st.builds(
        Comparison, st.just(name), st.sampled_from(["in", "not in"]), several
    )


tastes = st.builds(
    Taste,
    st.sampled_from(["Food", "Fruit", "Berries", "Food > Fruit", "Fruity", "Nothing"]),
    comparing,
    constants,
)
leaves = names.flatmap(compared) | tastes
trees = st.recursive(
    leaves,
    lambda rules: (
        st.builds(Not, rules)
        | st.lists(rules, min_size=1, max_size=3).map(lambda some: All(tuple(some)))
        | st.lists(rules, min_size=1, max_size=3).map(lambda some: Some(tuple(some)))
    ),
    max_leaves=6,
)


@pytest.fixture
def people(db):
    """Everybody who may stand at an edge: nothing at all, exactly at the bounds, in the future."""
    rows = [
        profile(1),
        profile(2, n_orders=2, ordered=30, spent=Decimal("2.5"), mean_order_value=Decimal("1.25")),
        profile(3, n_orders=3, ordered=0, spent=Decimal(30), is_customer=True, language="en"),
        profile(4, n_orders=1, ordered=2, n_refunds=1, known=0, seen=0, language="zh-hans"),
        profile(5, ordered=None, known=30, seen=30, spent=Decimal("0.2"), n_views_30d=3),
        profile(6, tastes=[("Food > Fruit", 2000), ("Home", 8000)], n_carts_30d=2),
        profile(
            7, tastes=[("Food > Fruit > Berries", 1500), ("Food", 1000), ("Fruity > Drinks", 10)]
        ),
        profile(8, n_orders=2, ordered=31, n_sessions_30d=2, spent=Decimal("-1")),
    ]
    return {row.pk: as_profile(row) for row in rows}


@given(rule=trees)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_and_python_mean_the_same_people(people, rule):
    assert found(rule) == {pk for pk, one in people.items() if asking.answer(rule, one)}
