"""
Visitors who walk through the pages of a running shop, as browsers do: cookies, forms, one page
after the other. They know nothing but what the pages say, and sign nothing.

Only addresses of this machine are visited.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    ProxyHandler,
    Request,
    build_opener,
)

import numpy as np

from engagement.conf import app_settings
from shop_demo.simulation import pages, walkers
from shop_demo.simulation.pages import Form, Page
from shop_demo.simulation.visiting import address

SECONDS = 30
LARGEST = 5_000_000
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Of what is offered, so much is taken.
TAKES = 0.7
MOST_PRODUCTS = 4


class CannotWalk(Exception):
    """There is no such shop, or none that may be visited; the message says which."""


@dataclass(slots=True)
class Walked:
    """What visitors did, added up."""

    n_pages: int = 0
    n_added: int = 0
    n_offered: int = 0
    n_taken: int = 0
    n_orders: int = 0


def walk(
    url: str,
    *,
    visitors: int,
    seed: int,
    favourites: Sequence[str] = (),
    progress: Callable[[int], object] = lambda n: None,
) -> Walked:
    """
    Let ``visitors`` walk through the shop at ``url`` one after the other; raises CannotWalk.

    ``favourites``: departments, by the words of their links, of which each likes one best.
    """
    home = own_address(url)
    found = Walked()
    for number, child in enumerate(np.random.default_rng(seed).spawn(visitors)):
        likes = favourites[number % len(favourites)] if favourites else ""
        _Walker(home, f"{walkers.NAME}{seed}-{number}", likes, child, found).go()
        progress(1)
    return found


def own_address(url: str) -> str:
    """Return the address of the first page; raises CannotWalk for one that leads elsewhere."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise CannotWalk(f"--url takes an address such as http://127.0.0.1:8000, not {url!r}.")
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise CannotWalk(f"--url: there is no host {host}.") from None
    if not all(ipaddress.ip_address(one[4][0]).is_loopback for one in told):
        raise CannotWalk(f"--url: {host} is not this machine; simulated shoppers stay on it.")
    return f"{parts.scheme}://{parts.netloc}/"


class _StayHere(HTTPRedirectHandler):
    def __init__(self, home: str) -> None:
        self.home = home

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str
    ) -> Any:
        if not newurl.startswith(self.home):
            raise CannotWalk(f"{req.full_url} leads away from the shop, to {newurl}.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Browser:
    """Cookies, pages and forms; what the tracker on a page would report."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.jar = CookieJar()
        self.n_pages = 0
        # No proxy: what is on this machine is asked by itself.
        self._opener = build_opener(
            ProxyHandler({}), HTTPCookieProcessor(self.jar), _StayHere(home)
        )

    def get(self, path: str) -> Page:
        return self._open(self._request(path))

    def post(self, form: Form, **fields: str) -> Page:
        body = urlencode({**form.fields, **fields}).encode()
        return self._open(self._request(form.action, body))

    def report(self, page: Page, event: str, token: str) -> None:
        told = {
            "event": event,
            "promotion_id": token,
            "event_time": datetime.now(UTC).isoformat(),
        }
        body = json.dumps({"events": [told]}).encode()
        self._open(self._request(page.events_url, body, "application/json"))

    def cookie(self, name: str) -> str:
        return next((one.value or "" for one in self.jar if one.name == name), "")

    def _url(self, path: str) -> str:
        url = urljoin(self.home, path)
        if not url.startswith(self.home):
            raise CannotWalk(f"{url} leads away from the shop.")
        return url

    def _request(
        self, path: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded"
    ) -> Request:
        headers = {"User-Agent": BROWSER, "Accept-Language": "en"}
        if body is not None:
            headers["Content-Type"] = kind
        # The address begins with that of the first page, which is http or https.
        return Request(self._url(path), data=body, headers=headers)  # noqa: S310

    def _open(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                text = response.read(LARGEST).decode("utf-8", "replace")
                url = response.geturl()
        except HTTPError as error:
            raise CannotWalk(f"{request.full_url} answers {error.code} {error.reason}.") from error
        except (URLError, OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", error)
            raise CannotWalk(
                f"No shop answers at {self.home} ({why}); make demo starts one."
            ) from error
        self.n_pages += 1
        return pages.read(url, text)


class _Walker:
    def __init__(
        self, home: str, name: str, likes: str, rng: np.random.Generator, found: Walked
    ) -> None:
        self.browser = _Browser(home)
        self.name, self.likes, self.rng, self.found = name, likes, rng, found

    def go(self) -> None:
        try:
            self._go()
        finally:
            self.found.n_pages += self.browser.n_pages
            walkers.remember([self.browser.cookie(app_settings.VISITOR_COOKIE)])

    def _go(self) -> None:
        home = self._agree(self.browser.get(""))
        departments = home.links_to("/shop/")
        if not departments:
            raise CannotWalk(f"The page at {home.url} is not that of the demonstration shop.")
        for _product in range(1 + int(self.rng.integers(MOST_PRODUCTS))):
            self._put_one(departments)
        cart = self.browser.get("/cart/")
        if cart.form("/cart/set/") is None:
            return
        self._look_at_offers(cart)
        self._order()

    def _agree(self, page: Page) -> Page:
        """Answer the question whether visits may be remembered with a yes."""
        for form in page.forms:
            if "yes" in form.choices.get("consent", ()):
                return self.browser.post(form, consent="yes")
        return page

    def _put_one(self, departments: Sequence[tuple[str, str]]) -> None:
        liked = [one for one in departments if self.likes and self.likes == one[1]]
        some = liked if liked and self.rng.random() < 0.8 else departments
        shelf = self.browser.get(self._any(some)[0])
        products = shelf.links_to("/p/")
        if not products:
            return
        page = self.browser.get(self._any(products)[0])
        form = page.form("/cart/add/")
        if form is not None:
            self.browser.post(form, quantity=str(1 + int(self.rng.integers(3))))
            self.found.n_added += 1

    def _look_at_offers(self, page: Page) -> None:
        for token in page.offers:
            self.found.n_offered += 1
            self.browser.report(page, "view_promotion", token)
            form = next((one for one in page.forms if one.offer == token), None)
            if form is not None and self.rng.random() < TAKES:
                self.browser.report(page, "select_promotion", token)
                self.browser.post(form)
                self.found.n_taken += 1

    def _order(self) -> None:
        form = next(
            (one for one in self.browser.get("/checkout/").forms if "checkout_key" in one.fields),
            None,
        )
        if form is None:
            return
        form.action = form.action or "/checkout/"
        where = address(self.name)
        fields: Mapping[str, str] = {
            "name": where.name,
            "email": where.email,
            "street": where.street,
            "postcode": where.postcode,
            "city": where.city,
            "payment": "accepted",
        }
        if "/thank-you/" in self.browser.post(form, **fields).url:
            self.found.n_orders += 1

    def _any(self, some: Sequence[tuple[str, str]]) -> tuple[str, str]:
        return some[int(self.rng.integers(len(some)))]
