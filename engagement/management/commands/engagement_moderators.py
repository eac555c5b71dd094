from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import ngettext

from engagement.flows.reviews import moderators


class Command(BaseCommand):
    help = "Create the group of people who moderate reviews, with these rights and no others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--add", nargs="+", default=[], metavar="USER", help="Take these users in, as staff."
        )

    def handle(self, *, add: list[str], **options: Any) -> None:
        try:
            group = moderators.make_group(add=add)
        except moderators.UnknownUser as unknown:
            raise CommandError(f"There is no user {unknown}; nothing was changed.") from None
        n = group.user_set.count()
        self.stdout.write(
            ngettext("%(group)s: %(n)s member.", "%(group)s: %(n)s members.", n)
            % {"group": group.name, "n": n}
        )
