"""
Oscar's own "recommended products", filled from a shelf: its stock pages then show them.

Merchandisers write such rows too, and none says who has written it. So ours are noted down in
:class:`FilledRecommendation`, and nothing else is ever changed or deleted. A row of ours that
somebody has changed is theirs from then on; one that was deleted by hand is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from oscar.core.loading import get_model

from engagement.contrib.oscar.models import FilledRecommendation
from engagement.contrib.oscar.waiting import after_commit
from engagement.flows.locks import lock
from engagement.flows.serving.recommend import recommend
from engagement.shortcuts import receiver_guard

PLACEMENT = "product.similar"
LONGEST = 6 * 3600
AT_ONCE = 200

Progress = Callable[[int], object]


@dataclass(slots=True)
class FillReport:
    """What became of the rows of all products; ``left`` are other people's."""

    products: int = 0
    written: int = 0
    removed: int = 0
    kept: int = 0
    left: int = 0


def fill(*, n: int, at: datetime, progress: Progress | None = None) -> FillReport:
    """
    Give each product up to ``n`` recommended ones, other people's rows first; 0 takes ours away.

    Raises AlreadyRunning when another process is at it.
    """
    report = FillReport()
    with lock("oscar:recommended", seconds=LONGEST):
        for keys in _batches(n):
            wanted = {key: _shelf(key, n, at) for key in keys}
            with transaction.atomic():
                for books in _read(keys):
                    books.settle(wanted[books.primary], n, at, report)
            report.products += len(keys)
            if progress is not None:
                progress(len(keys))
    return report


def _batches(n: int) -> Iterator[list[str]]:
    """Yield the products that have rows or shall have some."""
    product = get_model("catalogue", "Product").objects
    shown = product.filter(parent=None, is_public=True).order_by("pk") if n else product.none()
    filled = FilledRecommendation.objects.order_by("pk").values_list("primary_key", flat=True)
    keys = {str(key): None for key in shown.values_list("pk", flat=True)}
    keys |= dict.fromkeys(filled.distinct())
    rest = iter(keys)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _shelf(key: str, n: int, at: datetime) -> list[str]:
    if not n:
        return []
    shelf = recommend(placement=PLACEMENT, person=None, at=at, n=n, context=[key])
    return [item.key for item in shelf]


def _read(keys: Sequence[str]) -> Iterator[_Books]:
    """Yield what there is of each product: rows of Oscar's, and our notes about them."""
    books = {key: _Books(key, {}, {}) for key in keys}
    for row in get_model("catalogue", "ProductRecommendation").objects.filter(primary__in=keys):
        books[str(row.primary_id)].rows[str(row.recommendation_id)] = row
    for note in FilledRecommendation.objects.filter(primary_key__in=keys):
        books[note.primary_key].notes[note.recommended_key] = note
    yield from books.values()


@dataclass(slots=True)
class _Books:
    """The recommended products of one product, by key."""

    primary: str
    rows: dict[str, Any]
    notes: dict[str, FilledRecommendation]

    def settle(self, shelf: Sequence[str], n: int, at: datetime, report: FillReport) -> None:
        self._give_up(forget=not n)
        theirs = {key: row for key, row in self.rows.items() if key not in self.notes}
        free = [
            key for key in shelf if key != self.primary and key not in theirs and self._may(key)
        ]
        wanted = free[: max(n - len(theirs), 0)]
        # Never above what merchandisers have put there.
        lowest = min((row.ranking for row in theirs.values()), default=len(wanted))
        ranking = {key: min(len(wanted) - place, lowest) for place, key in enumerate(wanted)}
        report.left += len(theirs)
        for key, note in list(self.notes.items()):
            if not note.is_unwanted and key not in ranking:
                self.rows[key].delete()
                note.delete()
                report.removed += 1
        for key in wanted:
            if key in self.notes:
                self._rank(key, ranking[key])
                report.kept += 1
            elif self._write(key, ranking[key], at):
                report.written += 1

    def _give_up(self, *, forget: bool) -> None:
        """Part with rows that are not ours any more, and with the notes about them."""
        for key, note in list(self.notes.items()):
            row = self.rows.get(key)
            if row is not None and not note.is_unwanted and row.ranking == note.ranking:
                continue
            if row is not None or forget:
                # Changed, or written anew, by somebody who meant it.
                note.delete()
                del self.notes[key]
            elif not note.is_unwanted:
                note.is_unwanted = True
                note.save(update_fields=["is_unwanted"])

    def _may(self, key: str) -> bool:
        return key not in self.notes or not self.notes[key].is_unwanted

    def _rank(self, key: str, ranking: int) -> None:
        row, note = self.rows[key], self.notes[key]
        if row.ranking != ranking:
            row.ranking = note.ranking = ranking
            row.save(update_fields=["ranking"])
            note.save(update_fields=["ranking"])

    def _write(self, key: str, ranking: int, at: datetime) -> bool:
        rows = get_model("catalogue", "ProductRecommendation").objects
        try:
            with transaction.atomic():
                rows.create(primary_id=self.primary, recommendation_id=key, ranking=ranking)
                FilledRecommendation.objects.create(
                    primary_key=self.primary,
                    recommended_key=key,
                    ranking=ranking,
                    written_at=at,
                )
        except IntegrityError:
            # Somebody has written the same a moment ago: it is theirs.
            return False
        return True


@after_commit
def product_deleted(*, key: str, **kwargs: Any) -> None:
    """Forget what was written for a product, or of it, that is gone."""
    of_it = Q(primary_key=key) | Q(recommended_key=key)
    FilledRecommendation.objects.filter(of_it).delete()


@receiver_guard
def follow_deletion(*, instance: Any, **kwargs: Any) -> None:
    # Its key is taken from it once it is deleted.
    product_deleted(key=str(instance.pk))
