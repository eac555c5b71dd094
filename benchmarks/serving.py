"""
How long a shelf takes, in Python and over HTTP, and what the models weigh in a web process.

    python -m benchmarks.serving

Measured on a copy of the demonstration's database where that is seeded, else on a made-up shop.
The HTTP figure is a ratio: the same server answers a constant from REST framework and a
recommendation in turn, so that the machine cancels out.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
CALLS, REQUESTS, WARM_UP = 300, 300, 20
PLACEMENTS = ("home.for_you", "home.buy_again", "product.similar", "product.bought_together")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="engagement-bench-") as name:
        folder = Path(name)
        demo = Path(os.environ.get("SHOP_DEMO_VAR", ROOT / "var"))
        os.environ["SHOP_DEMO_VAR"] = name
        os.environ.pop("DATABASE_URL", None)
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.serving_settings"
        from benchmarks import serving_shop

        is_demo = serving_shop.copy_demo(demo, folder)
        import django

        django.setup()
        if not is_demo:
            import numpy as np

            serving_shop.make_up(np.random.default_rng(2026))
        keys = serving_shop.make_browsers()
        result = {
            "shop": describe(is_demo),
            "python": platform.python_version(),
            "recommend_ms": in_python(keys),
            **over_http(keys),
        }
    show(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "serving.json").write_text(json.dumps(result, indent=2) + "\n")


def describe(is_demo: bool) -> dict[str, object]:
    from engagement.models import Activation, Event

    live = Activation.objects.live().select_related("artifact")
    return {
        "data": "demonstration" if is_demo else "made up",
        "events": Event.objects.count(),
        "models": {row.alias: row.artifact.n_items for row in live},
        "model_mb": round(sum(row.artifact.n_bytes for row in live) / 1e6, 1),
    }


# -- in Python ------------------------------------------------------------------------------


def in_python(keys: list[str]) -> dict[str, dict[str, float]]:
    """Return milliseconds for one shelf by placement, the visitor's history read each time."""
    from django.utils import timezone

    from engagement.flows.identity import Person
    from engagement.flows.recommend import recommend
    from engagement.models import Item

    people = [Person("", key, "", None, True, False) for key in keys]
    items = list(Item.objects.sellable().values_list("key", flat=True)[:200])

    def ask(placement: str) -> Callable[[int], None]:
        def once(number: int) -> None:
            context = [items[number % len(items)]] if placement.startswith("product") else []
            recommend(
                placement=placement,
                person=people[number % len(people)],
                at=timezone.now(),
                context=context,
            )

        return once

    return {placement: timed(ask(placement), CALLS) for placement in PLACEMENTS}


def timed(call: Callable[[int], None], n: int) -> dict[str, float]:
    for number in range(WARM_UP):
        call(number)
    taken = []
    for number in range(n):
        started = time.perf_counter()
        call(number)
        taken.append((time.perf_counter() - started) * 1000)
    return summary(taken)


def summary(milliseconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(milliseconds, n=20)
    return {"median": round(statistics.median(milliseconds), 2), "p95": round(cuts[18], 2)}


# -- over HTTP --------------------------------------------------------------------------------


def over_http(keys: list[str]) -> dict[str, object]:
    """Return time and memory of one server process that answers both views in turn."""
    from engagement.conf import app_settings
    from engagement.flows.identity import _signer

    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "shop_demo.wsgi",
        f"--bind=127.0.0.1:{port}",
        "--workers=1",
        "--threads=1",
        "--worker-class=gthread",
        "--log-level=error",
    ]
    server = subprocess.Popen(command)
    try:
        connection = connect(port)
        cookies = [f"{app_settings.VISITOR_COOKIE}={_signer().sign(key)}" for key in keys]
        agent = "Mozilla/5.0 (benchmark)"

        def get(path: str, number: int) -> None:
            headers = {"Cookie": cookies[number % len(cookies)], "User-Agent": agent}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"{path} answered {response.status}: {body[:300]!r}")

        constant = "/constant/"
        shelf = "/engagement/recommendations/home.for_you/?n=6"
        for number in range(WARM_UP):
            get(constant, number)
        before = memory(server.pid)
        for number in range(WARM_UP):
            for placement in PLACEMENTS:
                get(f"/engagement/recommendations/{placement}/", number)
        taken: dict[str, list[float]] = {constant: [], shelf: []}
        for number in range(REQUESTS):
            for path in (constant, shelf):
                started = time.perf_counter()
                get(path, number)
                taken[path].append((time.perf_counter() - started) * 1000)
        after = memory(server.pid)
    finally:
        server.terminate()
        server.wait()
    plain, recommended = summary(taken[constant]), summary(taken[shelf])
    return {
        "http_ms": {"constant": plain, "recommendations": recommended},
        "http_ratio": round(recommended["median"] / plain["median"], 2),
        "worker_mb": {"without_models": before, "with_models": after},
    }


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def connect(port: int) -> http.client.HTTPConnection:
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.connect()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection


def memory(parent: int) -> dict[str, float]:
    """Return megabytes of the worker: all that is resident, and what is not shared with files."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        return {}
    worker = children.read_text().split()[0]
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    sizes = {
        line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "Rss"))
    }
    return {
        "resident": round(int(sizes["VmRSS"]) / 1024, 1),
        "private": round(int(sizes["RssAnon"]) / 1024, 1),
    }


# -- the table ----------------------------------------------------------------------------------


def show(result: dict) -> None:
    shop = result["shop"]
    print(f"Serving, {shop['data']} shop: {shop['events']:,} events, models {shop['model_mb']} MB")
    print(f"{'recommend()':34}{'median':>10}{'95 %':>10}")
    for placement, one in result["recommend_ms"].items():
        print(f"  {placement:32}{one['median']:>7} ms{one['p95']:>7} ms")
    print("GET, one process")
    for name, one in result["http_ms"].items():
        print(f"  {name:32}{one['median']:>7} ms{one['p95']:>7} ms")
    print(f"  {'ratio':32}{result['http_ratio']:>7}")
    for name, one in result["worker_mb"].items():
        if one:
            label = name.replace("_", " ")
            print(f"  {label:32}{one['resident']:>7} MB resident, {one['private']} MB private")


if __name__ == "__main__":
    main()
