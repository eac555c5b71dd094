"""
Items whose reviews got worse than chance explains, told once, and again only after they recovered.

An item's latest reviews are held against its earlier ones by Fisher's exact test (one-sided: more
displeased ones than before), and all items of a shop together by the procedure of Benjamini and
Hochberg (1995): of the alerts, no more than the configured share is expected to be false.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy.typing import NDArray
from scipy.special import gammaln

from engagement.conf import app_settings
from engagement.flows.locks import lock
from engagement.flows.understanding import published
from engagement.flows.understanding.aspects import CLEAR
from engagement.models import Item, Sentiment, SentimentAlert
from engagement.signals import sentiment_fell

LOCK_SECONDS = 3600
BEFORE = timedelta(days=365)
# Fewer reviews on either side cannot be told from chance, and only blur the rest.
LEAST_RECENT = 4
LEAST_BEFORE = 8
ASPECTS = 3


@dataclass(slots=True)
class Counts:
    """How many reviews an item has, and how many are displeased, lately and before."""

    n_recent: int = 0
    bad_recent: int = 0
    n_before: int = 0
    bad_before: int = 0
    aspects: Counter[str] = field(default_factory=Counter)

    @property
    def can_tell(self) -> bool:
        return self.n_recent >= LEAST_RECENT and self.n_before >= LEAST_BEFORE

    @property
    def chance(self) -> float:
        """How likely so many displeased reviews are lately, were nothing different from before."""
        return at_least(
            self.bad_recent,
            drawn=self.n_recent,
            marked=self.bad_recent + self.bad_before,
            total=self.n_recent + self.n_before,
        )

    @property
    def is_worse(self) -> bool:
        return self.bad_recent * max(self.n_before, 1) > self.bad_before * max(self.n_recent, 1)

    def as_json(self) -> dict[str, dict[str, int]]:
        return {
            "recent": {"n": self.n_recent, "negative": self.bad_recent},
            "before": {"n": self.n_before, "negative": self.bad_before},
        }


def watch(*, channel: str, at: datetime) -> list[SentimentAlert]:
    """
    Raise an alert for each item that got worse beyond chance, and close those of items that
    recovered; return the new ones. Raises AlreadyRunning where another process is at it.
    """
    raised = []
    with lock(f"alerts:{channel}", seconds=LOCK_SECONDS):
        counts = count(channel=channel, at=at)
        _resolve(channel, counts, at)
        quiet = _quiet(channel, at)
        tested = sorted(item for item, one in counts.items() if one.can_tell)
        q_values = benjamini_hochberg(np.array([counts[item].chance for item in tested]))
        for item, q_value in zip(tested, q_values.tolist(), strict=True):
            one = counts[item]
            if q_value > app_settings.ALERT_ERROR_RATE or not one.is_worse or item in quiet:
                continue
            try:
                with transaction.atomic():
                    alert = SentimentAlert.objects.create(
                        channel=channel,
                        item_id=item,
                        raised_at=at,
                        counts=one.as_json(),
                        q_value=q_value,
                        aspects=[
                            {"aspect": aspect, "n": n}
                            for aspect, n in sorted(
                                one.aspects.items(), key=lambda pair: (-pair[1], pair[0])
                            )[:ASPECTS]
                        ],
                    )
            except IntegrityError:
                # Deleted meanwhile, or raised by somebody else.
                continue
            raised.append(alert)
    for alert in raised:
        sentiment_fell.send_robust(SentimentAlert, alert=alert)
    return raised


def count(*, channel: str, at: datetime) -> dict[int, Counts]:
    """Count displeased reviews by item: those of the last ``ALERT_DAYS``, and of a year before."""
    since = at - timedelta(days=app_settings.ALERT_DAYS)
    found: dict[int, Counts] = defaultdict(Counts)
    rows = published.analyses(channel).filter(written_at__gt=since - BEFORE, written_at__lte=at)
    fields = ("item", "written_at", "sentiment", "aspects")
    for item, written, sentiment, said in rows.values_list(*fields).iterator(2000):
        one, is_bad = found[item], sentiment == Sentiment.NEGATIVE
        if written <= since:
            one.n_before += 1
            one.bad_before += is_bad
            continue
        one.n_recent += 1
        one.bad_recent += is_bad
        one.aspects.update({a["aspect"] for a in said if a["polarity"] <= -CLEAR})
    return found


def at_least(n: int, *, drawn: int, marked: int, total: int) -> float:
    """
    Return how likely ``n`` or more marked ones are among those ``drawn`` from ``total``.

    The upper tail of the hypergeometric distribution: Fisher's exact test, one-sided.
    """
    counts = np.arange(n, min(drawn, marked) + 1)
    if not len(counts):
        return 0.0
    logs = _log_choose(marked, counts) + _log_choose(total - marked, drawn - counts)
    return float(min(np.exp(logs - _log_choose(total, np.array(drawn))).sum(), 1.0))


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithms of binomial coefficients; minus infinity where there is no such one."""
    possible = (k >= 0) & (k <= n)
    inside = np.where(possible, k, 0)
    logs = gammaln(n + 1) - gammaln(inside + 1) - gammaln(n - inside + 1)
    return np.where(possible, logs, -np.inf)


def benjamini_hochberg(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values: at which error rate each of several tests would be called significant."""
    n = len(chances)
    if not n:
        return chances
    order = np.argsort(chances, kind="stable")
    scaled = chances[order] * n / np.arange(1, n + 1)
    q_values = np.empty(n)
    q_values[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q_values


def _resolve(channel: str, counts: Mapping[int, Counts], at: datetime) -> None:
    is_open = SentimentAlert.objects.filter(channel=channel, resolved_at__isnull=True)
    better = [
        alert.pk
        for alert in is_open
        if (one := counts.get(alert.item_id)) is None
        or (one.n_recent >= LEAST_RECENT and not one.is_worse)
        or one.n_recent == 0
    ]
    SentimentAlert.objects.filter(pk__in=better).update(resolved_at=at)


def _quiet(channel: str, at: datetime) -> set[int]:
    """Return items that have an open alert, or had one a moment ago."""
    since = at - timedelta(days=app_settings.ALERT_DAYS)
    rows = SentimentAlert.objects.filter(channel=channel)
    rows = rows.filter(Q(resolved_at__isnull=True) | Q(raised_at__gt=since))
    return set(rows.values_list("item", flat=True))


# -- by mail --------------------------------------------------------------------------------
def mail_digest(*, channel: str, at: datetime) -> int:
    """
    Send one mail about the open alerts that nobody was told of; return how many it tells.

    To ``ALERT_RECIPIENTS``; nothing is sent, and nothing noted, without any. A mail that cannot be
    sent raises what the mail backend raises, and is tried again the next time.
    """
    recipients = list(app_settings.ALERT_RECIPIENTS)
    if not recipients:
        return 0
    with lock(f"digest:{channel}", seconds=LOCK_SECONDS):
        rows = SentimentAlert.objects.filter(
            channel=channel, mailed_at__isnull=True, resolved_at__isnull=True
        )
        alerts = list(rows.select_related("item").order_by("q_value", "pk"))
        if not alerts:
            return 0
        with translation.override(settings.LANGUAGE_CODE):
            send_mail(_subject(alerts), _body(alerts), None, recipients)
        rows.filter(pk__in=[alert.pk for alert in alerts]).update(mailed_at=at)
    return len(alerts)


def _subject(alerts: Sequence[SentimentAlert]) -> str:
    n = len(alerts)
    return ngettext(
        "The reviews of %(n)s item got worse", "The reviews of %(n)s items got worse", n
    ) % {"n": n}


def _body(alerts: Sequence[SentimentAlert]) -> str:
    lines = [
        _("More displeased reviews than before, and more than chance explains:"),
        "",
        *(_line(alert) for alert in alerts),
    ]
    return "\n".join(lines) + "\n"


def _line(alert: SentimentAlert) -> str:
    item: Item = alert.item
    recent, before = alert.counts["recent"], alert.counts["before"]
    line = _("- %(title)s: %(bad)s of the latest %(n)s, %(bad_before)s of %(n_before)s before") % {
        "title": item.title or item.key,
        "bad": recent["negative"],
        "n": recent["n"],
        "bad_before": before["negative"],
        "n_before": before["n"],
    }
    about = ", ".join(one["aspect"] for one in alert.aspects)
    return f"{line} ({about})" if about else line
