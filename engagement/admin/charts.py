"""
What a chart shows, apart from how it is drawn.

A page gives ``Chart`` objects to ``admin/engagement/chart.html``, which writes the numbers as JSON
for ``charts.js`` and, for everyone who cannot see a canvas, as a sentence and a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.formats import number_format
from django.utils.translation import pgettext

Number = float | int | None
# A page says what a series means (“the winner”), not that it is green.
Role = Literal["", "winner", "baseline", "other", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Series:
    """One row of bars or one line. ``low`` and ``high`` draw an interval around each value."""

    label: str
    values: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    role: Role = ""
    # Bars may each have a meaning of their own; it goes before ``role``.
    roles: Sequence[Role] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """
    ``labels`` along one axis, ``series`` along the other.

    ``kind``: "bar" (upright), "ranking" (lying bars, for long names), "stacked" or "line".
    ``key`` is the HTML id and unique on the page; ``decimals`` is the precision of the table.
    """

    key: str
    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: Literal["bar", "ranking", "stacked", "line"] = "bar"
    summary: str = ""
    axis: str = ""
    label_heading: str = ""
    decimals: int = 0
    # Where each label leads, for the table.
    links: Sequence[str] = field(default_factory=tuple)

    @property
    def is_empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    def data(self) -> dict[str, Any]:
        """Return what ``charts.js`` reads."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "axis": self.axis,
            "decimals": self.decimals,
            "series": [
                {
                    "label": series.label,
                    "values": list(series.values),
                    "low": list(series.low),
                    "high": list(series.high),
                    "roles": list(series.roles) or [series.role] * len(series.values),
                    "role": series.role,
                }
                for series in self.series
            ],
        }

    def head(self) -> list[str]:
        return [
            self.label_heading or pgettext("model", "Name"),
            *(series.label for series in self.series),
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Return the table: one row a label, numbers written out in the reader's language."""
        return [
            {
                "label": label,
                "link": self.links[position] if position < len(self.links) else "",
                "cells": [self._cell(series, position) for series in self.series],
            }
            for position, label in enumerate(self.labels)
        ]

    def _cell(self, series: Series, position: int) -> str:
        value = self._number(series.values[position])
        if position < len(series.low) and series.low[position] is not None:
            low, high = self._number(series.low[position]), self._number(series.high[position])
            return f"{value} ({low} – {high})"
        return value

    def _number(self, value: Number) -> str:
        if value is None:
            return "–"
        return number(value, self.decimals)


def number(value: float, decimals: int = 0) -> str:
    """Return a number in the reader's language. (``number_format`` alone cuts off, not rounds.)"""
    return str(number_format(round(value, decimals), decimals, force_grouping=True))
