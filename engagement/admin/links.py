"""Addresses of other pages of the admin, and of the shop."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


def page(site: AdminSite, name: str, *args: Any, **query: object) -> str:
    """Return the address of the admin page ``engagement_<name>`` on ``site``."""
    url = reverse(f"admin:engagement_{name}", args=args, current_app=site.name)
    return f"{url}?{urlencode(query)}" if query else url


def link(site: AdminSite, obj: Model | None, text: str = "") -> str | SafeString:
    """Return a link to the page of ``obj``; a dash for nothing."""
    if obj is None:
        return "–"
    model = type(obj)
    label = text or str(obj)
    if not site.is_registered(model):
        return label
    return format_html(
        '<a href="{}">{}</a>', page(site, f"{model._meta.model_name}_change", obj.pk), label
    )


def outside(address: str) -> str:
    """Return ``address`` if a browser may follow it from a page of the admin, or nothing."""
    return address if urlsplit(address).scheme in ("", "http", "https") else ""
