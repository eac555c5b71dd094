"""Reads shelves out of a page, as the tracker does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Seen:
    placement: str
    recommendation_id: str
    title: str = ""
    keys: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.shelves: list[Seen] = []
        self.in_title = False

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "data-engagement-shelf" in given:
            self.shelves.append(Seen(given["data-placement"], given["data-recommendation-id"]))
        if "data-engagement-item" in given:
            self.shelves[-1].keys.append(given["data-engagement-item"])
            self.shelves[-1].ranks.append(int(given["data-rank"]))
        self.in_title = tag == "h2"

    def handle_data(self, data):
        if self.in_title and self.shelves:
            self.shelves[-1].title += data.strip()

    def handle_endtag(self, tag):
        self.in_title = False


def shelves(response) -> dict[str, Seen]:
    """Return the shelves of a page by placement."""
    reader = _Reader()
    reader.feed(response if isinstance(response, str) else response.content.decode())
    return {shelf.placement: shelf for shelf in reader.shelves}
