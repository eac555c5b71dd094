from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SalesmanConfig(AppConfig):
    """Anywhere in ``INSTALLED_APPS``: Salesman has no templates that would have to come later."""

    name = "engagement.contrib.salesman"
    label = "engagement_salesman"
    verbose_name = _("Engagement for Salesman")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from engagement.contrib.salesman import receivers

        receivers.connect()
