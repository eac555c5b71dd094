"""Starting and stopping: what has to be true before, and what cannot be undone after."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from engagement.models import Experiment, ExperimentVariant


class CannotStart(Exception):
    """The experiment is not ready; the message says what is missing."""


def start(experiment: Experiment, *, at: datetime) -> None:
    """Let visitors in; raises CannotStart with the reason for the person who asked."""
    with transaction.atomic():
        row = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if row.status != Experiment.Status.DRAFT:
            raise CannotStart(_("It was started before; make a new one to ask again."))
        if row.variants.count() < 2:
            raise CannotStart(_("It needs two variants at least: the first is today's."))
        if row.share <= 0:
            raise CannotStart(_("Its share of visitors is 0."))
        if row.placement:
            _refuse_second(row)
        if row.layer:
            row.layer_start = _free(row)
        row.salt = row.salt or secrets.token_hex(8)
        row.status = Experiment.Status.RUNNING
        row.started_at = at
        row.save()
    experiment.refresh_from_db()


def _refuse_second(row: Experiment) -> None:
    """Two experiments on one shelf are possible where they share no visitor."""
    others = _others(row).filter(placement=row.placement)
    for other in others:
        if not row.layer or other.layer != row.layer:
            raise CannotStart(
                _("%(other)s runs on %(placement)s; put both into one layer.")
                % {"other": other, "placement": row.placement}
            )


def _free(row: Experiment) -> float:
    """Return where in its layer an experiment of this share fits."""
    place = 0.0
    for other in _others(row).filter(layer=row.layer).order_by("layer_start"):
        if other.layer_start - place >= row.share - 1e-9:
            break
        place = max(place, other.layer_start + other.share)
    if place + row.share > 1 + 1e-9:
        raise CannotStart(
            _("Layer %(layer)s has no room for so large a share.") % {"layer": row.layer}
        )
    return place


def _others(row: Experiment):  # type: ignore[no-untyped-def]
    running = Experiment.objects.filter(channel=row.channel, status=Experiment.Status.RUNNING)
    return running.exclude(pk=row.pk)


def share_refusal(experiment: Experiment, share: float) -> str:
    """Return why a running experiment may not take this share; "" where it may."""
    if experiment.status != Experiment.Status.RUNNING:
        return ""
    if share < experiment.share:
        return _("Lowering the share of a running experiment would throw visitors out.")
    if not experiment.layer:
        return ""
    end = experiment.layer_start + share
    later = _others(experiment).filter(
        layer=experiment.layer, layer_start__gte=experiment.layer_start
    )
    if end > 1 + 1e-9 or any(one.layer_start < end - 1e-9 for one in later):
        return _("Layer %(layer)s has no room for so large a share.") % {"layer": experiment.layer}
    return ""


def stop(experiment: Experiment, *, at: datetime) -> bool:
    """Let everybody out; return False where it did not run."""
    running = Experiment.objects.filter(pk=experiment.pk, status=Experiment.Status.RUNNING)
    changed = running.update(status=Experiment.Status.STOPPED, ended_at=at, updated_at=at)
    experiment.refresh_from_db()
    return bool(changed)


def stop_variant(variant: ExperimentVariant, *, measure: str, at: datetime) -> bool:
    """Take one variant out; its visitors get what everybody else gets, and stay counted."""
    with transaction.atomic():
        rows = ExperimentVariant.objects.filter(pk=variant.pk, stopped_at__isnull=True)
        changed = rows.update(stopped_at=at, stopped_by=measure)
        # Processes look at the experiment's date to see that something changed.
        Experiment.objects.filter(pk=variant.experiment_id).update(updated_at=at)
    return bool(changed)
