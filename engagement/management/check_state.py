"""Whether events arrive, and how old catalogue and models are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from engagement.conf import app_settings
from engagement.flows import overview
from engagement.management.findings import Finding
from engagement.models import Activation, Event, EventName, Item

OLD_EVENTS = timedelta(days=1)
OLD_MIRROR = timedelta(hours=3)
OLD_MODEL = timedelta(days=3)

IS_BEAT_THERE = "Is Celery beat running, or cron calling manage.py engagement_sweep?"
# What every shop has, and who ought to tell of it.
KINDS = {
    EventName.VIEW_ITEM_LIST: "Is {% engagement_tracker %} on the pages with shelves?",
    EventName.VIEW_ITEM: "Does the shop tell of views: by a receiver, record_event or the tracker?",
    EventName.ADD_TO_CART: "Does the shop tell of what is put into carts?",
    EventName.PURCHASE: "Does the shop tell of its orders?",
}


def state(*, channel: str, at: datetime) -> Iterator[Finding]:
    yield from _events(channel, at)
    yield _mirror(channel, at)
    yield from _models(channel, at)


def _events(channel: str, at: datetime) -> Iterator[Finding]:
    rows = Event.objects.filter(channel=channel).order_by("-event_time")
    last = rows.values_list("event_time", flat=True).first()
    if last is None or at - last > OLD_EVENTS:
        text = "none so far" if last is None else f"the last one at {last:%Y-%m-%d %H:%M}"
        advice = "Are visitors asked for their consent, are the shop's signals connected?"
        yield Finding("events", text, advice)
        return
    yield Finding("events", f"the last one at {last:%Y-%m-%d %H:%M}")
    for kind, advice in KINDS.items():
        latest = rows.filter(event=kind).values_list("event_time", flat=True).first()
        text = "none so far" if latest is None else f"the last one at {latest:%Y-%m-%d %H:%M}"
        yield Finding(f"events {kind.code}", text, advice if latest is None else "")


def _mirror(channel: str, at: datetime) -> Finding:
    rows = Item.objects.of_channel(channel).order_by("-synced_at")
    last = rows.exclude(synced_at=None).values_list("synced_at", flat=True).first()
    if last is None:
        return Finding("catalogue", "not mirrored", "Run manage.py engagement_backfill.")
    late = at - last > OLD_MIRROR
    # Beat cannot be asked; this is what it has done each hour.
    return Finding("catalogue", f"mirrored at {last:%Y-%m-%d %H:%M}", IS_BEAT_THERE if late else "")


def _models(channel: str, at: datetime) -> Iterator[Finding]:
    live: dict[str, Activation] = overview.live_models(channel=channel)
    for alias in app_settings.RECOMMENDERS:
        activation = live.get(alias)
        if activation is None or activation.artifact is None:
            advice = "Run manage.py engagement_train, and read why a model was refused."
            yield Finding(f"model {alias}", "none is live", advice)
            continue
        trained = activation.artifact.trained_at
        late = at - trained > OLD_MODEL
        text = f"trained at {trained:%Y-%m-%d %H:%M}"
        yield Finding(f"model {alias}", text, IS_BEAT_THERE if late else "")
