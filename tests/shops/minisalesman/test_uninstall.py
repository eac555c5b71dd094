"""docs/uninstall.md, step by step, each in a process of its own, on SQLite and PostgreSQL."""

import os
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import dj_database_url
import pytest
from django.db import connection
from django.db.utils import ConnectionHandler

SETTINGS = "tests.shops.minisalesman.settings"

SELL = """
from django.core.management import call_command
from django.test import Client
from engagement.models import Event, Visitor
from tests.shops.minisalesman import seed

# The shop's own app has no migrations: its tables come first, with keys to these.
call_command("migrate", "auth", verbosity=0)
call_command("migrate", run_syncdb=True, verbosity=0)
book = seed.make_book("Emma")
for name in ("ann", "bob"):
    user = seed.make_user(name)
    client = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
    client.force_login(user)
    line = {"product_type": "minisalesman.Book", "product_id": book.pk}
    assert client.post("/shop/basket/", line).status_code == 201
assert Event.objects.count() == 2
assert set(Visitor.objects.values_list("user__username", flat=True)) == {"ann", "bob"}
"""
FORGET = """
from django.contrib.auth import get_user_model
from django.core.management import call_command

call_command("check")
assert get_user_model().objects.filter(username={name!r}).delete()[0]
"""


@pytest.fixture
def database(tmp_path):
    """The address of an empty database, of the kind that these tests run on."""
    address = os.environ.get("DATABASE_URL", "")
    if not address.startswith("postgres"):
        yield f"sqlite:///{tmp_path}/shop.sqlite3"
        return
    import psycopg

    parts = connection.settings_dict
    at = {"host": parts["HOST"], "port": parts["PORT"], "user": parts["USER"]}
    server = psycopg.connect(dbname="postgres", password=parts["PASSWORD"], autocommit=True, **at)
    with server:
        server.execute("CREATE DATABASE engagement_uninstall")
        yield urlunsplit(urlsplit(address)._replace(path="/engagement_uninstall"))
        server.execute("DROP DATABASE engagement_uninstall WITH (FORCE)")


@pytest.fixture
def tables(database, django_db_blocker):
    """A function that returns which tables each table has keys to."""

    def read():
        connections = ConnectionHandler({"default": dj_database_url.parse(database)})
        with django_db_blocker.unblock(), connections["default"].cursor() as cursor:
            look = connections["default"].introspection
            keys = {
                name: look.get_constraints(cursor, name).values()
                for name in look.table_names(cursor)
            }
        connections.close_all()
        return {
            name: {key["foreign_key"][0] for key in found if key["foreign_key"]}
            for name, found in keys.items()
        }

    return read


def test_nothing_is_left_behind(database, tables):
    def run(*arguments, without="no"):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": database,
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

    def shell(code, without="no"):
        run("shell", "-v", "0", "-c", code, without=without)

    shell(SELL)
    found = tables()
    ours = {name for name in found if name.startswith("engagement_")}
    assert ours
    # No table of the shop's has a key to ours, and none of ours one to the shop's.
    assert [name for name, others in found.items() if name not in ours and others & ours] == []
    assert [name for name, others in found.items() if name in ours and others - ours] == []

    # Out of INSTALLED_APPS, the tables still there: the shop goes on, users can be deleted.
    shell(FORGET.format(name="ann"), without="yes")
    # The tables go, whoever has gone before.
    run("migrate", "engagement", "zero", "--verbosity", "0")
    assert not any(name.startswith("engagement_") for name in tables())
    shell(FORGET.format(name="bob"), without="yes")
