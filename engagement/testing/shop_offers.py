"""
What a shop that takes offers must do, as tests to inherit.

In the test suite of a shop whose adapter answers ``offers()``, with pytest-django::

    from engagement.testing import ShopOffersTests

    class TestMyOffers(ShopOffersTests):
        offers = MyOffers

        def fill(self):
            make_products(3, stock=5)

        def browse(self):
            return a_request_whose_cart_has_two_pieces_or_more()

        def order(self, request, codes):
            placed = my_checkout(request, codes)       # None where a code is refused
            return placed and (placed.number, placed.total_of_goods)

        def cancel(self, order_ref):
            my_cancel(order_ref)
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from django.http import HttpRequest
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.flows.promotions import codes
from engagement.flows.promotions.shoppers import priced
from engagement.flows.serving import live
from engagement.models import Campaign, Promotion, Redemption
from engagement.shop_offers import KINDS, OfferedCode, ShopCart, ShopOffers
from engagement.shortcuts import check_offer
from engagement.testing.adapters import STRANGE_KEYS


@pytest.mark.django_db
class ShopOffersTests:
    """Inherit, name the class in ``offers``, fill the shop, and say how one orders in it."""

    offers: ClassVar[type[ShopOffers]]
    # Whether the tests can place orders: False for a shop that only prices carts so far.
    can_order: ClassVar[bool] = True

    def fill(self) -> None:
        """Make products in the shop's own models."""

    def browse(self) -> HttpRequest:
        """Return a request of a visitor who agreed, with two pieces or more in the cart."""
        raise NotImplementedError

    def order(self, request: HttpRequest, codes: list[str]) -> tuple[str, Decimal] | None:
        """
        Order what is in the cart as the shop does; return the order's number and what the goods
        cost, None where the shop refused a code and stored nothing.
        """
        raise NotImplementedError

    def cancel(self, order_ref: str) -> None:
        """Cancel an order as the shop does."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _filled(self, db: None) -> None:
        self.shop = self.offers()
        self.fill()

    @pytest.fixture
    def offer(self) -> Promotion:
        """Ten per cent off for whoever knows the code, ten times."""
        request = self.browse()
        campaign = Campaign.objects.create(
            channel=get_adapter().get_channel(request),
            name="contract",
            currency=self.cart(request).currency,
            status=Campaign.Status.RUNNING,
            started_at=timezone.now() - timedelta(days=1),
            max_redemptions=10,
        )
        row = Promotion.objects.create(
            campaign=campaign,
            name="contract-tenth",
            kind=Promotion.Kind.PERCENTAGE,
            value=10,
            code_kind=Promotion.CodeKind.SHARED,
            code="CONTRACT",
            texts={"en": {"title": "A tenth off"}},
        )
        live.forget()
        return row

    def cart(self, request: HttpRequest) -> ShopCart:
        found = self.shop.cart(request)
        if found is None:
            pytest.skip("this shop says what is in the cart by cart_keys alone")
        return found

    # -- carts ------------------------------------------------------------------------------
    def test_kinds_are_those_that_there_are(self) -> None:
        assert set(self.shop.kinds()) <= set(KINDS)

    def test_a_cart_says_what_is_in_it_at_which_prices(self) -> None:
        request = self.browse()
        found = self.cart(request)

        assert sum(line.quantity for line in found.lines) >= 2
        for line in found.lines:
            assert isinstance(line.price, Decimal)
            assert line.price >= 0
            assert line.quantity > 0
        keys = [line.item_key for line in found.lines]
        assert set(get_adapter().resolve(keys, request)) == set(keys)
        assert len(found.currency) in (0, 3)
        assert found.shipping is None or found.shipping >= 0

    # -- vouchers of the shop's own ---------------------------------------------------------
    def test_strange_vouchers_are_not_revoked(self) -> None:
        for key in STRANGE_KEYS:
            assert self.shop.revoke(key) in (True, False)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_voucher_of_each_kind_has_a_key_of_its_own_or_none(self, kind: str) -> None:
        if kind not in self.shop.kinds() or kind == "message":
            pytest.skip("this shop does not give this kind of offer")
        keys = [self.shop.grant(_code(kind, n)) for n in range(2)]

        for key in keys:
            assert isinstance(key, str)
            assert len(key) <= 128
            assert not key or self.shop.revoke(key) is True
        assert "" in keys or len(set(keys)) == 2

    # -- orders -----------------------------------------------------------------------------
    def test_what_is_quoted_is_what_is_paid(self, offer: Promotion) -> None:
        request = self._orderer()
        quote = check_offer(["contract"], request=request)

        found = self.order(request, ["contract"])

        assert quote.discount > 0
        assert found is not None
        order_ref, total = found
        assert total == quote.total
        row = Redemption.objects.get()
        assert (row.order_ref, row.discount) == (order_ref, quote.discount)

    def test_a_refused_code_leaves_nothing_behind(self, offer: Promotion) -> None:
        Promotion.objects.filter(pk=offer.pk).update(n_redeemed=3, max_redemptions=3)

        assert self.order(self._orderer(), ["contract"]) is None
        assert self.order(self._orderer(), ["no-such-code"]) is None
        assert not Redemption.objects.exists()

    def test_without_a_code_an_order_costs_what_its_goods_cost(self) -> None:
        request = self._orderer()
        subtotal = priced(self.cart(request), get_adapter().get_channel(request)).subtotal

        found = self.order(request, [])

        assert found is not None
        assert found[1] == subtotal

    def test_a_cancelled_order_gives_back_what_it_used(self, offer: Promotion) -> None:
        found = self.order(self._orderer(), ["contract"])
        assert found is not None

        self.cancel(found[0])

        offer.campaign.refresh_from_db()
        assert (offer.campaign.spent, offer.campaign.n_redeemed) == (0, 0)
        assert Redemption.objects.get().reversed_at is not None

    def _orderer(self) -> HttpRequest:
        if not self.can_order:
            pytest.skip("this shop does not take orders with offers")
        return self.browse()


def _code(kind: str, n: int) -> OfferedCode:
    in_percent = kind in ("percentage", "bundle")
    return OfferedCode(
        name=f"contract-{kind}",
        code=codes.new_code(),
        kind=kind,
        currency="EUR",
        expires_at=timezone.now() + timedelta(days=n + 1),
        value=Decimal(10) if in_percent or kind == "amount" else None,
        buy_n=3 if kind == "n_for_m" else 0,
        pay_m=2 if kind == "n_for_m" else 0,
        gift_key="contract-gift" if kind == "gift" else "",
        scope="items" if kind == "bundle" else "cart",
        scope_keys=("contract-a", "contract-b") if kind == "bundle" else (),
    )
