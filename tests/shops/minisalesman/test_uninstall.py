"""docs/uninstall.md, step by step, each in a process of its own on one database file."""

import os
import sqlite3
import subprocess
import sys

SETTINGS = "tests.shops.minisalesman.settings"

SELL = """
from django.core.management import call_command
from django.test import Client
from engagement.models import Event, Visitor
from tests.shops.minisalesman import seed

call_command("migrate", run_syncdb=True, verbosity=0)
ann = seed.make_user("ann")
book = seed.make_book("Emma")
client = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
client.force_login(ann)
line = {"product_type": "minisalesman.Book", "product_id": book.pk}
assert client.post("/shop/basket/", line).status_code == 201
assert Event.objects.count() == 1
assert Visitor.objects.get().user_id == ann.pk
"""
FORGET_ANN = """
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError

call_command("check")
try:
    get_user_model().objects.filter(username="ann").delete()
except IntegrityError:
    print("refused")
else:
    print("deleted")
"""


def test_nothing_is_left_behind(tmp_path):
    path = tmp_path / "shop.sqlite3"

    def run(*arguments, without="no"):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": f"sqlite:///{path}",
            "SHOP_WITHOUT_ENGAGEMENT": without,
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "django", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip().rpartition("\n")[2]

    def names():
        with sqlite3.connect(path) as database:
            rows = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            return dict(rows.fetchall())

    run("shell", "-v", "0", "-c", SELL)
    tables = names()
    ours = {name for name in tables if name.startswith("engagement_")}
    assert ours
    assert [name for name in tables.keys() - ours if "engagement_" in tables[name]] == []

    assert run("shell", "-v", "0", "-c", FORGET_ANN, without="yes") == "refused"
    run("migrate", "engagement", "zero", "--verbosity", "0")

    assert not any(name.startswith("engagement_") for name in names())
    assert run("shell", "-v", "0", "-c", FORGET_ANN, without="yes") == "deleted"
