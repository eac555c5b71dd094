"""A project of its own in a folder: a small shop before the app comes, and after."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.services import free_port
from tests.shops.installing.page import ROOT, Steps

SETTINGS = """
import os
from pathlib import Path

os.environ["SHOP_WITHOUT_ENGAGEMENT"] = "yes"
from tests.shops.{shop}.settings import *

FOLDER = Path(__file__).parent
DEBUG = True
ROOT_URLCONF = "shop_urls"
DATABASES["default"]["NAME"] = FOLDER / "shop.sqlite3"
HAYSTACK_CONNECTIONS["default"]["PATH"] = str(FOLDER / "whoosh")
MEDIA_ROOT = FOLDER / "media"
"""
ADDRESSES = """
from django.conf import settings
from django.conf.urls.static import static
from django.urls import include, path
from tests.shops.minioscar.urls import urlpatterns

# What the page of the docs says is not there before it was done.
urlpatterns = [one for one in urlpatterns if getattr(one, "namespace", "") != "engagement"]
urlpatterns += static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
"""
# What learns has to try everything, offering nothing too; a walk wants to know what it meets.
POLICY = """
from engagement.learning.bandits import Uniform


class Always(Uniform):
    def wanted(self, state, contexts, allowed):
        some = allowed.copy()
        some[:, 0] &= allowed[:, 1:].sum(axis=1) == 0
        return some / some.sum(axis=1, keepdims=True)
"""
# A fork has no migrations here, and Oscar's refer to the catalogue's: only the app's are run.
WITHOUT_MIGRATIONS = """
class OfTheShop(dict):
    def __contains__(self, app):
        return not app.startswith("engagement")

    def __missing__(self, app):
        return None

MIGRATION_MODULES = OfTheShop()
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
FILL = "from tests.shops.minioscar import seed; seed.fill(pictures=True)"


class Project:
    """A folder with a project, run by the Python of an environment that knows only the wheel."""

    def __init__(self, folder: Path, python: Path, shop: str) -> None:
        self.folder = folder
        self.python = python
        self.shop = shop
        self.database = folder / "shop.sqlite3"
        self.settings = folder / "shop_settings.py"
        self.addresses = folder / "shop_urls.py"

    # -- before -----------------------------------------------------------------------------
    def make(self, *, migrations: bool) -> None:
        """Make a shop that has been open for a month, without the app."""
        shops = self.folder / "tests" / "shops"
        for name in {"minioscar", self.shop}:
            shutil.copytree(ROOT / "tests" / "shops" / name, shops / name)
        for package in (shops.parent, shops):
            (package / "__init__.py").touch()
        text = SETTINGS.format(shop=self.shop)
        self.settings.write_text(text if migrations else text + WITHOUT_MIGRATIONS)
        self.addresses.write_text(ADDRESSES)
        (self.folder / "manage.py").write_text(MANAGE)
        (self.folder / "shop_policy.py").write_text(POLICY)
        self.manage("migrate", *([] if migrations else ["--run-syncdb"]), "--verbosity", "0")
        self.manage("shell", "--no-imports", "-c", FILL)
        self.manage("rebuild_index", "--noinput", "--verbosity", "0")

    # -- the page of the docs ---------------------------------------------------------------
    def install(self, steps: Steps) -> None:
        """Add the lines and type the commands, in the page's order."""
        for file, lines in ((self.settings, steps.settings), (self.addresses, steps.addresses)):
            (file.with_suffix(".before")).write_text(file.read_text())
            file.write_text(f"{file.read_text()}\n{lines}")
        for command in steps.commands:
            assert command.startswith("python manage.py "), command
            print(f"    {command}", flush=True)
            self.manage(*command.split()[2:])

    def take_out(self) -> None:
        """Take the lines out again, and nothing else."""
        for file in (self.settings, self.addresses):
            file.write_text(file.with_suffix(".before").read_text())

    # -- running it -------------------------------------------------------------------------
    @property
    def _environment(self) -> dict[str, str]:
        # The caller's settings and paths are none of the project's business.
        mine = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "PYTHONPATH")
        return {name: value for name, value in os.environ.items() if name not in mine}

    def manage(self, *arguments: str, may_fail: bool = False) -> str:
        done = subprocess.run(
            [self.python, "-W", "ignore", "manage.py", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and not may_fail:
            raise SystemExit(f"{' '.join(arguments)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout + done.stderr

    def where_from(self) -> str:
        """Return the folder that the app is imported from."""
        code = "import engagement; print(engagement.__path__[0])"
        return self.manage("shell", "--no-imports", "-c", code).strip()

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Yield the address of the running shop; its log must hold no traceback."""
        port = free_port()
        url, log = f"http://127.0.0.1:{port}", self.folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [self.python, "-W", "ignore", "manage.py", "runserver", str(port), "--noreload"],
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            limit = time.monotonic() + 60
            while True:
                try:
                    urlopen(f"{url}/catalogue/").close()  # noqa: S310
                    break
                except URLError:
                    assert time.monotonic() < limit, log.read_text()
                    assert server.poll() is None, log.read_text()
                    time.sleep(0.1)
            yield url
        finally:
            server.kill()
            server.wait()
        assert "Traceback" not in log.read_text(), log.read_text()[-5000:]

    def rows(self, query: str, *values: object) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def tables(self) -> dict[str, str]:
        """Return how the shop's own tables were made, by name."""
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        kept = {"django_migrations", "sqlite_sequence"}
        return {
            name: sql
            for name, sql in self.rows(query)
            if "engagement" not in name and name not in kept
        }

    def as_json(self, code: str) -> object:
        """Return what some code of the project's prints as JSON."""
        text = self.manage("shell", "--no-imports", "-c", f"import json; print(json.dumps({code}))")
        return json.loads(text.strip().splitlines()[-1])
