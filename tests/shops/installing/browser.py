"""What the shop looks like in a Chromium, on a desk and in a hand."""

from __future__ import annotations

import importlib.util
import re
import time
from pathlib import Path

from tests.browser import chromium
from tests.shops.installing.project import Project
from tests.shops.installing.visitor import ADDRESS, PASSWORD
from tests.shops.installing.walk import Walk

SIZES: dict[str, dict] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
}
# How a card looks, the shop's own beside ours; and whether a shelf keeps to the page's width.
CARD = """(card) => {
  const style = getComputedStyle(card), title = getComputedStyle(card.querySelector("h3"));
  return [style.backgroundColor, style.padding, style.textAlign, title.fontFamily, title.fontSize,
          title.color, getComputedStyle(card.querySelector(".price_color")).color];
}"""
SHELVES = """() => [...document.querySelectorAll("[data-engagement-shelf]")].map((shelf) => {
  const box = shelf.getBoundingClientRect();
  const cards = [...shelf.querySelectorAll("[data-engagement-item]")];
  return {name: shelf.dataset.placement, left: box.left, right: box.right,
          pictures: cards.filter((card) => card.querySelector("img").naturalWidth > 0).length,
          cards: cards.length};
})"""


def is_there() -> bool:
    return importlib.util.find_spec("playwright") is not None and chromium() is not None


def look(project: Project, url: str, there: Walk, pictures: Path | None) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for size, options in SIZES.items():
            context = chrome.new_context(reduced_motion="reduce", **options)
            name = f"{project.shop}-{size}"
            Look(context.new_page(), url, there, name, pictures).around()
            context.close()
        chrome.close()
    seen = "SELECT COUNT(*) FROM engagement_event WHERE event = 1"
    assert project.rows(seen)[0][0] > 0, "no browser has told which shelves it has shown"


class Look:
    """A visit with a browser that notices what goes wrong."""

    def __init__(self, page, url: str, there: Walk, name: str, pictures: Path | None) -> None:
        self.page, self.url, self.there = page, url, there
        self.name, self.pictures = name, pictures
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("console", self._said)
        page.on("response", self._answered)

    def _said(self, line) -> None:
        # Oscar's own pages ask for scripts of elsewhere, which a machine may not reach.
        if line.type == "error" and "net::ERR_" not in line.text:
            self.wrong.append(f"{self.page.url}: {line.text}")

    def _answered(self, response) -> None:
        if response.status >= 400 and response.url.startswith(self.url):
            self.wrong.append(f"{response.status} {response.url}")

    def around(self) -> None:
        products = self.there.products
        self.go("/catalogue/")
        self.keep("consent")
        with self.page.expect_response(re.compile("/consent/")):
            self.page.locator("[data-engagement-banner] button[value=yes]").click()
        self.shows("home", "home.for_you")
        self.looks_native()
        self.go("/catalogue/category/demo/mugs_2/")
        self.shows("category", "category.top")
        self.go(self.there.mug["url"])
        self.shows("product", "product.bought_together", "product.similar")
        self.go(products["Shirt"]["url"])
        self.shows("product-in-sizes", "product.bought_together")
        self.go("/search/?q=Mug")
        self.shows("search", "search.results")
        self.go("/search/?q=zeppelin")
        self.shows("nothing-found", "search.no_results")
        self.register(f"{self.name}@example.org")
        self.go(self.there.mug["url"])
        self.page.locator("#add_to_basket_form button[type=submit]").click()
        self.go("/basket/")
        self.shows("basket", "cart.complete_the_set")
        self.takes_the_offer()
        self.check_out()
        self.shows("thank-you", "confirmation.also_bought")
        self.go("/accounts/profile/")
        self.shows("account", "account.buy_again", "account.for_you")
        assert self.wrong == [], "\n".join(self.wrong)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="load")

    def register(self, email: str) -> None:
        self.go("/accounts/register/")
        self.page.fill("[name=email]", email)
        for field in ("password1", "password2"):
            self.page.fill(f"[name={field}]", PASSWORD)
        self.page.locator("button[name=registration_submit]").click()
        self.page.wait_for_load_state("load")

    def check_out(self) -> None:
        self.go("/checkout/")
        for field, value in ADDRESS.items():
            self.page.fill(f"#new_shipping_address [name={field}]", value)
        self.page.locator("#new_shipping_address button[type=submit]").click()
        self.page.wait_for_load_state("load")
        if "payment-details" in self.page.url:
            self.page.locator("#view_preview").click()
        self.page.locator("#place-order").click()
        self.page.wait_for_url(re.compile("thank-you"))

    def takes_the_offer(self) -> None:
        card = self.page.locator("[data-engagement-promotion]")
        assert "One euro for you" in card.inner_text()
        card.locator("button").click()
        self.page.wait_for_load_state("load")
        assert "One euro for you" in self.page.locator("#basket_totals").inner_text()
        self.keep("basket-with-offer")

    # -- what is looked at ------------------------------------------------------------------
    def shows(self, what: str, *wanted: str) -> None:
        """Scroll down, as pictures further below are fetched then; look, and keep a picture."""
        self.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        self.page.wait_for_load_state("networkidle")
        width = self.page.evaluate("document.documentElement.clientWidth")
        shelves = {shelf["name"]: shelf for shelf in self.page.evaluate(SHELVES)}
        missing = set(wanted) - set(shelves)
        assert not missing, f"{what}: no {missing}; there are {set(shelves)}"
        for shelf in shelves.values():
            assert shelf["left"] >= 0, (what, shelf)
            assert shelf["right"] <= width + 1, (what, width, shelf)
            assert shelf["pictures"] == shelf["cards"], (what, shelf)
        self.page.evaluate("window.scrollTo(0, 0)")
        self.keep(what)

    def looks_native(self) -> None:
        """Hold a card of ours against one of the shop's own listing."""
        ours = self.page.locator("[data-engagement-item] .product_pod").first
        theirs = self.page.locator("section .product_pod").first
        assert ours.evaluate(CARD) == theirs.evaluate(CARD)

    def keep(self, what: str) -> None:
        if self.pictures is None:
            return
        self.pictures.mkdir(parents=True, exist_ok=True)
        # What is still moving would be blurred.
        time.sleep(0.2)
        self.page.screenshot(path=self.pictures / f"{self.name}-{what}.png", full_page=True)
