"""The reviews that a shop of plain models keeps itself, as ``ENGAGEMENT["REVIEWS"]`` names them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Model, Q
from django.utils.module_loading import import_string

from engagement.adapters import accessors
from engagement.adapters.keys import fitting
from engagement.shop_reviews import ShopReview, ShopReviews

# Read from a review's row; what is written (STATUS, REPLY) has to be a field of its own.
READ = (
    "ITEM",
    "RATING",
    "TITLE",
    "BODY",
    "CUSTOMER",
    "AUTHOR_NAME",
    "LANGUAGE",
    "VERIFIED",
    "REPLY",
    "UPDATED_AT",
)


@dataclass
class ModelReviews(ShopReviews):
    """
    Reviews in a model that settings name::

        "REVIEWS": {
            "MODEL": "books.Opinion", "ITEM": "book_id", "RATING": "stars", "TITLE": "headline",
            "BODY": "words", "CUSTOMER": "reader_id", "CREATED_AT": "written", "REPLY": "answer",
            "STATUS": "state", "STATUSES": {"new": "pending", "ok": "published", "bad": "rejected"},
        }

    Fields that are left out are not there; ``STATUSES`` says what the shop's own values mean, and
    without ``STATUS`` everything is published and nothing can be moderated. A shop that keeps its
    status in several fields names them together, ``["is_approved", "is_rejected"]``, and their
    values as well: ``{(False, False): "pending", …}``. ``CHANGED`` is a function that is given the
    review after a decision, for what the shop hangs on it.
    """

    names: Mapping[str, Any] = field(default_factory=dict)
    item_key: Callable[[Any], str] = str

    @functools.cached_property
    def _model(self) -> Any:
        return apps.get_model(self.names["MODEL"])

    @property
    def _rows(self) -> Any:
        select, prefetch = accessors.related(self._model, [self.names.get(part) for part in READ])
        rows = self._model._default_manager.all()
        rows = rows.select_related(*select) if select else rows
        return rows.prefetch_related(*prefetch) if prefetch else rows

    def iter_reviews(self, since: datetime | None = None) -> Iterator[ShopReview]:
        written = self.names.get("CREATED_AT", "created_at")
        changed = self.names.get("UPDATED_AT", written)
        rows = self._rows.order_by(written, "pk")
        if since is not None:
            rows = rows.filter(**{f"{changed}__gte": since})
        for row in rows.iterator(chunk_size=2000):
            yield self._read(row)

    def get_reviews(self, refs: Sequence[str]) -> dict[str, ShopReview]:
        rows = self._rows.filter(pk__in=self._valid(refs))
        return {str(row.pk): self._read(row) for row in rows}

    def set_status(self, ref: str, status: str, *, seen: Sequence[str], actor: object) -> bool:
        theirs, keys = self._theirs(status), self._valid([ref])
        if not (self._columns and theirs and keys):
            return False
        before = [self._fields(values) for values, ours in self._statuses.items() if ours in seen]
        if not before:
            return False
        is_seen = functools.reduce(Q.__or__, (Q(**fields) for fields in before))
        # One statement decides; then the row is saved as the shop would, with what hangs on it.
        rows = self._model._default_manager.filter(pk=keys[0])
        if not rows.filter(is_seen).update(**self._fields(theirs[0])):
            return False
        self._save(rows.get())
        return True

    def write_reply(self, ref: str, text: str, *, actor: object) -> bool:
        name, keys = self.names.get("REPLY"), self._valid([ref])
        row = self._rows.filter(pk=keys[0]).first() if name and keys else None
        if row is None:
            return False
        setattr(row, str(name), text)
        self._save(row)
        return True

    def _save(self, row: Any) -> None:
        row.save()
        changed = self.names.get("CHANGED")
        if changed:
            (import_string(changed) if isinstance(changed, str) else changed)(row)

    # -- reading --------------------------------------------------------------------------
    def _read(self, row: Any) -> ShopReview:
        url = getattr(row, "get_absolute_url", None)
        rating, customer = self._value(row, "RATING", None), self._value(row, "CUSTOMER", "")
        return ShopReview(
            ref=str(row.pk),
            item_key=self._item(row),
            title=str(self._value(row, "TITLE", "")),
            body=str(self._value(row, "BODY", "")),
            rating=None if rating is None else min(max(round(rating), 1), 5),
            status=self._status(row),
            customer=str(customer.pk if isinstance(customer, Model) else customer),
            author_name=str(self._value(row, "AUTHOR_NAME", "")),
            language=str(self._value(row, "LANGUAGE", "")),
            verified_purchase=bool(self._value(row, "VERIFIED", False)),
            reply=str(self._value(row, "REPLY", "")),
            created_at=getattr(row, self.names.get("CREATED_AT", "created_at")),
            updated_at=self._value(row, "UPDATED_AT", None),
            url=url() if url else "",
        )

    def _item(self, row: Any) -> str:
        item = self._value(row, "ITEM", "")
        return self.item_key(item) if isinstance(item, Model) else str(item)

    def _value(self, row: Any, part: str, missing: Any) -> Any:
        value = self._readers[part](row)
        return missing if value is None else value

    @functools.cached_property
    def _readers(self) -> dict[str, accessors.Reader]:
        return {part: accessors.reader(self.names.get(part), self._model) for part in READ}

    # -- statuses -------------------------------------------------------------------------
    @functools.cached_property
    def _columns(self) -> tuple[str, ...]:
        """Return the fields that hold the status: one, several or none."""
        given = self.names.get("STATUS") or ()
        return (given,) if isinstance(given, str) else tuple(given)

    @functools.cached_property
    def _statuses(self) -> dict[tuple[Any, ...], str]:
        """Return what the shop's own values mean."""
        given = self.names.get("STATUSES", {})
        several = len(self._columns) > 1
        return {tuple(values) if several else (values,): ours for values, ours in given.items()}

    def _status(self, row: Any) -> str:
        if not self._columns:
            return "published"
        values = tuple(getattr(row, name) for name in self._columns)
        return self._statuses.get(values, "pending")

    def _fields(self, values: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self._columns, values, strict=True))

    def _theirs(self, status: str) -> list[tuple[Any, ...]]:
        """Return the shop's values for a status of ours; a shop may know no «held»."""
        found = [values for values, ours in self._statuses.items() if ours == status]
        if not found and status == "held":
            return self._theirs("pending")
        return found

    def _valid(self, refs: Sequence[str]) -> list[Any]:
        return fitting(self._model._meta.pk, refs)
