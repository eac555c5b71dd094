"""What the pages about reviews have in common: the way from one to the other, keys, words."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.forms import Media
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from engagement.admin import links

MODERATION = Media(
    css={"all": ["engagement/admin/admin.css", "engagement/admin/moderation.css"]},
    js=["engagement/admin/moderation.js"],
)

# What the page explains under “?”; moderation.js does it.
KEYS = (
    ("j / k", gettext_lazy("next, previous")),
    ("a", gettext_lazy("approve, or: dealt with")),
    ("r", gettext_lazy("reject: choose a reason by its number, then Enter")),
    ("h", gettext_lazy("hold")),
    ("u", gettext_lazy("take the last decision back")),
    ("e", gettext_lazy("correct the sentiment")),
    ("p", gettext_lazy("reply; Ctrl+Enter publishes it")),
    ("x", gettext_lazy("tick, to decide about several at once")),
    ("/", gettext_lazy("filters")),
    ("Esc", gettext_lazy("back to the entry")),
    ("?", gettext_lazy("this help")),
)

# name of the page, its words, the permission it needs
SECTIONS = (
    ("queue", pgettext_lazy("reviews", "Queue"), "engagement.view_review"),
    ("triage", pgettext_lazy("reviews", "Answer first"), "engagement.view_review"),
    ("figures", pgettext_lazy("reviews", "Figures"), "engagement.view_review"),
    ("alerts", pgettext_lazy("reviews", "Alerts"), "engagement.view_sentimentalert"),
)


def sections(site: AdminSite, request: HttpRequest, chosen: str) -> list[dict[str, Any]]:
    """Return the pages that this person may open."""
    return [
        {
            "text": text,
            "url": links.page(site, f"review_{name}"),
            "chosen": name == chosen,
        }
        for name, text, permission in SECTIONS
        if request.user.has_perm(permission)
    ]


def words() -> dict[str, str]:
    """Return what moderation.js says, in the reader's language."""
    return {
        "end": _("There are no more on this page."),
        "notHere": _("That cannot be done here."),
        "nothingToUndo": _("There is nothing to take back."),
        "offline": _("The server does not answer. Nothing was changed."),
        "failed": _("Something went wrong. Look again before you decide."),
        "signedOut": _("You are no longer signed in, or may not do this. Load the page again."),
        "chosen": _("%s ticked"),
        "filled": _("The words are in the reply."),
        "keysOn": _("Keys are on."),
        "keysOff": _("Keys are off."),
    }
