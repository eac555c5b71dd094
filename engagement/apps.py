from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = _("Engagement")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.db.models.signals import post_delete, post_migrate

        from engagement import checks  # noqa: F401  registers them
        from engagement.contrib.plain import receivers
        from engagement.flows import telemetry
        from engagement.flows.collecting import visitors
        from engagement.flows.reviews import pictures
        from engagement.flows.serving import placements
        from engagement.models import ReviewPicture
        from engagement.signals import events_recorded, review_edited, review_submitted
        from engagement.tasks import follow_events, follow_review

        user_logged_in.connect(visitors.follow_sign_in, dispatch_uid="engagement.sign_in")
        user_logged_out.connect(visitors.follow_sign_out, dispatch_uid="engagement.sign_out")
        post_migrate.connect(
            placements.follow_migration, sender=self, dispatch_uid="engagement.placements"
        )
        post_delete.connect(
            pictures.follow_deletion, sender=ReviewPicture, dispatch_uid="engagement.pictures"
        )
        for changed in (review_submitted, review_edited):
            changed.connect(follow_review, dispatch_uid="engagement.reading")
        receivers.connect()
        events_recorded.connect(telemetry.follow_events, dispatch_uid="engagement.telemetry")
        events_recorded.connect(follow_events, dispatch_uid="engagement.deciding")
