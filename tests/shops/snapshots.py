"""
A database as it stood, put back in a blink: filling a shop takes ten times as long as a test in it.

For tests whose transactions are real ones. Whatever such a test leaves behind is gone; a table that
it has taken away is there again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.db import connection

from engagement.flows.collecting import ids


class Snapshot:
    """The test database as it was when this was made."""

    def __init__(self, name: str) -> None:
        self.database = connection.settings_dict["NAME"]
        self.name = f"{self.database}_{name}"
        self.is_postgresql = connection.vendor == "postgresql"
        if self.is_postgresql:
            self._copy(self.database, self.name)
        else:
            self.kept = sqlite3.connect(":memory:", check_same_thread=False)
            connection.ensure_connection()
            connection.connection.backup(self.kept)

    def restore(self) -> None:
        if self.is_postgresql:
            self._copy(self.name, self.database)
        else:
            connection.ensure_connection()
            self.kept.backup(connection.connection)
        self._forget()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Keep the database as it is now meanwhile, instead of what this was made of."""
        if self.is_postgresql:
            self._rename(self.database, self.name)
        try:
            yield
        finally:
            if self.is_postgresql:
                # A copy takes a second, a name nothing.
                self._rename(self.name, self.database)
                self._forget()
            else:
                self.restore()

    def drop(self) -> None:
        if self.is_postgresql:
            with self._elsewhere() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{self.name}"')
        else:
            self.kept.close()

    def _copy(self, source: str, target: str) -> None:
        with self._elsewhere() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{target}"')
            cursor.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    def _rename(self, source: str, target: str) -> None:
        with self._elsewhere() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{target}"')
            cursor.execute(f'ALTER DATABASE "{source}" RENAME TO "{target}"')

    @staticmethod
    def _forget() -> None:
        """Forget what was kept of rows that are as they were before, or gone."""
        cache.clear()
        ids.forget()

    @contextmanager
    def _elsewhere(self) -> Iterator:
        # Nobody may be in a database that is copied.
        connection.close()
        with connection._nodb_cursor() as cursor:
            yield cursor
