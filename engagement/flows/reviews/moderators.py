"""Who may moderate: a group with the rights to do it, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction

GROUP = "Review moderators"
# “change” is the right to decide about it; what customers wrote is nobody's to edit.
RIGHTS = (
    "view_review",
    "change_review",
    # Pictures that wait are shown to nobody else.
    "view_reviewpicture",
    "view_question",
    "view_post",
    "view_reviewanalysis",
    "view_moderationdecision",
    "view_sentimentalert",
    "view_replytemplate",
    "add_replytemplate",
    "change_replytemplate",
)


class UnknownUser(Exception):
    """There is no user of this name."""


def make_group(*, add: Sequence[str] = ()) -> Group:
    """
    Create the moderators' group, or give it back the rights it should have, no more and no fewer;
    take users in by name, as staff, so that the admin lets them in. Raises UnknownUser.
    """
    with transaction.atomic():
        group, _created = Group.objects.get_or_create(name=GROUP)
        group.permissions.set(
            Permission.objects.filter(content_type__app_label="engagement", codename__in=RIGHTS)
        )
        users: Any = get_user_model()
        for name in add:
            user = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
            if user is None:
                raise UnknownUser(name)
            user.groups.add(group)
            if not user.is_staff:
                user.is_staff = True
                user.save(update_fields=["is_staff"])
    return group
