"""What people write about the shop elsewhere, from a file: each post once, refused rows kept."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from engagement.flows.collecting.values import Refused, read_moment, read_text
from engagement.flows.importing.import_files import RefusedRows, folder_for
from engagement.flows.importing.mapping import BadPlan, guess_date_format, plain
from engagement.flows.importing.tables import Batch, Table
from engagement.flows.reviews.drafts import Fault, read_line
from engagement.flows.reviews.drafts import read_body as _read_body
from engagement.learning.sentiment.text import language
from engagement.models import Item, Post

# What a column may be, and by which names it goes elsewhere, the surest first.
FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("postid", "externalid", "reviewid", "commentid", "tweetid", "id"),
    "text": ("text", "body", "content", "comment", "review", "message", "reviewtext"),
    "at": ("postedat", "createdat", "publishedat", "timestamp", "datetime", "time", "date"),
    "title": ("title", "subject", "headline", "summary"),
    "author": ("author", "user", "username", "screenname", "nickname"),
    "url": ("url", "link", "permalink"),
    "rating": ("rating", "stars", "score"),
    "item": ("itemid", "productid", "sku", "item", "product"),
    "source": ("source", "platform", "site", "network"),
    "language": ("language", "lang", "locale"),
}
_NUMBER = re.compile(r"\s*(\d{1,3}(?:[.,]\d+)?)\s*(?:/\s*(\d{1,3}))?\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class PostPlan:
    """
    How the rows of a file become posts. ``source`` holds where the file has no such column; the
    best rating is ``scale_to``.
    """

    columns: Mapping[str, str]
    timezone: tzinfo
    source: str = ""
    date_format: str = ""
    scale_to: int = 5


@dataclass(frozen=True, slots=True)
class PostReport:
    """What became of a file: ``read`` = ``new`` + ``changed`` + ``known`` + all ``reasons``."""

    read: int = 0
    new: int = 0
    changed: int = 0
    known: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    rejected_path: Path | None = None

    @property
    def rejected(self) -> int:
        return sum(self.reasons.values())


def plan_posts(
    columns: Sequence[str],
    *,
    timezone: tzinfo,
    told: Mapping[str, str] | None = None,
    source: str = "",
    sample: Mapping[str, Sequence[Any]] | None = None,
    date_format: str = "",
    scale_to: int = 5,
) -> PostPlan:
    """Return how to read a file with these columns; raises BadPlan, which says what to tell."""
    mapping = _told(told, columns) if told else _guess(columns)
    for what, example in (("text", "content"), ("at", "created_at")):
        if what not in mapping:
            raise BadPlan(
                _("Which column is the %(what)s? Say --map %(what)s=%(example)s.")
                % {"what": what, "example": example}
            )
    if not source and "source" not in mapping:
        raise BadPlan(_("Say where this was written: --source NAME, or --map source=COLUMN."))
    if scale_to < 2:
        raise BadPlan(_("--scale is the most stars there are, such as 5 or 10."))
    return PostPlan(
        columns=mapping,
        timezone=timezone,
        source=source,
        date_format=date_format or guess_date_format((sample or {}).get(mapping["at"], ())),
        scale_to=scale_to,
    )


def _told(told: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
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


def _guess(columns: Sequence[str]) -> dict[str, str]:
    by_name = {plain(name): name for name in columns}
    found: dict[str, str] = {}
    for what, names in FIELDS.items():
        for name in names:
            if name in by_name and by_name[name] not in found.values():
                found[what] = by_name[name]
                break
    return found


def import_posts(
    table: Table,
    plan: PostPlan,
    *,
    channel: str,
    at: datetime,
    rejected_path: Path | None = None,
    dry_run: bool = False,
    progress: Callable[[int, PostReport], object] | None = None,
) -> PostReport:
    """
    Store the rows of a file as posts, batch by batch; a post that is known is brought up to date.

    A post is known by source and number there, without a number by source, moment and text.
    Importing a file again adds nothing. Refused rows go to a file with their reasons.
    """
    folder = rejected_path.parent if rejected_path else folder_for(table.path)
    path = rejected_path or folder / f"{table.path.name}.rejected.csv"
    refused_rows = RefusedRows(path, table.columns)
    report = PostReport()
    for batch in table.batches(size=1000):
        with transaction.atomic():
            counts, refused = _store(batch, plan, channel, at)
            if dry_run:
                transaction.set_rollback(True)
        refused_rows.write(batch, refused)
        reasons = Counter(report.reasons) + Counter(one.code for one in refused.values())
        report = PostReport(
            read=report.read + len(batch),
            new=report.new + counts["new"],
            changed=report.changed + counts["changed"],
            known=report.known + counts["known"],
            reasons=dict(sorted(reasons.items())),
            rejected_path=path if refused_rows.size else None,
        )
        if progress is not None:
            progress(batch.position, report)
    return report


def _store(
    batch: Batch, plan: PostPlan, channel: str, at: datetime
) -> tuple[Counter[str], dict[int, Refused]]:
    refused = {index: Refused("unreadable", "", why) for index, why in batch.broken.items()}
    posts: dict[tuple[str, str], Post] = {}
    items: dict[tuple[str, str], tuple[int, str]] = {}
    counts: Counter[str] = Counter()
    for index in range(len(batch)):
        if index in refused:
            continue
        try:
            post, item_key = _read(batch.row(index), plan, channel, at)
        except Refused as why:
            refused[index] = why
            continue
        name = (post.source, post.external_id)
        counts["known"] += name in posts
        posts[name] = post
        items[name] = (index, item_key)
    keys = [key for _index, key in items.values() if key]
    ids = Item.objects.ids_by_key(channel, keys)
    for name, (index, key) in items.items():
        if key and key not in ids:
            refused[index] = Refused("unknown_item", "item", _("The catalogue has no such item."))
            del posts[name]
        elif key:
            posts[name].item_id = ids[key]
    _save(posts, channel, counts)
    return counts, refused


# What an import may change of a post that is known.
_CHANGING = ("url", "item_id", "author", "rating", "title", "body", "language", "posted_at")


def _save(posts: dict[tuple[str, str], Post], channel: str, counts: Counter[str]) -> None:
    ids = [external_id for _source, external_id in posts]
    rows = Post.objects.filter(channel=channel, external_id__in=ids)
    known = {(row.source, row.external_id): row for row in rows}
    new = [post for name, post in posts.items() if name not in known]
    changed = []
    for name, old in known.items():
        if name not in posts:
            continue
        fresh = posts[name]
        if all(getattr(old, part) == getattr(fresh, part) for part in _CHANGING):
            counts["known"] += 1
            continue
        if old.text != fresh.text:
            # What was understood of it was understood of another text.
            old.imported_at = fresh.imported_at
        for part in _CHANGING:
            setattr(old, part, getattr(fresh, part))
        changed.append(old)
    Post.objects.bulk_create(new, batch_size=500)
    Post.objects.bulk_update(
        changed,
        [*(part.removesuffix("_id") for part in _CHANGING), "imported_at"],
        batch_size=200,
    )
    counts["new"] += len(new)
    counts["changed"] += len(changed)


def _read(row: Mapping[str, Any], plan: PostPlan, channel: str, at: datetime) -> tuple[Post, str]:
    def cell(what: str) -> Any:
        value = row.get(plan.columns.get(what, ""))
        return None if value in ("", None) else value

    body = _words("text", cell("text"))
    title = _line("title", cell("title"), 300)
    if not (body or title):
        raise Refused("required", "text", _("There is no text."))
    source = _line("source", cell("source"), 64) or plan.source
    if not source:
        raise Refused("required", "source", _("It is not said where this was written."))
    moment = _moment(cell("at"), plan)
    if moment > at:
        raise Refused("in_the_future", "at", _("This moment has not come yet."))
    external_id = read_text("id", cell("id"), 128)
    if not external_id:
        digest = hashlib.blake2b(f"{moment.isoformat()}\0{title}\0{body}".encode(), digest_size=16)
        external_id = digest.hexdigest()
    said = _line("language", cell("language"), 16).lower()
    post = Post(
        channel=channel,
        source=source,
        external_id=external_id,
        url=_url(cell("url")),
        author=_line("author", cell("author"), 100),
        rating=_rating(cell("rating"), plan),
        title=title,
        body=body,
        language=said[:2] if said else language(f"{title}\n{body}"),
        posted_at=moment,
        imported_at=at,
    )
    return post, read_text("item", cell("item"), 161)


def _words(name: str, value: Any) -> str:
    faults: dict[str, list[Fault]] = {}
    text = _read_body(None if value is None else str(value), faults, least=0)
    _raise(faults, name)
    return text


def _line(name: str, value: Any, most: int) -> str:
    faults: dict[str, list[Fault]] = {}
    text = read_line(name, None if value is None else str(value), most, faults)
    _raise(faults, name)
    return text


def _raise(faults: Mapping[str, list[Fault]], name: str) -> None:
    for found in faults.values():
        raise Refused(found[0].code, name, found[0].message)


def _moment(value: Any, plan: PostPlan) -> datetime:
    if value is None:
        raise Refused("required", "at", _("It is not said when this was written."))
    moment = value
    if isinstance(value, str):
        try:
            moment = (
                datetime.strptime(value.strip(), plan.date_format)
                if plan.date_format
                else datetime.fromisoformat(value.strip())
            )
        except ValueError:
            moment = value.strip()
    if isinstance(moment, datetime) and moment.tzinfo is None:
        moment = moment.replace(tzinfo=plan.timezone)
    return read_moment("at", moment)


def _url(value: Any) -> str:
    """Return an address of the web; anything else (javascript:, data:) is refused."""
    if value is None:
        return ""
    text = read_text("url", value, 500)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refused("not_a_link", "url", _("A link begins with https:// or http://."))
    return text


def _rating(value: Any, plan: PostPlan) -> int | None:
    """Return one to five stars from «4», «4.5», «8/10» or a scale of their own."""
    if value is None:
        return None
    match = _NUMBER.match(str(value))
    if match is None:
        raise Refused("not_a_rating", "rating", _("This is no rating."))
    try:
        given = Decimal(match.group(1).replace(",", "."))
    except InvalidOperation:
        raise Refused("not_a_rating", "rating", _("This is no rating.")) from None
    most = int(match.group(2) or plan.scale_to)
    if not 0 <= given <= most or most < 2:
        raise Refused("not_a_rating", "rating", _("This is no rating."))
    stars = (given * 5 / most).quantize(Decimal(1), ROUND_HALF_UP)
    return min(max(int(stars), 1), 5)
