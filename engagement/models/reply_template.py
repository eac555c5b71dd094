from __future__ import annotations

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# What a template may hold, and what stands there when the reply is written.
PLACEHOLDERS = ("author", "item", "aspect")
PLACEHOLDER = re.compile(r"\{(\w*)\}")


def check_placeholders(text: str) -> None:
    """Refuse braces that nothing would be put into; raises ValidationError."""
    unknown = [name for name in PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
    if unknown:
        raise ValidationError(
            _("“{%(name)s}” is not known here; use {author}, {item} and {aspect}."),
            params={"name": unknown[0]},
        )


class ReplyTemplate(models.Model):
    """
    Words that customer service begins a reply with. The most particular one is suggested: of the
    review's language and aspect, then of its language alone.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    name = models.CharField(pgettext_lazy("model", "name"), max_length=80)
    language = models.CharField(
        _("language"), max_length=16, help_text=_("As in “en” or “zh”; the script does not matter.")
    )
    aspect = models.CharField(
        _("aspect"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("What the review complains about, as in “delivery”. Empty: anything."),
    )
    text = models.TextField(
        _("text"),
        max_length=2000,
        validators=[check_placeholders],
        help_text=_("{author}, {item} and {aspect} are filled in."),
    )
    is_active = models.BooleanField(pgettext_lazy("template", "active"), default=True)
    n_used = models.PositiveIntegerField(_("used"), default=0, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("reply template")
        verbose_name_plural = _("reply templates")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "language", "name"], name="engagement_reply_template_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    def fill(self, values: Mapping[str, str]) -> str:
        """
        Return the text with ``values`` in its placeholders.

        Not ``str.format``: a template must not reach into objects, nor fail over a brace.
        """
        filled = PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), self.text)
        # A name that is not known leaves a gap before a comma.
        return re.sub(r"[ \t]+([,.;:!?，。；：！？])", r"\1", filled).strip()
