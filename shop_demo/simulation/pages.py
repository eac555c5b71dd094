"""What a visitor's browser finds on a page: links, forms with their fields, offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """``fields``: what is sent as the page stands; ``choices``: values of buttons and radios."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    # The token of the offer that the form stands in.
    offer: str = ""


@dataclass
class Page:
    """``links``: address and words; ``offers``: their tokens; ``events_url``: where it reports."""

    url: str
    links: list[tuple[str, str]] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    events_url: str = ""

    def links_to(self, part: str) -> list[tuple[str, str]]:
        """Return the links whose address begins with ``part``, each address once."""
        found = {url: words for url, words in reversed(self.links) if url.startswith(part)}
        return list(found.items())[::-1]

    def form(self, part: str) -> Form | None:
        """Return the first form whose address begins with ``part``."""
        return next((form for form in self.forms if form.action.startswith(part)), None)


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.page = Page(url)
        self._form: Form | None = None
        self._link: str | None = None
        self._words: list[str] = []
        self._offer = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if told.get("data-engagement-promotion"):
            self._offer = told["data-engagement-promotion"]
            self.page.offers.append(self._offer)
        self.page.events_url = told.get("data-events-url") or self.page.events_url
        match tag:
            case "a":
                self._link, self._words = told.get("href", ""), []
            case "form":
                self._form = Form(
                    told.get("action", ""), told.get("method", "get").lower(), offer=self._offer
                )
                self.page.forms.append(self._form)
            case "input" | "button" if self._form is not None and told.get("name"):
                self._read_field(self._form, tag, told)

    def _read_field(self, form: Form, tag: str, told: dict[str, str]) -> None:
        name, value, kind = told["name"], told.get("value", ""), told.get("type", "")
        if tag == "button" or kind in ("radio", "checkbox", "submit"):
            form.choices.setdefault(name, []).append(value)
            if tag == "button" or kind == "submit" or "checked" not in told:
                return
        form.fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "a" if self._link is not None:
                self.page.links.append((self._link, " ".join("".join(self._words).split())))
                self._link = None
            case "form":
                self._form = None
            case "aside":
                self._offer = ""

    def handle_data(self, data: str) -> None:
        if self._link is not None:
            self._words.append(data)


def read(url: str, text: str) -> Page:
    reader = _Reader(url)
    reader.feed(text)
    reader.close()
    return reader.page
