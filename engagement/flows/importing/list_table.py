"""Reading files of lists: a line a user, «user item item …», or a line a session, «item item …»."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from engagement.flows.importing.tables import BATCH, Batch, CannotRead, Table, not_decoded

ROW, ITEMS = "user", "items"
_BETWEEN = re.compile(r"[\s,;|]+")


class ListTable(Table):
    """
    Two columns: ``user`` and ``items``, a list. Without users (``keyed`` off) there is only one.

    Ids may be anything without spaces, commas, semicolons or bars. Blank lines are no rows; a user
    without items is one. A first line of words above lines of numbers is a header.
    """

    def __init__(self, path: Path, encoding: str, delimiter: str = "", *, keyed: bool = True):
        super().__init__(path, encoding)
        self.delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
        self.keyed = keyed
        self.columns = [ROW, ITEMS] if keyed else [ITEMS]
        head = self.head()
        if not head:
            raise CannotRead(_("%(name)s is empty.") % {"name": path.name})
        # Names of things hold spaces: where there are marks between them, the marks part them.
        marks = [mark for mark in ",;|" if 2 * sum(mark in line for line in head) > len(head)]
        self.delimiter = self.delimiter or (marks or [""])[0]
        self.has_header = is_header(*(words_of(line, self.delimiter) for line in head[:2]))

    def batches(self, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
        with self._lines() as (text, raw):
            rows = self._rows(text)
            for _row in islice(rows, skip):
                pass
            while chunk := list(islice(rows, size)):
                lines, words, problems = zip(*chunk, strict=True)
                columns: dict[str, Sequence[object]] = (
                    {
                        ROW: [one[0] if one else "" for one in words],
                        ITEMS: [list(one[1:]) for one in words],
                    }
                    if self.keyed
                    else {ITEMS: [list(one) for one in words]}
                )
                yield Batch(
                    lines=lines,
                    columns=columns,
                    position=raw.tell(),
                    broken={index: why for index, why in enumerate(problems) if why},
                )

    def _rows(self, text: IO[str]) -> Iterator[tuple[int, list[str], str]]:
        is_first = self.has_header
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            if is_first:
                is_first = False
                continue
            if not_decoded(line):
                yield number, [], self._wrong_encoding()
            elif "\0" in line:
                yield number, [], _("this is no text")
            else:
                yield number, words_of(line, self.delimiter), ""


def words_of(line: str, delimiter: str = "") -> list[str]:
    line = line.strip()
    if delimiter and not delimiter.isspace():
        return [word.strip() for word in line.split(delimiter) if word.strip()]
    return [word for word in _BETWEEN.split(line) if word]


def is_header(first: Sequence[str], second: Sequence[str] = ()) -> bool:
    """Return whether a line of words stands above a line of numbers."""
    if not first or not second:
        return False
    return not any(map(is_number, first)) and all(map(is_number, second))


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
