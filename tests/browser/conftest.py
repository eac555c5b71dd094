from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.core.files import locks as file_locks
from django.core.signals import request_finished, request_started

from tests.browser import chromium
from tests.services import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SCREENSHOTS = os.environ.get("ENGAGEMENT_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def chrome():
    """A real headless Chromium."""
    from playwright.sync_api import expect, sync_playwright

    # A busy machine may take its time; whatever is looked at is waited for.
    expect.set_options(timeout=20_000)
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's loop runs in this thread; the tests use the database beside it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            yield browser
            browser.close()


@pytest.fixture(autouse=True)
def _everything_is_answered(request) -> Iterator[None]:
    """Leave the database to the next test only when the live server is done with this one's."""
    if "live_server" not in request.fixturenames:
        yield
        return
    # Put up before any page is opened and the database emptied after: so this is in between.
    request.getfixturevalue("transactional_db")
    under_way: list[int] = []

    def begun(**_: object) -> None:
        under_way.append(1)

    def done(**_: object) -> None:
        if under_way:
            under_way.pop()

    request_started.connect(begun)
    request_finished.connect(done)
    try:
        yield
        limit, quiet = time.monotonic() + 20, 0
        # A page that is left may send a last word.
        while quiet < 3 and time.monotonic() < limit:
            time.sleep(0.05)
            quiet = 0 if under_way else quiet + 1
    finally:
        request_started.disconnect(begun)
        request_finished.disconnect(done)


def keep(page, what):
    """Keep what a page looks like, where a folder is named for it."""
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SCREENSHOTS) / f"{what}.png", full_page=True)


# -- the demonstration shop, as `make demo` serves it ------------------------------------------
@dataclass(frozen=True)
class Shop:
    """The demonstration shop under an address, and a look into its database."""

    url: str
    folder: Path

    def rows(self, query: str, *values: object) -> list[tuple]:
        with closing(sqlite3.connect(self.folder / "shop.sqlite3", timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def wait_for(self, query: str, *values: object, n: int = 1, seconds: float = 15) -> list[tuple]:
        """Return the rows of ``query`` as soon as there are at least ``n``."""
        limit = time.monotonic() + seconds
        while len(found := self.rows(query, *values)) < n and time.monotonic() < limit:
            time.sleep(0.1)
        return found


def _environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "shop_demo.settings",
        "SHOP_DEMO_VAR": str(folder),
        "CELERY_BROKER_URL": "",
    }


def _seed(folder: Path) -> None:
    for arguments in (["migrate"], ["shop_demo_seed", "--size", "small"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments, "--verbosity", "0"],
            cwd=ROOT,
            env=_environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def seeded(tmp_path_factory, worker_id) -> Path:
    """The small shop's files: filled once, however many processes the tests run in."""
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        base = base.parent
    folder = base / "seeded-shop"
    with (base / "seeded-shop.lock").open("w") as lock:
        file_locks.lock(lock, file_locks.LOCK_EX)
        if not folder.exists():
            half_done = base / "half-seeded-shop"
            shutil.rmtree(half_done, ignore_errors=True)
            half_done.mkdir()
            _seed(half_done)
            half_done.rename(folder)
    return folder


@pytest.fixture(scope="session")
def shop(seeded, tmp_path_factory) -> Iterator[Shop]:
    """A copy of the small shop, served by a process of its own."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(seeded, folder, dirs_exist_ok=True)
    url = f"http://127.0.0.1:{free_port()}"
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", url.removeprefix("http://"), "--noreload"],
            cwd=ROOT,
            env=_environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        limit = time.monotonic() + 60
        while True:
            try:
                urlopen(f"{url}/engagement/health/live/").close()  # noqa: S310
                break
            except URLError:
                assert time.monotonic() < limit, log.read_text()
                time.sleep(0.1)
        yield Shop(url, folder)
    finally:
        server.kill()
        server.wait()


class Visit:
    """Someone with a browser in the shop, who notices what goes wrong in it."""

    def __init__(self, page, shop: Shop, name: str) -> None:
        self.page = page
        self.shop = shop
        self.name = name
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("console", self._said)
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def _said(self, line) -> None:
        if line.type in ("error", "warning"):
            self.wrong.append(f"{self.page.url}: {line.text}")

    def _answered(self, response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status} {response.url}")

    def _failed(self, request) -> None:
        # A page that is left takes the pictures along that were still under way.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"{request.failure} {request.url}")

    # -- what one does in a shop ------------------------------------------------------------
    def go(self, path: str = "/") -> None:
        self.page.goto(self.shop.url + path, wait_until="load")

    def agree(self) -> None:
        self.answer("yes")

    def decline(self) -> None:
        self.answer("no")

    def answer(self, consent: str) -> None:
        banner = self.page.locator("[data-engagement-banner]")
        with self.page.expect_response(re.compile("/consent/")):
            banner.locator(f"button[value={consent}]").click()
        banner.wait_for(state="hidden")

    def titles(self, placement: str) -> list[str]:
        """Return what the shelf shows, from left to right; nothing when it is not there."""
        shelf = self.page.locator(f"[data-engagement-shelf][data-placement='{placement}']")
        items = shelf.locator("[data-engagement-item]").all()
        return [item.get_attribute("data-engagement-item") for item in items]

    def placements(self) -> list[str]:
        shelves = self.page.locator("[data-engagement-shelf]").all()
        return [shelf.get_attribute("data-placement") for shelf in shelves]

    def open_product(self, placement: str = "home.trending", nth: int = 0) -> str:
        """Follow an item of a shelf, the first unless told otherwise; return its key."""
        shelf = self.page.locator(f"[data-engagement-shelf][data-placement='{placement}']")
        item = shelf.locator("[data-engagement-item]").nth(nth)
        key = item.get_attribute("data-engagement-item")
        item.locator("a[href]").first.click()
        self.page.wait_for_url(re.compile("/p/"))
        return key

    def put_into_cart(self) -> None:
        with self.page.expect_response(re.compile("/cart/add/")):
            self.page.locator(".product__buy button").click()

    def buy(self) -> None:
        self.go("/checkout/")
        for name, value in {
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "street": "12 St James's Square",
            "postcode": "10115",
            "city": "Berlin",
        }.items():
            field = self.page.locator(f"main [name={name}]")
            if field.count():
                field.fill(value)
        self.page.locator("main input[type=radio]").first.check()
        self.page.locator("main form button:not([type=button])").last.click()
        self.page.wait_for_url(re.compile("thank-you"))

    def sign_in(self, nth: int = 0) -> None:
        self.go("/account/sign-in/")
        with self.page.expect_navigation(wait_until="load"):
            self.page.locator(".persona").nth(nth).click()

    def keep(self, what: str) -> None:
        """Keep a picture of the whole page where someone wants to look at them."""
        if not SCREENSHOTS:
            return
        # Pictures further down are fetched when they come near.
        self.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("window.scrollTo(0, 0)")
        path = Path(SCREENSHOTS) / f"{what}-{self.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, full_page=True)


@pytest.fixture
def visit(chrome, shop):
    """Enter the shop with a fresh browser: ``visit()``, ``visit(phone=True)``."""
    contexts, visits = [], []

    def enter(*, phone: bool = False, **options: object) -> Visit:
        context = chrome.new_context(
            viewport=PHONE if phone else DESKTOP,
            is_mobile=phone,
            has_touch=phone,
            # Sharp where somebody will look at it; twice the pixels cost twice the time.
            device_scale_factor=2 if phone and SCREENSHOTS else 1,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        visits.append(Visit(context.new_page(), shop, "phone" if phone else "desktop"))
        return visits[-1]

    yield enter
    for context in contexts:
        context.close()
    assert [wrong for one in visits for wrong in one.wrong] == []
