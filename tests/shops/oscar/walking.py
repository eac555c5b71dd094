"""A visitor who goes through the whole shop over HTTP."""

from __future__ import annotations

import html
import re
from collections import Counter
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oscar.core.loading import get_model

from engagement.models import Event, EventName

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
PASSWORD = "correct-horse-7"
ADDRESS = {
    "first_name": "Ann",
    "last_name": "Smith",
    "line1": "1 Mill Lane",
    "line4": "Leeds",
    "postcode": "LS1 1AA",
}


class Walker:
    """Remembers which shelves were on which page; every answer must be a page or a way to one."""

    def __init__(self) -> None:
        self.client = Client(HTTP_USER_AGENT=FIREFOX)
        self.shelves: dict[str, set[str]] = {}

    def get(self, url: str, name: str = "") -> str:
        response = self.client.get(url, follow=True)
        return self._read(response, name or url)

    def post(self, url: str, data: dict, name: str = "") -> str:
        response = self.client.post(url, data, follow=True)
        return self._read(response, name or url)

    def _read(self, response, name: str) -> str:
        assert response.status_code == 200, (name, response.status_code)
        form = response.context and response.context.get("form")
        assert not (form is not None and form.is_bound and form.errors), (name, form.errors)
        text = html.unescape(response.content.decode())
        self.shelves[name] = set(re.findall(r'data-placement="([^"]+)"', text))
        return text

    # -- what one does in a shop ------------------------------------------------------------
    def shop(self, product) -> None:
        """Look around: home, category, product, search."""
        self.get(reverse("catalogue:index"), "home")
        self.get(product.categories.first().get_absolute_url(), "category")
        self.get(product.get_absolute_url(), "product")
        self.search("Mug", "search")
        self.search("zeppelin", "nothing found")

    def search(self, words: str, name: str = "") -> str:
        return self.get(reverse("search:search") + f"?q={words}", name)

    def add(self, product, quantity: int = 1) -> str:
        """Press the button of a product's page; the product may be sold in variants."""
        data: dict = {"quantity": quantity}
        if product.parent_id is not None:
            data["child_id"] = product.pk
        url = reverse("basket:add", args=[product.parent_id or product.pk])
        return self.post(url, data, "added")

    def fill_basket(self, product) -> None:
        self.add(product)
        self.get(reverse("basket:summary"), "basket")

    def change_basket(self, *quantities: int, **fields: object) -> None:
        """Set the quantity of each line in the basket, 0 to take it out."""
        lines = get_model("basket", "Line").objects.filter(basket__status="Open").order_by("pk")
        data = {
            "form-TOTAL_FORMS": len(quantities),
            "form-INITIAL_FORMS": len(quantities),
            **fields,
        }
        for n, (line, quantity) in enumerate(zip(lines, quantities, strict=True)):
            data |= {f"form-{n}-id": line.pk, f"form-{n}-quantity": quantity}
        self.post(reverse("basket:summary"), data, "basket")

    def check_out(self, *, guest: str = "") -> str:
        if guest:
            self.post(
                reverse("checkout:index"), {"username": guest, "options": "anonymous"}, "checkout"
            )
        else:
            self.get(reverse("checkout:index"), "checkout")
        self.post(reverse("checkout:shipping-address"), ADDRESS, "address")
        return self.place()

    def buy(self, product) -> None:
        """Look around, buy as a guest, and press the last button once more."""
        self.get(reverse("catalogue:index"), "home")
        self.get(product.get_absolute_url(), "product")
        self.search("Mug", "search")
        self.fill_basket(product)
        text = self.check_out(guest="guest@example.org")
        assert "confirmation" in text.lower(), text[:2000]
        self.place()

    def place(self) -> str:
        return self.post(reverse("checkout:preview"), {"action": "place_order"}, "thank you")

    def register(self, email: str = "ann@example.org") -> None:
        self.post(
            reverse("customer:register"),
            {"email": email, "password1": PASSWORD, "password2": PASSWORD},
            "register",
        )
        self.get(reverse("customer:profile-view"), "account")

    def sign_in(self, email: str = "ann@example.org") -> None:
        self.post(
            reverse("customer:login"),
            {
                "login-username": email,
                "login-password": PASSWORD,
                "login_submit": "Log In",
            },
            "sign in",
        )

    def review(self, product, body: str = "A fine mug.", score: int = 5) -> None:
        self.post(
            reverse(
                "catalogue:reviews-add",
                kwargs={"product_slug": product.slug, "product_pk": product.pk},
            ),
            {"title": "My opinion", "score": score, "body": body},
            "review",
        )


def counted() -> Counter[str]:
    """Return how often what has happened since the shop was filled."""
    rows = Event.objects.filter(event_time__gte=timezone.now() - timedelta(hours=1))
    return Counter(EventName(event).code for event in rows.values_list("event", flat=True))
