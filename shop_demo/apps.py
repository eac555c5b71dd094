from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShopDemoConfig(AppConfig):
    name = "shop_demo"
    verbose_name = _("Fennel, the demonstration shop")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from shop_demo import receivers  # noqa: F401  (connects the shop's signals)
