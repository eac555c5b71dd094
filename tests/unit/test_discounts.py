"""What offers take off carts: figures that anyone can check, and what holds for all of them."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.flows.promotions import codes, money
from engagement.flows.promotions.carts import Cart, Line
from engagement.flows.promotions.combining import combine
from engagement.flows.promotions.discounts import Missing, Terms, discount, missing
from engagement.flows.promotions.offers import RunningOffer


def cart(*lines, currency="EUR", shipping=None):
    return Cart.of(
        (Line(key, Decimal(str(price)), *rest) for key, price, *rest in lines),
        currency=currency,
        shipping=None if shipping is None else Decimal(str(shipping)),
    )


FRUIT = cart(
    ("apple", "1.99", 3, "Food > Fruit"),
    ("bread", "3.50", 1, "Food > Bread"),
    ("pen", "2.00", 2, "Office"),
)


def off(kind, on=FRUIT, **terms):
    for name in ("value", "set_price", "min_spend", "max_discount", "cost"):
        if name in terms:
            terms[name] = Decimal(str(terms[name]))
    return discount(Terms(kind, **terms), on)


@pytest.mark.parametrize(
    ("kind", "terms", "amount"),
    [
        ("percentage", {"value": 10}, "1.35"),
        ("percentage", {"value": 10, "scope": "category", "scope_keys": ("Food",)}, "0.95"),
        ("percentage", {"value": 10, "scope": "items", "scope_keys": ("pen",)}, "0.40"),
        ("percentage", {"value": 50, "max_discount": 2}, "2.00"),
        ("amount", {"value": 5}, "5.00"),
        ("amount", {"value": 500}, "13.47"),
        ("n_for_m", {"buy_n": 3, "pay_m": 2, "scope": "items", "scope_keys": ("apple",)}, "1.99"),
        # Six pieces, two of them free: the cheapest two.
        ("n_for_m", {"buy_n": 3, "pay_m": 2}, "3.98"),
        ("bundle", {"set_price": 5, "scope": "items", "scope_keys": ("bread", "pen")}, "0.50"),
        ("bundle", {"value": 20, "scope": "items", "scope_keys": ("apple", "pen")}, "1.60"),
        ("bundle", {"set_price": 99, "scope": "items", "scope_keys": ("bread", "pen")}, "0"),
        ("message", {}, "0"),
    ],
)
def test_what_is_taken_off(kind, terms, amount):
    assert off(kind, **terms).amount == Decimal(amount)


def test_delivery_is_free_up_to_its_cost_and_a_present_lies_in_the_parcel():
    sent = cart(("pen", 2), shipping="4.90")

    free = off("free_shipping", sent, cost=1)
    capped = off("free_shipping", sent, max_discount=3)
    present = off("gift", sent, gift_key="mug", cost=2)

    assert (free.amount, free.shipping, free.cost) == (0, Decimal("4.90"), Decimal("5.90"))
    assert capped.shipping == Decimal("3.00")
    assert (present.gift_key, present.amount, present.cost) == ("mug", 0, Decimal("2.00"))


def test_whole_coins_only():
    assert off("percentage", cart(("a", 999), currency="JPY"), value=10).amount == 100
    assert off("percentage", cart(("a", "1.005"), currency="KWD"), value=50).amount == Decimal(
        "0.503"
    )
    assert off("percentage", cart(("a", "0.05")), value=50).amount == Decimal("0.03")


@pytest.mark.parametrize(
    ("terms", "lacks"),
    [
        (
            Terms("percentage", Decimal(5), min_spend=Decimal(20)),
            Missing("min_spend", Decimal("6.53")),
        ),
        (
            Terms(
                "percentage",
                Decimal(5),
                scope="category",
                scope_keys=("Food > Fruit",),
                min_spend=Decimal(6),
            ),
            Missing("min_spend", Decimal("0.03")),
        ),
        (
            Terms("percentage", Decimal(5), scope="category", scope_keys=("Foo",)),
            Missing("nothing"),
        ),
        (Terms("n_for_m", buy_n=8, pay_m=7), Missing("pieces", n=2)),
        (
            Terms("bundle", set_price=Decimal(1), scope="items", scope_keys=("pen", "ink")),
            Missing("items", keys=("ink",)),
        ),
        (Terms("amount", Decimal(5), currency="USD"), Missing("currency")),
        (Terms("amount", Decimal(5), min_spend=Decimal("13.47")), None),
    ],
)
def test_what_a_cart_lacks(terms, lacks):
    assert missing(terms, FRUIT) == lacks


# -- several at once ------------------------------------------------------------------------
def offer(n, name, kind="percentage", value=10, **fields):
    terms = Terms(kind, Decimal(value), currency="EUR", **fields.pop("terms", {}))
    return RunningOffer(n, 1, "", name, "c", terms, **fields)


def names(found):
    return [one.offer.name for one in found]


def test_what_goes_together_is_worked_out_on_what_is_left():
    both = [offer(1, "a", stacks=True), offer(2, "b", "amount", 3, stacks=True, priority=5)]

    counted, left_out = combine(both, cart(("wine", 10)))

    assert names(counted) == ["b", "a"]
    assert [one.discount.amount for one in counted] == [Decimal("3.00"), Decimal("0.70")]
    assert left_out == ()


def test_what_does_not_go_together_leaves_the_first_alone():
    offers = [
        offer(1, "small", value=5, stacks=True),
        offer(2, "big", value=20),
        offer(3, "first", value=1, priority=1, stacks=True),
    ]

    counted, left_out = combine(offers, cart(("wine", 10)))

    assert names(counted) == ["first", "small"]
    assert [(one.offer.name, one.other.name) for one in left_out] == [("big", "first")]
    # Of equal priority, what takes off most comes first.
    assert names(combine(offers[:2], cart(("wine", 10)))[0]) == ["big"]


def test_one_of_a_group_counts():
    offers = [
        offer(1, "a", stacks=True, exclusive_group="welcome"),
        offer(2, "b", value=20, stacks=True, exclusive_group="welcome"),
        offer(3, "c", "amount", 1, stacks=True),
    ]

    assert names(combine(offers, cart(("wine", 10)))[0]) == ["b", "c"]


# -- what always holds ----------------------------------------------------------------------
KEYS = ("apple", "bread", "pen")
PATHS = {"apple": "Food > Fruit", "bread": "Food > Bread", "pen": "Office"}
amounts = st.decimals("0", "60", places=2)
shares = st.decimals("0.01", "100", places=2)
maybe = st.none() | st.decimals("0", "30", places=2)
scopes = st.sampled_from(
    [
        {},
        {"scope": "items", "scope_keys": ("apple", "pen")},
        {"scope": "category", "scope_keys": ("Food",)},
    ]
)
sets = {"scope": "items", "scope_keys": ("apple", "pen")}


def terms_of(kind, **more):
    fixed = {
        name: value if isinstance(value, st.SearchStrategy) else st.just(value)
        for name, value in more.items()
    }
    return st.builds(
        lambda scope, **fields: Terms(kind, **{**scope, **fields}),
        scopes if kind != "bundle" else st.just(sets),
        min_spend=maybe,
        max_discount=maybe,
        cost=amounts,
        **fixed,
    )


some_terms = st.one_of(
    terms_of("percentage", value=shares),
    terms_of("amount", value=amounts),
    terms_of("free_shipping"),
    terms_of("n_for_m", buy_n=3, pay_m=2),
    terms_of("n_for_m", buy_n=2, pay_m=1),
    terms_of("bundle", set_price=amounts),
    terms_of("bundle", value=shares),
    terms_of("gift", gift_key="mug"),
)
lines = st.builds(
    lambda key, price, n: Line(key, price, n, PATHS[key]),
    st.sampled_from(KEYS),
    st.decimals("0", "40", places=3),
    st.integers(0, 5),
)
carts = st.builds(
    lambda some, currency, shipping: Cart.of(some, currency=currency, shipping=shipping),
    st.lists(lines, max_size=6),
    st.sampled_from(["EUR", "JPY", "KWD", ""]),
    st.none() | amounts,
)
some_offers = st.lists(
    st.tuples(some_terms, st.booleans(), st.integers(0, 2), st.sampled_from(["", "g"])),
    max_size=5,
).map(
    lambda rows: [
        RunningOffer(n, 1, "", f"o{n}", "c", terms, stacks=stacks, priority=p, exclusive_group=g)
        for n, (terms, stacks, p, g) in enumerate(rows)
    ]
)


@given(offers=some_offers, on=carts, seed=st.integers(0, 10))
def test_never_more_than_the_lines_whatever_comes_together(offers, on, seed):
    counted, left_out = combine(offers, on)

    unit = money.unit(on.currency)
    values = [on.value(line) for line in on.lines]
    taken = [sum(column) for column in zip(*(one.discount.lines for one in counted), strict=True)]
    for value, gone in zip(values, taken, strict=False):
        assert 0 <= gone <= value
        assert gone % unit == 0
    off_delivery = sum(one.discount.shipping for one in counted)
    assert 0 <= off_delivery <= money.rounded(on.shipping or Decimal(0), on.currency)
    for one in counted:
        assert one.discount.cost >= one.discount.amount + one.discount.shipping
        if one.offer.terms.max_discount is not None:
            assert one.discount.amount <= one.offer.terms.max_discount
    assert len(counted) + len(left_out) == len(offers)

    # The same in any order of lines and of offers.
    mixed, shuffled = list(on.lines), list(offers)
    random.Random(seed).shuffle(mixed)
    random.Random(seed).shuffle(shuffled)
    again = Cart.of(mixed, currency=on.currency, shipping=on.shipping)
    assert again == on
    assert combine(shuffled, again)[0] == counted


# -- codes ----------------------------------------------------------------------------------
def test_codes_are_hard_to_guess_and_easy_to_type():
    some = {codes.new_code() for _ in range(200)}

    assert len(some) == 200
    assert len(codes.ALPHABET) ** codes.LENGTH >= 2**60
    assert not set(codes.ALPHABET) & set("AEIOU01L5S8B"[:-1])
    for code in some:
        assert codes.normalised(f"  {codes.spaced(code).lower()} ") == code
    assert codes.normalised("ＳＰＲＩＮＧ－２６") == "SPRING26"
    assert codes.spaced("SPRING26") == "SPRING26"
