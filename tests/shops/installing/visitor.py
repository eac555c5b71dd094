"""A visitor over HTTP: a jar of cookies, the shop's forms, and what is on its pages."""

from __future__ import annotations

import html
import json
import re
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, Request, build_opener

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PASSWORD = "correct-horse-7"
ADDRESS = {
    "first_name": "Ann",
    "last_name": "Smith",
    "line1": "1 Mill Lane",
    "line4": "Leeds",
    "postcode": "LS1 1AA",
}


class Visitor:
    """Every page has to answer 200, after whatever redirects there are."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self.browser = build_opener(HTTPCookieProcessor(self.cookies))
        self.browser.addheaders = [("User-Agent", FIREFOX)]
        self.address = url

    def get(self, path: str) -> str:
        return self._open(path)

    def post(self, path: str, data: dict[str, object]) -> str:
        token = next((one.value for one in self.cookies if one.name == "csrftoken"), "")
        body = urlencode({"csrfmiddlewaretoken": token, **data}).encode()
        return self._open(path, body, {"Referer": self.address})

    def send(self, path: str, data: object) -> dict:
        headers = {"Content-Type": "application/json"}
        return json.loads(self._open(path, json.dumps(data).encode(), headers))

    def _open(self, path: str, body: bytes | None = None, headers: dict | None = None) -> str:
        request = Request(urljoin(self.url, path), body, headers or {})  # noqa: S310
        try:
            with self.browser.open(request, timeout=60) as answer:
                self.address = answer.url
                text = html.unescape(answer.read().decode())
        except HTTPError as error:
            raise AssertionError(f"{request.full_url}: {error.code}") from None
        assert 'class="invalid-feedback"' not in text, f"{request.full_url}: {self.errors(text)}"
        return text

    @staticmethod
    def errors(text: str) -> list[str]:
        return re.findall(r'class="invalid-feedback">(.*?)</', text, re.DOTALL)

    # -- what one does in a shop ------------------------------------------------------------
    def agree(self) -> None:
        text = self.get("/catalogue/")
        assert "data-engagement-banner" in text, "nobody asks for consent"
        path = re.search(r'action="([^"]+)" data-engagement-consent', text)[1]
        self.post(path, {"consent": "yes", "next": "/catalogue/"})

    def add(self, product: dict) -> str:
        return self.post(f"/basket/add/{product['pk']}/", {"quantity": 1})

    def check_out(self, guest: str = "") -> str:
        """Go through the checkout; return the page that says thank you."""
        if guest:
            self.get("/checkout/")
            self.post("/checkout/", {"username": guest, "options": "anonymous"})
        else:
            self.get("/checkout/")
        self.post("/checkout/shipping-address/", ADDRESS)
        text = self.post("/checkout/preview/", {"action": "place_order"})
        assert self.address.endswith("/checkout/thank-you/"), self.address
        return text

    def register(self, email: str) -> None:
        self.get("/accounts/register/")
        data = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
        self.post("/accounts/register/", data)

    def review(self, product: dict, body: str) -> None:
        path = f"{product['url']}reviews/add/"
        self.get(path)
        self.post(path, {"title": "My opinion", "score": 5, "body": body})


def placements(text: str) -> set[str]:
    return set(re.findall(r'data-engagement-shelf data-placement="([^"]+)"', text))


def shelf(text: str, placement: str) -> tuple[str, list[str]]:
    """Return a shelf's token, and the keys on it from left to right."""
    part = text.split(f'data-placement="{placement}"')[1].split("</section>")[0]
    token = re.search(r'data-recommendation-id="([^"]+)"', part)[1]
    return token, re.findall(r'data-engagement-item="([^"]+)"', part)
