"""Which column of a file is what: as told, or guessed from names that are well known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from engagement.flows.collecting.aliases import event_name
from engagement.models import EventName

# What a column may be, and by which names it goes elsewhere, the surest first. Compared without
# regard to case, spaces, hyphens and underscores.
FIELDS: dict[str, tuple[str, ...]] = {
    "visitor": (
        "customerid",
        "customerkey",
        "customer",
        "userid",
        "user",
        "householdid",
        "memberid",
        "reviewerid",
    ),
    "anonymous": ("userpseudoid", "visitorid", "anonymousid", "clientid", "deviceid"),
    "item": (
        "itemid",
        "productid",
        "stockcode",
        "sku",
        "articleid",
        "asin",
        "item",
        "product",
    ),
    "at": (
        "eventtime",
        "eventtimestamp",
        "invoicedate",
        "orderdate",
        "transactiontimestamp",
        "purchasedate",
        "createdat",
        "timestamp",
        "datetime",
        "time",
        "date",
    ),
    "event": ("eventname", "eventtype", "event", "action", "behavior", "behaviour"),
    "quantity": ("quantity", "qty", "units", "amount"),
    "value": ("value", "salesvalue", "linetotal", "revenue", "total"),
    "price": ("price", "unitprice", "itemprice"),
    "currency": ("currency", "currencycode"),
    "order": (
        "orderid",
        "orderref",
        "ordernumber",
        "invoiceno",
        "invoice",
        "transactionid",
        "basketid",
    ),
    "session": ("sessionid", "gasessionid", "session", "visitid"),
    "title": ("title", "itemname", "productname", "description", "name"),
    "category": ("category", "itemcategory", "productcategory", "categorycode", "department"),
    "event_id": ("eventid", "messageid"),
    "query": ("query", "searchterm", "searchquery"),
    "variant": ("variantid", "itemvariant", "variant"),
}
# Columns by which the Online Retail data set and its many copies are known: its cancelled
# invoices are numbered C….
ONLINE_RETAIL = {"invoiceno", "stockcode", "invoicedate", "customerid"}
MONEY_FIELDS = ("order", "value", "price")
_NOT_LETTERS = re.compile(r"[\s_\-.]+")
_DATE = re.compile(r"(\d{1,4})([/.\-])(\d{1,2})[/.\-](\d{1,4})(.*)", re.DOTALL)


class BadPlan(ValueError):
    """The file cannot be understood as told; the message says what to tell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of a file become events."""

    columns: Mapping[str, str]
    event: EventName | None = None
    event_names: Mapping[str, EventName] = field(default_factory=dict)
    timezone: tzinfo = UTC
    date_format: str = ""
    decimal: str = "."
    currency: str = ""
    item_pattern: re.Pattern[str] | None = None
    refund_pattern: re.Pattern[str] | None = None
    keep_free: bool = False
    guessed: bool = False

    def event_of(self, name: str) -> EventName | None:
        return self.event_names.get(name) or event_name(name)


def make_plan(
    columns: Sequence[str],
    *,
    told: Mapping[str, str] | None = None,
    event: str = "",
    event_names: Mapping[str, str] | None = None,
    sample: Mapping[str, Sequence[Any]] | None = None,
    refund_pattern: str = "",
    item_pattern: str = "",
    date_format: str = "",
    **options: Any,
) -> Plan:
    """
    Return how to read a file with these columns.

    What ``told`` names is taken as it is. Without it the well-known names decide; so they do for
    dates that are written with slashes, by looking at the ``sample``.
    """
    mapping = _checked(told, columns) if told else guess(columns)
    fixed = _event(event) if event else None
    if fixed is not None:
        mapping.pop("event", None)
    elif "event" not in mapping:
        if not any(name in mapping for name in MONEY_FIELDS):
            raise BadPlan(
                _("Say what happened: --event view_item, or --map event=COLUMN for a column.")
            )
        fixed = EventName.PURCHASE
    _check_complete(mapping, columns)
    if not refund_pattern and {plain(name) for name in columns} >= ONLINE_RETAIL:
        refund_pattern = "^C"
    return Plan(
        columns=mapping,
        event=fixed,
        event_names={name: _event(to) for name, to in (event_names or {}).items()},
        item_pattern=_pattern(item_pattern),
        refund_pattern=_pattern(refund_pattern),
        date_format=date_format or guess_date_format((sample or {}).get(mapping["at"], ())),
        guessed=not told,
        **options,
    )


def guess(columns: Iterable[str]) -> dict[str, str]:
    """Return columns by what they are called; each column is at most one thing."""
    by_name = {plain(name): name for name in columns}
    # ``items.item_id`` and ``properties.order_id`` are as good as their last part.
    by_name |= {
        plain(name.rpartition(".")[2]): name
        for name in columns
        if plain(name.rpartition(".")[2]) not in by_name
    }
    found: dict[str, str] = {}
    for what, names in FIELDS.items():
        for name in names:
            if name in by_name and by_name[name] not in found.values():
                found[what] = by_name[name]
                break
    return found


def guess_date_format(values: Sequence[Any]) -> str:
    """
    Return the format of dates that are not ISO 8601, "" where they are, or are no text.

    Whether 3/4 is in March or in April is told by the other dates; where all are ambiguous,
    somebody has to say.
    """
    parts = [match.groups() for value in values if (match := _DATE.match(str(value).strip()))]
    if not parts or not isinstance(values[0], str) or len(parts[0][0]) == 4:
        return "%Y/%m/%d" + _clock(parts[0][4]) if parts and parts[0][1] == "/" else ""
    first = max(int(one[0]) for one in parts)
    second = max(int(one[2]) for one in parts)
    mark, rest = parts[0][1], parts[0][4]
    year = "%Y" if len(parts[0][3]) == 4 else "%y"
    if first > 12 >= second or (mark == "." and second <= 12):
        return f"%d{mark}%m{mark}{year}{_clock(rest)}"
    if second > 12 >= first:
        return f"%m{mark}%d{mark}{year}{_clock(rest)}"
    raise BadPlan(
        _("Dates such as %(date)s are ambiguous: say --date-format '%%d/%%m/%%Y %%H:%%M'.")
        % {"date": next(value for value in values if value)}
    )


def plain(name: str) -> str:
    return _NOT_LETTERS.sub("", name).lower()


def _clock(rest: str) -> str:
    """Return the format of what stands behind a date."""
    if not rest.strip():
        return ""
    lead = "T" if rest.startswith("T") else " "
    half = rest.strip()[-2:].upper() in ("AM", "PM")
    clock = "%I:%M" if half else "%H:%M"
    if rest.count(":") > 1:
        clock += ":%S"
    if "." in rest:
        clock += ".%f"
    return lead + clock + (" %p" if half else "")


def _checked(told: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    for what, column in told.items():
        if what not in FIELDS:
            raise BadPlan(
                _("--map %(what)s=%(column)s: known are %(known)s.")
                % {"what": what, "column": column, "known": ", ".join(FIELDS)}
            )
        if column not in columns:
            raise BadPlan(
                _("--map %(what)s=%(column)s: the file has %(columns)s.")
                % {"what": what, "column": column, "columns": ", ".join(columns)}
            )
    return dict(told)


def _check_complete(mapping: Mapping[str, str], columns: Sequence[str]) -> None:
    missing = [
        what
        for what, is_there in (
            ("at", "at" in mapping),
            ("item", "item" in mapping or "query" in mapping),
            (
                "visitor",
                any(name in mapping for name in ("visitor", "anonymous", "session", "order")),
            ),
        )
        if not is_there
    ]
    if missing:
        raise BadPlan(
            _("Say which column is what: --map %(missing)s. The file has %(columns)s.")
            % {
                "missing": " ".join(f"{what}=…" for what in missing),
                "columns": ", ".join(columns),
            }
        )


def _event(name: str) -> EventName:
    event = event_name(name)
    if event is None:
        raise BadPlan(
            _("There is no event %(name)s. Known are: %(known)s.")
            % {"name": name, "known": ", ".join(one.code for one in EventName)}
        )
    return event


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as problem:
        raise BadPlan(f"{text}: {problem}") from None
