"""A training that is killed with -9, wherever it is, changes nothing and hinders nobody."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[2]

# What is live, what it says, and how many folders of models lie about.
LOOK = """
import json, django
django.setup()
from engagement.flows.training import artifact_files, artifacts
from engagement.learning.interactions import Histories
from engagement.models import ModelArtifact
live = artifacts.live("for_you", channel="")
scores = artifacts.load(live).recommender.score(Histories.of([0, 1]))[0].tolist()
rows = list(ModelArtifact.objects.filter(alias="for_you").values_list("path", flat=True))
folders = artifact_files.folders("", "for_you")
print(json.dumps({"live": live.pk, "scores": scores, "models": len(rows),
                  "lost": len(set(rows) - set(folders)), "left": len(set(folders) - set(rows))}))
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
        self.folder = folder

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

    def manage(self, *command):
        return self.run("manage.py", *command)

    def look(self):
        return json.loads(self.run("-c", LOOK))

    def train_until(self, message, *, then=0.0):
        """Start a training and kill it ``then`` seconds after it has said ``message``."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "engagement_train", "--alias", "for_you", "-v", "2"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        for line in process.stdout:
            said.append(line)
            if message in line:
                time.sleep(then)
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL, "".join(said)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop of 60 customers in two camps, three months of orders, and a live model."""
    folder = tmp_path_factory.mktemp("killed")
    shop = Shop(folder)
    start = datetime.now(UTC) - timedelta(days=95)
    with (folder / "orders.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["visitor", "item", "at", "order", "title"])
        for customer in range(60):
            for week in range(13):
                moment = start + timedelta(days=7 * week, minutes=customer)
                for item in {(customer + week) % 8, (3 * customer + week) % 8}:
                    name = f"{'ab'[customer % 2]}{item}"
                    order = f"{customer}-{week}"
                    writer.writerow([customer, name, moment.isoformat(), order, name])
    shop.manage("migrate", "-v0")
    columns = [f"{name}={name}" for name in ("visitor", "item", "at", "order", "title")]
    orders = str(folder / "orders.csv")
    shop.manage("engagement_import", orders, "--event", "purchase", "--map", *columns)
    shop.manage("engagement_train", "--alias", "for_you")
    return shop


MOMENTS = [
    ("reading events", 0.0),
    ("… EASE", 0.0),
    ("on everything", 0.0),
    ("storing", 0.0),
    ("storing", 0.01),
    ("storing", 0.03),
]


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([("on everything", 0.0), ("storing", 0.01)], id="while learning and storing"),
        pytest.param(MOMENTS, id="everywhere", marks=pytest.mark.slow),
    ],
)
def test_the_live_model_survives_every_kill_and_the_next_training_succeeds(shop, moments):
    before = shop.look()
    for message, then in moments:
        shop.train_until(message, then=then)
        after = shop.look()
        assert after["lost"] == 0
        # At the very end the training may have been quicker than the signal.
        if message != "storing":
            assert after["live"] == before["live"]
            assert after["models"] == before["models"]
        assert after["scores"] == pytest.approx(before["scores"], rel=1e-4)
    shop.manage("engagement_train", "--alias", "for_you")
    finally_ = shop.look()
    assert finally_["live"] > before["live"]
    assert finally_["left"] == 0
    assert finally_["lost"] == 0
