"""What an author is told: that a text is there, or which code speaks against it and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from engagement.models import Answer, Question, ReasonCode, Review, Status


def because(codes: Sequence[str]) -> list[dict[str, Any]]:
    """Return codes with their words and whether editing may help."""
    return [
        {
            "code": code,
            "text": str(ReasonCode(code).label),
            "is_editable": ReasonCode(code).is_editable,
        }
        for code in codes
    ]


def tell(subject: Review | Question | Answer) -> str:
    """Return one or two sentences for the author of a text, in the author's language."""
    codes = [ReasonCode(code) for code in subject.reasons]
    why = get_text_list([str(code.label) for code in codes], _("and"))
    status = Status(subject.status)
    if status == Status.PUBLISHED:
        return _("Thank you. It is published.")
    if status == Status.WITHDRAWN:
        return _("It is withdrawn.")
    if status == Status.REJECTED:
        said = _("It cannot be published: %(why)s.") % {"why": why}
        helps = all(code.is_editable for code in codes)
        # Not inside of the f-string: there gettext would not find them.
        hint = _("You can edit it and try again.") if helps else _("This is final.")
        return f"{said} {hint}"
    if codes:
        said = _("Thank you. A person will look at it before it is published: %(why)s.")
        mend = _("You can edit it.") if all(code.is_editable for code in codes) else ""
        return f"{said % {'why': why}} {mend}".strip()
    return _("Thank you. It will be published once it has been read.")
