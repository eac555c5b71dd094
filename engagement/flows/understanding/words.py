"""Words that decide what is understood, of the settings and the admin; when they last changed."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from engagement.flows.understanding.aspect_words import AspectWords, of_channel
from engagement.flows.understanding.flags import word_lists
from engagement.flows.understanding.flags.word_lists import Watched
from engagement.models import AspectTerm, FlagTerm


def watched(channel: str) -> Watched:
    """Return the words that raise flags."""
    return word_lists.watched(channel)


def aspects(channel: str) -> AspectWords:
    """Return the words that name aspects."""
    return of_channel(channel)


def changed_at(channel: str) -> datetime | None:
    """
    Return when the words of the admin last changed: what was read before is read again.

    A word that is deleted changes nothing until the next model; one that is switched off does.
    """
    channels = {"", channel}
    used = AspectTerm.objects.filter(channel__in=channels, origin=AspectTerm.Origin.OWN)
    moments = [
        used.aggregate(at=Max("updated_at"))["at"],
        FlagTerm.objects.filter(channel__in=channels).aggregate(at=Max("updated_at"))["at"],
    ]
    return max((moment for moment in moments if moment), default=None)
