"""
A walk through a running shop: ``python -m tests.smoke http://127.0.0.1:8000``.

Follows links from the home page; every page has to answer, and the home page and some product
page have to show a shelf of recommendations. Ends with 1 and says what was wrong otherwise.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from html.parser import HTMLParser
from http.client import HTTPResponse
from urllib.error import HTTPError, URLError
from urllib.parse import urldefrag, urljoin
from urllib.request import HTTPCookieProcessor, build_opener

PAGES = 60
PATIENCE_SECONDS = 60


class Page(HTMLParser):
    """What a page links to and which shelves it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.files: list[str] = []
        self.shelves: list[str] = []
        self.recommended = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag in ("script", "img") and values.get("src"):
            self.files.append(str(values["src"]))
        if tag == "link" and values.get("rel") == "stylesheet":
            self.files.append(str(values["href"]))
        if "data-engagement-shelf" in values:
            self.shelves.append(str(values.get("data-placement")))
        if "data-engagement-item" in values:
            self.recommended += 1


class Visit:
    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self.browser = build_opener(HTTPCookieProcessor())
        self.wrong: list[str] = []

    def get(self, path: str) -> tuple[int, str]:
        try:
            answer: HTTPResponse = self.browser.open(urljoin(self.address, path), timeout=60)
            return answer.status, answer.read().decode(errors="replace")
        except HTTPError as error:
            return error.code, ""

    def wait(self) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.get("/engagement/health/live/")
                return
            except URLError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.2)

    def walk(self) -> None:
        queue, seen, files = deque(["/"]), {"/"}, set()
        shelves: dict[str, set[str]] = {}
        recommended = visited = 0
        while queue and visited < PAGES:
            path = queue.popleft()
            visited += 1
            status, text = self.get(path)
            if status != 200:
                self.wrong.append(f"{path} answers {status}")
                continue
            page = Page(text)
            recommended += page.recommended
            for placement in page.shelves:
                shelves.setdefault(placement, set()).add(path)
            files.update(urljoin(path, name) for name in page.files if "//" not in name)
            for link in page.links:
                target = urldefrag(urljoin(path, link)).url
                inside = target.startswith("/") and not target.startswith(("//", "/admin"))
                if inside and target not in seen:
                    seen.add(target)
                    queue.append(target)
        for name in sorted(files)[:PAGES]:
            status, _ = self.get(name)
            if status != 200:
                self.wrong.append(f"{name} answers {status}")
        print(f"{visited} pages, {len(files)} files, {recommended} recommended items on:")
        for placement, paths in sorted(shelves.items()):
            print(f"  {placement:<28} {len(paths)} pages")
        pages = {placement.partition(".")[0] for placement in shelves}
        self.wrong += [
            f"no shelf on any {page} page" for page in ("home", "product") if page not in pages
        ]

    def health(self) -> None:
        for name in ("live", "ready"):
            status, text = self.get(f"/engagement/health/{name}/")
            print(f"health/{name}: {status} {text[:200]}")
            if status != 200:
                self.wrong.append(f"health/{name} answers {status}")


def main(address: str) -> int:
    visit = Visit(address)
    visit.wait()
    visit.walk()
    visit.health()
    for line in visit.wrong:
        print(f"wrong: {line}")
    return 1 if visit.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
