from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EngagementConfig(AppConfig):
    name = "engagement"
    verbose_name = _("Engagement")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.db.models.signals import post_migrate

        from engagement import checks  # noqa: F401  registers them
        from engagement.flows import placements, telemetry, visitors
        from engagement.signals import events_recorded

        user_logged_in.connect(visitors.follow_sign_in, dispatch_uid="engagement.sign_in")
        user_logged_out.connect(visitors.follow_sign_out, dispatch_uid="engagement.sign_out")
        post_migrate.connect(
            placements.follow_migration, sender=self, dispatch_uid="engagement.placements"
        )
        events_recorded.connect(telemetry.follow_events, dispatch_uid="engagement.telemetry")
