"""The walk of a guest and of a customer through a shop into which the app was installed."""

from __future__ import annotations

import re
import time
from collections import Counter

from tests.shops.installing.project import Project
from tests.shops.installing.visitor import Visitor, placements, shelf

PRODUCTS = """{
    product.title: {"pk": product.pk, "url": product.get_absolute_url()}
    for product in __import__("oscar.core.loading").core.loading.get_model(
        "catalogue", "Product").objects.filter(parent=None)
}"""
# A tenth off with a code of their own, for whoever has this address.
GIVE = """
from django.contrib.auth import get_user_model
from django.utils import timezone
from engagement.flows.promotions import granting, offers
from engagement.flows.promotions.shoppers import shopper_of
from engagement.flows.serving.visit import person_of_customer
from engagement.models import Campaign, Promotion

now = timezone.now()
campaign = Campaign.objects.create(
    name="welcome", currency="EUR", status="running", started_at=now)
row = Promotion.objects.create(
    campaign=campaign, name="tenth", kind="percentage", value=10, code_kind="personal",
    texts={{"en": {{"title": "A tenth off"}}}})
user = get_user_model().objects.get(email="{email}")
who = shopper_of(person_of_customer(str(user.pk), ""), at=now)
print(granting.grant(offers.detached(offers.rows(pk=row.pk).get()), shopper=who, at=now).shown_code)
"""
# An offer for whoever comes by, where the app's pages show one.
SHOW = """
from django.utils import timezone
from engagement.flows.deciding import contexts
from engagement.models import (
    Campaign, DecisionPoint, PolicyActivation, PolicyVersion, Promotion)

now = timezone.now()
campaign = Campaign.objects.create(
    name="shown", currency="EUR", status="running", started_at=now)
Promotion.objects.create(
    campaign=campaign, name="shown", kind="amount", value=1, code_kind="personal",
    placements=["home.offer", "cart.offer"],
    texts={"en": {"title": "One euro for you", "text": "Off whatever you take today.",
                  "terms": "Once."}})
for name in ("home.offer", "cart.offer"):
    point = DecisionPoint.objects.create(name=name)
    version = PolicyVersion.objects.create(
        point=point, backend="shop_policy.Always", name="v1", features=list(contexts.NAMES))
    PolicyActivation.objects.create(point=point, version=version, activated_at=now)
"""
# A process asks what is live every few seconds; a machine may be busy.
PATIENCE_SECONDS = 60
NAMES = {
    1: "view_item_list",
    2: "select_item",
    3: "view_item",
    4: "search",
    5: "add_to_wishlist",
    6: "add_to_cart",
    7: "remove_from_cart",
    8: "view_cart",
    9: "begin_checkout",
    10: "purchase",
    11: "refund",
    14: "submit_review",
}


class Walk:
    def __init__(self, project: Project, url: str) -> None:
        self.project = project
        self.url = url
        self.products: dict = project.as_json(PRODUCTS)  # type: ignore[assignment]
        self.mug, self.teapot = self.products["Mug 0"], self.products["Teapot"]

    # -- with the app -----------------------------------------------------------------------
    def guest(self) -> None:
        """Home, category, product, search, a click on a shelf, basket, checkout, thank-you."""
        before = self.counted()
        visitor = Visitor(self.url)
        visitor.agree()
        self.meets(visitor.get("/catalogue/"), "home.for_you")
        self.meets(visitor.get("/catalogue/category/demo/mugs_2/"), "category.top")
        page = visitor.get(self.mug["url"])
        self.meets(page, "product.bought_together", "product.similar")
        token, keys = shelf(page, "product.bought_together")
        assert keys[0] == str(self.teapot["pk"]), f"the teapot does not lead: {keys}"
        self.meets(visitor.get("/search/?q=Mug"), "search.results")
        self.meets(visitor.get("/search/?q=zeppelin"), "search.no_results")
        click = {"item_id": keys[0], "index": 1}
        event = {"event": "select_item", "recommendation_id": token, "items": [click]}
        assert visitor.send("/engagement/events/", {"events": [event]})["accepted"] == 1
        visitor.get(self.teapot["url"])
        visitor.add(self.teapot)
        self.meets(visitor.get("/basket/"), "cart.complete_the_set")
        self.meets(visitor.check_out("guest@example.org"), "confirmation.also_bought")
        # Oscar leads back to the product's page from the button, and from a review.
        self.happened(
            before,
            view_item=3,
            search=2,
            select_item=1,
            add_to_cart=1,
            begin_checkout=1,
            purchase=1,
        )
        self.bought_from("product.bought_together")

    def customer(self) -> None:
        """Home, product, registration, basket, checkout, thank-you, account, review."""
        before = self.counted()
        visitor = Visitor(self.url)
        visitor.agree()
        visitor.get(self.mug["url"])
        visitor.register("ann@example.org")
        visitor.get(self.mug["url"])
        visitor.add(self.mug)
        visitor.get("/basket/")
        self.meets(visitor.check_out(), "confirmation.also_bought")
        self.meets(visitor.get("/accounts/profile/"), "account.buy_again", "account.for_you")
        visitor.review(self.mug, "A fine mug, I love it.")
        self.happened(
            before,
            view_item=4,
            add_to_cart=1,
            begin_checkout=1,
            purchase=1,
            submit_review=1,
        )
        (sentiment,) = self.project.rows("SELECT sentiment FROM engagement_reviewanalysis")[-1]
        assert sentiment == "positive", sentiment

    def offer(self) -> None:
        """A code of one customer takes a tenth off for her, and nothing for another."""
        chosen, other = (self._somebody(f"{name}@example.org") for name in ("cleo", "dan"))
        give = GIVE.format(email="cleo@example.org")
        code = self.project.manage("shell", "--no-imports", "-c", give).strip().splitlines()[-1]
        said = other.post("/basket/vouchers/add/", {"code": code})
        assert "does not qualify" in said, said
        assert "added to" in chosen.post("/basket/vouchers/add/", {"code": code.lower()})
        assert "A tenth off" in chosen.get("/basket/")
        chosen.check_out()
        other.check_out()
        query = "SELECT total_incl_tax FROM order_order ORDER BY id DESC LIMIT 2"
        assert [float(total) for (total,) in self.project.rows(query)] == [24.0, 21.6]
        assert "A tenth off" not in Visitor(self.url).get("/offers/")
        # Somebody has such a code in the basket when the app is taken out.
        self.left = self._somebody("eve@example.org")
        give = give.replace('"welcome"', '"second"').replace('"tenth"', '"again"')
        give = give.replace("cleo@", "eve@")
        code = self.project.manage("shell", "--no-imports", "-c", give).strip().splitlines()[-1]
        self.left.post("/basket/vouchers/add/", {"code": code})
        assert "21.60" in self.left.get("/basket/")

    def card(self) -> None:
        """A policy's offer is on the home page and by the basket, and taken with one click."""
        self.project.manage("shell", "--no-imports", "-c", SHOW)
        visitor = self._somebody("fay@example.org")
        limit = time.monotonic() + PATIENCE_SECONDS
        while "One euro for you" not in (page := visitor.get("/basket/")):
            assert time.monotonic() < limit, "the offer is not shown"
            time.sleep(1)
        assert "One euro for you" in visitor.get("/catalogue/")
        (code,) = re.findall(r'name="code" value="([^"]+)"', page)
        visitor.post("/basket/vouchers/add/", {"code": code})
        assert "23.00" in visitor.get("/basket/")

    def _somebody(self, email: str) -> Visitor:
        visitor = Visitor(self.url)
        visitor.agree()
        visitor.register(email)
        visitor.add(self.teapot)
        return visitor

    def meets(self, page: str, *wanted: str) -> None:
        missing = set(wanted) - placements(page)
        assert not missing, f"not on the page: {missing}; there are {placements(page)}"

    def counted(self) -> Counter[str]:
        rows = self.project.rows("SELECT event, COUNT(*) FROM engagement_event GROUP BY event")
        return Counter({NAMES.get(event, str(event)): n for event, n in rows})

    def happened(self, before: Counter[str], **wanted: int) -> None:
        new = self.counted() - before
        assert new == wanted, f"recorded {dict(new)}, not {wanted}"

    def bought_from(self, placement: str) -> None:
        query = "SELECT placement FROM engagement_event WHERE event = 10 ORDER BY id DESC LIMIT 1"
        ((found,),) = self.project.rows(query)
        assert found == placement, f"the purchase belongs to {found!r}"

    # -- without it -------------------------------------------------------------------------
    def without(self) -> None:
        """The same shop again, after the app's lines were taken out."""
        self.left.url = self.url
        assert "24.00" in self.left.get("/basket/")
        self.left.check_out()
        visitor = Visitor(self.url)
        for path in ("/catalogue/", self.mug["url"], "/search/?q=Mug"):
            page = visitor.get(path)
            assert "engagement" not in page, f"something of the app is left on {path}"
        orders = self.project.rows("SELECT COUNT(*) FROM order_order")
        visitor.add(self.mug)
        visitor.check_out("somebody@example.org")
        visitor.register("ben@example.org")
        visitor.review(self.mug, "Still a fine mug.")
        assert self.project.rows("SELECT COUNT(*) FROM order_order")[0][0] == orders[0][0] + 1
