"""Two shops that take offers: the demonstration shop, and one with vouchers of its own."""

import itertools
import uuid
from decimal import Decimal
from functools import partial

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from engagement.adapters import ModelAdapter, get_adapter
from engagement.shop_offers import ShopCart, ShopLine, ShopOffers
from engagement.shortcuts import OfferRefused, redeem_offer, reverse_offer
from engagement.testing import ShopOffersTests
from shop_demo import carts, checkout
from shop_demo.deductions import DemoOffers
from shop_demo.models import Category, Order, Product
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_book, make_reader, make_sale
from tests.othershop.models import Book, Sale

NOBODY = {"name": "", "email": "", "street": "", "postcode": "", "city": ""}


def request(user=None):
    found = RequestFactory().get("/", headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
    found.user = user or AnonymousUser()
    found.session = SessionStore()
    return found


class TestTheDemonstrationShop(ShopOffersTests):
    offers = DemoOffers

    @pytest.fixture(autouse=True)
    def _in_charge(self, demo):
        pass

    @pytest.fixture(autouse=True)
    def _filled(self, _in_charge, db):
        self.shop = self.offers()
        shelf = Category.objects.create(slug="milk", name="Milk", picture="glass-of-milk")
        for number, price in enumerate(("2.35", "1.99")):
            Product.objects.create(
                sku=str(number),
                name=f"Milk {number}",
                category=shelf,
                price=Decimal(price),
                regular_price=Decimal(price),
                stock=5,
                added_at=MONDAY,
            )

    def browse(self):
        found = request()
        for product in Product.objects.order_by("sku"):
            carts.add(found, product, 2)
        return found

    def order(self, request, codes):
        try:
            placed = checkout.place_order(
                cart=carts.current(request),
                checkout_key=uuid.uuid4(),
                user=None,
                address=checkout.Address(**NOBODY),
                codes=codes,
                redeem=partial(redeem_offer, request=request),
                at=timezone.now(),
            )
        except OfferRefused:
            return None
        return placed.order.number, placed.order.total

    def cancel(self, order_ref):
        checkout.cancel(Order.objects.get(number=order_ref))


class Vouchers(ShopOffers):
    """Vouchers that the shop keeps itself, and a cart of two books."""

    kept: dict[str, str] = {}
    numbers = itertools.count(1)

    def cart(self, request):
        books = Book.objects.order_by("slug")[:2]
        return ShopCart([ShopLine(book.slug, book.price) for book in books], "EUR")

    def grant(self, code):
        key = f"V{next(self.numbers)}"
        self.kept[key] = code.code
        return key

    def revoke(self, shop_ref):
        return self.kept.pop(shop_ref, None) is not None


class VoucherShop(ModelAdapter):
    def offers(self):
        return Vouchers()


class TestAShopWithVouchersOfItsOwn(ShopOffersTests):
    offers = Vouchers

    @pytest.fixture(autouse=True)
    def _in_charge(self, settings):
        path = f"{__name__}.VoucherShop"
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ADAPTER": path}

    def fill(self):
        for title in ("Dune", "Emma", "Ulysses"):
            make_book(title, price=Decimal("12.35"))

    def browse(self):
        return request(make_reader("ann"))

    def order(self, request, codes):
        cart = get_adapter().offers().cart(request)
        books = [Book.objects.get(slug=line.item_key) for line in cart.lines]
        try:
            with transaction.atomic():
                sale = make_sale("ann", books, at=timezone.now())
                quote = redeem_offer(codes, request=request, cart=cart, order_ref=sale.number)
        except OfferRefused:
            assert not Sale.objects.exists()
            return None
        return sale.number, quote.total

    def cancel(self, order_ref):
        assert reverse_offer(order_ref) == 1
