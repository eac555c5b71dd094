"""
Fills the bookshop: single books and sales for tests that need few, and a whole shop whose tastes
are obvious, so that a test can say what a reader must be shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.text import slugify

from engagement.models import Event, EventName, Item, Visitor
from tests.othershop.models import Book, Genre, Sale, SaleLine

# Readers buy inside their own genre and nowhere else; earlier titles sell better.
GENRES = {
    "Science fiction": ("Dune", "Solaris", "Neuromancer", "Ubik", "Hyperion"),
    "Romance": ("Emma", "Persuasion", "Jane Eyre", "Middlemarch", "Villette"),
    "Modernism": ("Ulysses", "Orlando", "Nadja", "Molloy", "Berlin Alexanderplatz"),
}
READERS_OF_EACH = 12
WEEKS = 8


def make_book(title: str, *, genre: str = "", **fields: Any) -> Book:
    """Create a book; its slug, which is its item key, follows: "Jane Eyre" is jane-eyre."""
    if genre:
        fields["genre"] = Genre.objects.get_or_create(label=genre)[0]
    return Book.objects.create(slug=slugify(title), name=title, **fields)


def make_reader(name: str) -> Any:
    model = get_user_model()
    return model.objects.filter(username=name).first() or model.objects.create_user(name)


def make_sale(buyer: Any, books: Sequence[Book], *, at: datetime, number: str = "") -> Sale:
    """Create an order of one copy each; ``buyer`` is a user, a name or None."""
    if isinstance(buyer, str):
        buyer = make_reader(buyer)
    number = number or f"S{Sale.objects.count() + 1:05}"
    sale = Sale.objects.create(number=number, buyer=buyer, sold_at=at)
    SaleLine.objects.bulk_create(SaleLine(sale=sale, book=book, paid=book.price) for book in books)
    return sale


@dataclass(frozen=True)
class Bookshop:
    """What :func:`make_bookshop` made: books by title, readers by name."""

    books: dict[str, Book]
    readers: dict[str, Any]
    until: datetime

    def of_genre(self, genre: str) -> list[Book]:
        return [self.books[title] for title in GENRES[genre]]


def make_bookshop(*, until: datetime) -> Bookshop:
    """
    Create three genres of five books, and 36 readers with eight weeks of sales before ``until``.

    The readers are ``science-fiction-1`` … ``romance-12``. In odd weeks a reader buys two books of
    the genre together, in even weeks one; nobody buys outside the genre.
    """
    genres = {label: Genre.objects.create(label=label) for label in GENRES}
    books = {
        title: Book(
            slug=slugify(title), name=title, genre=genres[label], price=Decimal(8 + position)
        )
        for label, titles in GENRES.items()
        for position, title in enumerate(titles)
    }
    Book.objects.bulk_create(books.values())
    user = get_user_model()
    names = [f"{slugify(label)}-{i + 1}" for label in GENRES for i in range(READERS_OF_EACH)]
    user.objects.bulk_create(user(username=name, password="!") for name in names)
    readers = {person.username: person for person in user.objects.filter(username__in=names)}

    sales, lines = [], []
    for label, titles in GENRES.items():
        for i in range(READERS_OF_EACH):
            for week in range(WEEKS):
                # A reader starts at their own place in the list and goes on, mostly near its top.
                first = (i + week) % len(titles) if week % 3 else 0
                chosen = [first, (first + 1) % len(titles)] if week % 2 else [first]
                sale = Sale(
                    number=f"W{len(sales) + 1:05}",
                    buyer=readers[f"{slugify(label)}-{i + 1}"],
                    sold_at=until - timedelta(weeks=WEEKS - week, hours=-i),
                )
                sales.append(sale)
                lines += [(sale, books[titles[position]]) for position in chosen]
    Sale.objects.bulk_create(sales)
    saved = {sale.number: sale for sale in Sale.objects.all()}
    SaleLine.objects.bulk_create(
        SaleLine(sale=saved[sale.number], book=book, paid=book.price) for sale, book in lines
    )
    return Bookshop(books, readers, until)


# -- the app's own rows, for tests that do not go through a flow ------------------------------
def make_item(title: str, *, channel: str = "", **fields: Any) -> Item:
    """Create the mirror row of a book, whether or not the book exists."""
    fields.setdefault("external_id", slugify(title))
    return Item.objects.create(channel=channel, title=title, **fields)


def make_visitor(key: str = "a-visitor", *, channel: str = "", **fields: Any) -> Visitor:
    return Visitor.objects.get_or_create(channel=channel, key=key, defaults=fields)[0]


def make_event(
    visitor: Visitor | str | None,
    item: Item | None,
    *,
    at: datetime,
    event: EventName = EventName.VIEW_ITEM,
    **fields: Any,
) -> Event:
    if isinstance(visitor, str):
        visitor = make_visitor(visitor)
    fields.setdefault("key", uuid.uuid4())
    return Event.objects.create(visitor=visitor, item=item, event=event, event_time=at, **fields)
