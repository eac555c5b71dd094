"""
From the event log in a database to arrays: seconds and memory, in a process of its own.

    python -m benchmarks.scale.database FOLDER                                    # SQLite
    python -m tests.services -- python -m benchmarks.scale.database FOLDER        # PostgreSQL

FOLDER holds the arrays of a made-up log. The rows are written in bulk, past the ORM; reading them
is what is measured: ``event_log.read`` alone, then the whole data set with its cleaning.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measures import peak_memory
from benchmarks.scale.models import load
from engagement.learning.interactions import Interactions

PIECE = 100_000
START = datetime(2025, 1, 1, tzinfo=UTC)
VIEW, PURCHASE = 3, 10
NAMED = {"key", "channel", "event", "visitor_id", "item_id", "event_time"}


def main() -> None:
    at = START + timedelta(days=366)
    if sys.argv[1] in ("--read", "--train"):
        _set_up()
        json.dump(measure(at) if sys.argv[1] == "--read" else retrain(at), sys.stdout)
        return
    log = load(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="engagement-scale-") as folder:
        os.environ["ENGAGEMENT_SCALE_FOLDER"] = folder
        _set_up()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        call_command("flush", verbosity=0, interactive=False)
        started = time.perf_counter()
        fill(log)
        written = time.perf_counter() - started
        connection.close()
        # Read in a process of its own, whose memory holds nothing else.
        found = {"events": len(log), "written_s": written}
        for what in ("--read", "--train"):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.scale.database", what],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            found |= json.loads(done.stdout)
        json.dump(found, sys.stdout)


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.scale.database_settings"
    import django

    django.setup()


def measure(at: datetime) -> dict[str, float]:
    from engagement.flows.training import dataset, event_log

    started, began = time.perf_counter(), time.process_time()
    events = event_log.read(channel="", events=[VIEW, PURCHASE], since=None, until=at)
    read, own = time.perf_counter() - started, time.process_time() - began
    n = len(events)
    del events
    most = peak_memory()
    started, began = time.perf_counter(), time.process_time()
    data = dataset.load(channel="", until=at, max_items=10**9)
    return {
        "read_s": read,
        "read_cpu_s": own,
        "rows_a_second": n / read,
        "read_peak_mb": most / 1e6,
        "dataset_s": time.perf_counter() - started,
        "dataset_cpu_s": time.process_time() - began,
        "dataset_peak_mb": peak_memory() / 1e6,
        "interactions": len(data.interactions),
    }


def retrain(at: datetime) -> dict[str, float]:
    """From the database to a live model: all candidates of ``for_you``, the best one fitted."""
    from engagement.flows.training.train import train

    started, began = time.perf_counter(), time.process_time()
    report = train(channel="", alias="for_you", at=at, rng=np.random.default_rng(0))
    taken, own = time.perf_counter() - started, time.process_time() - began
    print(report, file=sys.stderr)
    # The next one, as `engagement_train --refresh`: the same recipe, newer events.
    from engagement.flows.training.refresh import refresh

    started, began = time.perf_counter(), time.process_time()
    refresh(channel="", alias="for_you", at=at + timedelta(hours=1))
    return {
        "retrain_s": taken,
        "retrain_cpu_s": own,
        "refresh_s": time.perf_counter() - started,
        "refresh_cpu_s": time.process_time() - began,
        "retrain_peak_mb": peak_memory() / 1e6,
    }


def fill(log: Interactions) -> None:
    """Write visitors, items and events as fast as the database takes them."""
    from engagement.models import Event, Item, Visitor

    stamp = START.isoformat(sep=" ")
    _write(
        Visitor,
        ("id", "channel", "key", "exclusion", "created_at"),
        ((n + 1, "", f"v{n}", "", stamp) for n in range(log.n_rows)),
    )
    text = {"text": "", "currency": "", "image_url": "", "url": "", "attributes": "{}"}
    text |= {"is_active": "1", "is_available": "1", "created_at": stamp, "item_type": ""}
    names = _required(Item, {"id", "channel", "external_id", "key", "title", *text})
    rest = [text.get(name, "") for name in names[5:]]
    _write(
        Item,
        names,
        ((n + 1, "", f"i{n}", f"i{n}", f"Item {n}", *rest) for n in range(log.n_columns)),
    )
    with _without_indexes(Event):
        _write(Event, _required(Event, NAMED), _events(log, stamp))


@contextmanager
def _without_indexes(model: Any) -> Iterator[None]:
    """Build the indexes once at the end: row by row they cost ten times as much."""
    from django.db import connection

    with connection.schema_editor() as editor:
        for index in model._meta.indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor() as editor:
        for index in model._meta.indexes:
            editor.add_index(model, index)


def _required(model: Any, first: set[str]) -> tuple[str, ...]:
    """Return the columns that take no NULL, those of ``first`` in a fixed order before the rest."""
    order = ("id", "channel", "external_id", "key", "title")
    order += ("event", "visitor_id", "item_id", "event_time", "recorded_at", "quantity")
    columns = [field.column for field in model._meta.concrete_fields]
    needed = {field.column for field in model._meta.concrete_fields if not field.null} | (
        first & set(columns)
    )
    if model.__name__ == "Event":
        needed.discard("id")
    return tuple([name for name in order if name in needed] + sorted(needed - set(order)))


def _events(log: Interactions, stamp: str) -> Iterator[tuple[Any, ...]]:
    from engagement.models import Event

    names = _required(Event, NAMED)
    rest = [""] * (len(names) - names.index("quantity") - 1)
    bought = np.random.default_rng(7).random(len(log)) < 0.1
    for start in range(0, len(log), PIECE):
        part = slice(start, start + PIECE)
        moments = (np.datetime64(START.replace(tzinfo=None), "s") + log.moments[part]).astype(str)
        for number, (row, column, moment, is_bought) in enumerate(
            zip(
                log.rows[part].tolist(),
                log.columns[part].tolist(),
                moments.tolist(),
                bought[part].tolist(),
                strict=True,
            ),
            start,
        ):
            event = PURCHASE if is_bought else VIEW
            yield (
                "",
                f"{number:032x}",
                event,
                row + 1,
                column + 1,
                moment.replace("T", " "),
                stamp,
                1,
                *rest,
            )


def _write(model: Any, names: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    from django.db import connection, transaction

    table = model._meta.db_table
    columns = ", ".join(f'"{name}"' for name in names)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for text in _copied(rows):
                    copy.write(text)
        else:
            marks = ", ".join("?" * len(names))
            cursor.connection.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
                rows,
            )


def _copied(rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    buffer = io.StringIO()
    for row in rows:
        buffer.write("\t".join(map(str, row)))
        buffer.write("\n")
        if buffer.tell() > 1_000_000:
            yield buffer.getvalue()
            buffer = io.StringIO()
    yield buffer.getvalue()


if __name__ == "__main__":
    main()
