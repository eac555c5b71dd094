"""What the tags of one page share about an item's reviews, each part asked for once."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from engagement.adapters import get_adapter
from engagement.flows import faults
from engagement.flows.reviews import listing, questions, ratings
from engagement.flows.reviews.authors import reader_ids
from engagement.flows.reviews.listing import Filters, Listed, Own
from engagement.flows.reviews.questions import Questions
from engagement.flows.reviews.ratings import Summary
from engagement.models import Item, Review

# Of the names in a page's address that choose reviews: "review_sort", "review_page" …
PREFIX = "review_"
# A script element ends at "</", whatever stands around it.
_ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}
# Google reads a few; the page shows them all.
MARKED_UP = 10


class Reader:
    """Whoever looks at a page. ``ids`` are the rows of this person, asked for when needed."""

    def __init__(self, request: HttpRequest | None) -> None:
        self.request = request
        self.shown: dict[str, Showing] = {}
        self.summaries: dict[int, Summary] = {}

    @functools.cached_property
    def channel(self) -> str:
        return get_adapter().get_channel(self.request)

    @functools.cached_property
    def ids(self) -> tuple[int, ...]:
        try:
            return reader_ids(self.request)
        except Exception:
            faults.report("person", "Who reads cannot be found out; showing nothing personal")
            return ()

    def prepare(self, keys: Iterable[str]) -> None:
        """Read the stars of many items at once, for the tags of a list of products."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self.shown]
        rows = Item.objects.of_channel(self.channel).filter(key__in=wanted[:900])
        found = {item.key: item for item in rows}
        stars = ratings.summaries(item.pk for item in found.values())
        for key in wanted:
            showing = self.shown[key] = Showing(self, key)
            item = found.get(key)
            showing.__dict__["item"] = item
            showing.__dict__["summary"] = (
                stars.get(item.pk, ratings.NOTHING) if item is not None else ratings.NOTHING
            )


class Showing:
    """The reviews of one item for one reader."""

    def __init__(self, reader: Reader, key: str) -> None:
        self.reader = reader
        self.key = key

    @classmethod
    def of(cls, request: HttpRequest | None, obj: object) -> Showing:
        """Return what is shown of an item (the shop's object, or its key), one for each request."""
        key = get_adapter().item_key(obj)
        reader = reader_of(request)
        if key not in reader.shown:
            reader.shown[key] = cls(reader, key)
        return reader.shown[key]

    @functools.cached_property
    def item(self) -> Item | None:
        if not self.key or "\0" in self.key:
            return None
        return Item.objects.of_channel(self.reader.channel).filter(key=self.key).first()

    @functools.cached_property
    def summary(self) -> Summary:
        return ratings.NOTHING if self.item is None else ratings.summary(self.item.pk)

    @functools.cached_property
    def listed(self) -> Listed | None:
        """The page of reviews that the page's address asks for."""
        if self.item is None:
            return None
        request = self.reader.request
        asked: Any = {} if request is None else request.GET
        return listing.list_reviews(
            self.item.pk,
            Filters.read(asked, prefix=PREFIX),
            number=str(asked.get(f"{PREFIX}page", 1)),
            visitor_ids=self.reader.ids,
            summary=self.summary,
        )

    @functools.cached_property
    def own(self) -> Own:
        if self.item is None:
            return Own(may_write=False)
        return listing.own_reviews(self.item, self.reader.ids)

    @functools.cached_property
    def questions(self) -> Questions:
        if self.item is None:
            return Questions()
        return questions.list_questions(self.item.pk, visitor_ids=self.reader.ids)

    def json_ld(self) -> SafeString:
        """
        Return the item with its rating and the reviews on the page as JSON for a script element.

        By Google's rules for review snippets: about one product, only where its reviews are shown
        to people on the same page, with an author for each. "" where there is nothing to say.
        """
        listed = self.listed
        if self.item is None or listed is None or not self.summary or not listed.page.object_list:
            return mark_safe("")
        product: dict[str, Any] = {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": self.item.title,
            "sku": self.item.key,
            "aggregateRating": {
                "@type": "AggregateRating",
                "ratingValue": round(self.summary.average, 2),
                "reviewCount": self.summary.n_total,
                "bestRating": 5,
                "worstRating": 1,
            },
            "review": [_marked_up(one) for one in listed.page.object_list[:MARKED_UP]],
        }
        request = self.reader.request
        if request is not None:
            for name, address in (("url", self.item.url), ("image", self.item.image_url)):
                if address:
                    product[name] = request.build_absolute_uri(address)
        text = json.dumps(product, ensure_ascii=False, separators=(",", ":"))
        return mark_safe(text.translate(_ESCAPES))  # noqa: S308 (nothing of it can end a script)


def reader_of(request: HttpRequest | None) -> Reader:
    """Return the reader of a request, the same one each time."""
    if request is None:
        return Reader(None)
    plain: Any = getattr(request, "_request", request)
    known: Reader | None = getattr(plain, "_engagement_reader", None)
    if known is None:
        known = plain._engagement_reader = Reader(plain)
    return known


def _marked_up(review: Review) -> dict[str, Any]:
    published = review.published_at or review.created_at
    marked: dict[str, Any] = {
        "@type": "Review",
        "author": {"@type": "Person", "name": review.author_name or _("A customer")},
        "datePublished": published.date().isoformat(),
        "reviewRating": {
            "@type": "Rating",
            "ratingValue": review.rating,
            "bestRating": 5,
            "worstRating": 1,
        },
    }
    if review.title:
        marked["name"] = review.title
    if review.body:
        marked["reviewBody"] = review.body
    if review.language and review.language != "und":
        marked["inLanguage"] = review.language
    return marked
