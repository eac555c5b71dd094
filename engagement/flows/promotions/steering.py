"""Starting, pausing and ending campaigns."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from engagement.flows.promotions import vouchers
from engagement.flows.promotions.readiness import obstacles
from engagement.models import Campaign, Grant

Status = Campaign.Status


class CannotStart(Exception):
    """The campaign is not ready; ``obstacles`` are sentences for the person who asked."""

    def __init__(self, *found: str) -> None:
        super().__init__(" ".join(found))
        self.obstacles = found


def start(campaign: Campaign, *, at: datetime) -> None:
    """Let offers be made, for the first time or again after a pause; raises CannotStart."""
    with transaction.atomic():
        row = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if row.status == Status.ENDED:
            raise CannotStart(_("It has ended; make a new one."))
        if row.status == Status.RUNNING:
            raise CannotStart(_("It runs already."))
        found = obstacles(row, at=at)
        if found:
            raise CannotStart(*found)
        row.status = Status.RUNNING
        row.started_at = row.started_at or at
        row.save()
    campaign.refresh_from_db()


def pause(campaign: Campaign) -> bool:
    """Make no offers and let no code count for now; return whether it ran."""
    return _move(campaign, seen=(Status.RUNNING,), to=Status.PAUSED)


def end(campaign: Campaign, *, at: datetime) -> bool:
    """End a campaign for good: what was not used counts no more. Return whether it had not."""
    with transaction.atomic():
        if not _move(campaign, seen=(Status.RUNNING, Status.PAUSED), to=Status.ENDED):
            return False
        grants = Grant.objects.filter(
            promotion__campaign=campaign, used_at__isnull=True, revoked_at__isnull=True
        )
        in_shop = list(grants.exclude(shop_ref="").values_list("shop_ref", flat=True))
        grants.update(revoked_at=at)
    vouchers.revoke(in_shop)
    return True


def _move(campaign: Campaign, *, seen: tuple[str, ...], to: str) -> bool:
    with transaction.atomic():
        row = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if row.status not in seen:
            return False
        row.status = to
        # With its moment of change: processes look at that.
        row.save(update_fields=["status", "updated_at"])
    campaign.refresh_from_db()
    return True
