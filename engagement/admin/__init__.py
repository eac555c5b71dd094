"""
The pages of Django's admin, plain ModelAdmin classes on templates of their own.

They register themselves unless ``ENGAGEMENT["REGISTER_ADMIN"]`` is False; a shop with an admin
site of its own calls ``register(site)``.
"""

from __future__ import annotations

from django.contrib import admin

from engagement import models
from engagement.admin.artifacts import ActivationAdmin, ModelArtifactAdmin
from engagement.admin.events import EventAdmin
from engagement.admin.items import ItemAdmin
from engagement.admin.placements import PlacementAdmin
from engagement.admin.visitors import VisitorAdmin
from engagement.conf import app_settings

PAGES: dict[type, type[admin.ModelAdmin]] = {
    models.Event: EventAdmin,
    models.Item: ItemAdmin,
    models.Visitor: VisitorAdmin,
    models.ModelArtifact: ModelArtifactAdmin,
    models.Activation: ActivationAdmin,
    models.Placement: PlacementAdmin,
}


def register(site: admin.AdminSite) -> None:
    """Add every page to ``site``."""
    for model, page in PAGES.items():
        site.register(model, page)


if app_settings.REGISTER_ADMIN:
    register(admin.site)
