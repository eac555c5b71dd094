from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OscarConfig(AppConfig):
    """Listed before ``oscar``'s own apps, so that its templates are found first."""

    name = "engagement.contrib.oscar"
    label = "engagement_oscar"
    verbose_name = _("Engagement for Oscar")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from engagement.contrib.oscar import hooks, receivers, tasks
        from engagement.signals import artifact_activated

        receivers.connect()
        hooks.connect()
        artifact_activated.connect(tasks.follow_model, dispatch_uid="engagement.oscar.recommended")
