"""The nonce that a page's Content-Security-Policy asks scripts for; no library of tags."""

from __future__ import annotations

from typing import Any

from django.template import Context


def nonce_of(context: Context, request: Any) -> str:
    """Return the page's CSP nonce: Django's own, or that of django-csp."""
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)
    # Not by its truth: Django's nonce is false until somebody has asked for its text.
    return "" if nonce is None else str(nonce)
