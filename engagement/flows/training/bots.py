"""Finding machines among the visitors, so that what they do teaches nothing from now on."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from engagement.conf import app_settings
from engagement.flows.collecting import ids
from engagement.flows.training import event_log
from engagement.flows.training.dataset import VIEWS
from engagement.learning import cleaning
from engagement.models import EventName, Visitor


def mark_bots(
    *, channel: str, at: datetime, since: datetime | None = None, dry_run: bool = False
) -> int:
    """
    Mark the visitors who behaved like machines from ``since`` to ``at``; return how many are new.

    Too many events on one day, or pages faster than anyone reads. The mark can be taken away in
    the admin; where customers do get it, ``BOT_EVENTS_PER_DAY`` is too low for the shop.
    """
    log = event_log.read(
        channel=channel,
        events=[int(event) for event in EventName],
        since=since,
        until=at,
    )
    human = cleaning.not_by_tireless(log, per_day=app_settings.BOT_EVENTS_PER_DAY)
    human &= cleaning.not_by_superhuman(log, views=VIEWS)
    machines = np.unique(log.visitors[~human]).tolist()
    found = 0
    for start in range(0, len(machines), 900):
        rows = Visitor.objects.filter(
            pk__in=machines[start : start + 900], exclusion=Visitor.Exclusion.NONE
        )
        found += rows.count() if dry_run else rows.update(exclusion=Visitor.Exclusion.BOT)
    if found and not dry_run:
        ids.forget_visitors()
    return found
