"""A backlog whose reader is killed with -9, wherever it is, is read once and as if nothing were."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.services, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
N = 400

WRITE = f"""
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from engagement.models import Item, Review
item = Item.objects.create(external_id="book", title="Dune")
at = timezone.now() - timedelta(days=1)
words = ["wonderful", "dreadful", "boring", "excellent", "terrible", "lovely"]
Review.objects.bulk_create(
    Review(item=item, rating=1 + number % 5, created_at=at, updated_at=at,
           body=f"The story is {{words[number % 6]}} and the delivery {{words[number // 6 % 6]}} "
                f"as number {{number}} has {{words[number // 36 % 6]}} pages")
    for number in range({N})
)
"""

LOOK = """
import django, json
django.setup()
from engagement.models import Review, ReviewAnalysis, Status, TextBand
rows = ReviewAnalysis.objects.order_by("review")
fields = ("review", "sentiment", "score", "aspects", "flags")
print(json.dumps({
    "read": ReviewAnalysis.objects.count(),
    "said": [list(row) for row in rows.values_list(*fields)],
    "undecided": Review.objects.filter(status=Status.PENDING).count(),
    "bands": TextBand.objects.count(),
}))
"""


class Shop:
    """A shop in a folder of its own, whose commands run as processes."""

    def __init__(self, folder):
        self.environment = {
            **os.environ,
            "SHOP_DEMO_VAR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'shop.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "shop_demo.settings",
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, *command):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def look(self):
        return json.loads(self.run("-c", LOOK))

    def read_until_killed(self, position):
        """Start reading and kill it as soon as its progress bar shows ``position`` texts."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "engagement_classify", "--progress"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        said = b""
        while process.poll() is None:
            said += os.read(process.stderr.fileno(), 4096)
            shown = [part.split(b"/")[0].split()[-1] for part in said.split(b"\r") if b"/" in part]
            if any(part.isdigit() and int(part) >= position for part in shown):
                process.send_signal(signal.SIGKILL)
                break
        process.stderr.close()
        assert process.wait() == -signal.SIGKILL, said.decode()


def test_a_killed_reader_leaves_nothing_behind_and_reads_nothing_twice(tmp_path):
    shop = Shop(tmp_path)
    shop.run("manage.py", "migrate", "-v0")
    shop.run("-c", WRITE)

    shop.read_until_killed(60)
    killed = shop.look()
    # A batch is there whole or not at all.
    assert 0 < killed["read"] < N
    said = shop.run("manage.py", "engagement_classify")

    assert f"{N - killed['read']:,} texts read" in said
    finally_ = shop.look()
    assert finally_["read"] == N
    assert finally_["undecided"] == 0
    assert finally_["bands"] % 8 == 0
    known = {row[0]: row for row in finally_["said"]}
    assert [known[row[0]] for row in killed["said"]] == killed["said"]
