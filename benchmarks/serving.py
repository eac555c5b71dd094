"""
How long a shelf takes, in Python and over HTTP, and what the models weigh in a web process.

    python -m benchmarks.serving
    python -m tests.services -- python -m benchmarks.serving     # PostgreSQL and Redis

On SQLite, measured on a copy of the demonstration's database where that is seeded; else, and on
PostgreSQL, on a made-up shop. The same server answers a constant from REST framework and a
recommendation in turn, so that the machine cancels out of their ratio.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import serving_load, serving_models, serving_shop

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
CALLS, WARM_UP = 300, 20
PLACEMENTS = ("home.for_you", "home.buy_again", "product.similar", "product.bought_together")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="engagement-bench-") as name:
        folder = Path(name)
        demo = Path(os.environ.get("SHOP_DEMO_VAR", ROOT / "var"))
        os.environ["SHOP_DEMO_VAR"] = name
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.serving_settings"
        on_services = os.environ.get("DATABASE_URL", "").startswith("postgres")
        is_demo = not on_services and serving_shop.copy_demo(demo, folder)
        import django

        django.setup()
        if is_demo:
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
        else:
            import numpy as np

            serving_shop.make_up(np.random.default_rng(2026))
        keys = serving_shop.make_browsers()
        result = {
            "shop": describe(is_demo),
            "python": platform.python_version(),
            "services": "PostgreSQL, Redis" if on_services else "SQLite",
            "recommend_ms": in_python(keys),
            "model_ms": serving_models.measure(),
            **over_http(keys),
        }
    show(result)
    RESULTS.mkdir(exist_ok=True)
    name = "serving_services.json" if on_services else "serving.json"
    (RESULTS / name).write_text(json.dumps(result, indent=2) + "\n")


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

    from engagement.flows.collecting.identity import Person
    from engagement.flows.serving.recommend import recommend
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
    """Return rates, latencies and memory of the server, for shelves kept and ranked anew."""
    from engagement.conf import app_settings
    from engagement.flows.collecting.identity import _signer

    cookies = [f"{app_settings.VISITOR_COOKIE}={_signer().sign(key)}" for key in keys]
    cpus = sorted(os.sched_getaffinity(0))
    # The server has one core, whoever asks the others.
    os.sched_setaffinity(0, cpus[1:] or cpus)
    result: dict[str, object] = {}
    for name, seconds in (("asked_again", "300"), ("ranked_anew", "0")):
        with serving_load.gunicorn(1, 2, cpus[:1], SHELF_CACHE_SECONDS=seconds) as (port, server):
            asyncio.run(
                serving_load.at_full_speed(
                    port, serving_load.requests(serving_load.CONSTANT, cookies), 1.0, 1
                )
            )
            before = serving_load.memory(server)
            result[f"one_core_{name}"] = serving_load.ratio(port, server, cookies, lines=2)
            result["worker_mb"] = {
                "without_models": before,
                "with_models": serving_load.memory(server),
            }
    os.sched_setaffinity(0, cpus)
    for name, seconds in (("asked_again", "300"), ("ranked_anew", "0")):
        with serving_load.gunicorn(2, 2, SHELF_CACHE_SECONDS=seconds) as (port, _server):
            result[f"under_load_{name}"] = serving_load.under_load(port, cookies, 4, 8.0)
    return result


# -- the table ----------------------------------------------------------------------------------


def show(result: dict) -> None:
    shop = result["shop"]
    print(f"Serving, {shop['data']} shop: {shop['events']:,} events, models {shop['model_mb']} MB")
    print(f"{'recommend()':34}{'median':>10}{'95 %':>10}")
    for placement, one in result["recommend_ms"].items():
        print(f"  {placement:32}{one['median']:>7} ms{one['p95']:>7} ms")
    for name, one in result["model_ms"].items():
        print(
            f"  {name:32}{one['median']:>7} ms{one['p90']:>7} ms (90 %), "
            f"work {one['cpu_median']} and {one['cpu_p90']} ms"
        )
    for name in ("asked_again", "ranked_anew"):
        one, label = result[f"one_core_{name}"], name.replace("_", " ")
        print(
            f"GET, one worker on one core, {label}: {one['recommendations']} a second, "
            f"constant {one['constant']}, ratio {one['ratio']} "
            f"({one['recommendations_cpu_ms']} and {one['constant_cpu_ms']} ms of work an answer)"
        )
    for name in ("asked_again", "ranked_anew"):
        one, label = result[f"under_load_{name}"], name.replace("_", " ")
        print(
            f"GET, two workers beside the client, {label}: at most {one['highest_per_second']} "
            f"a second; at {one['asked_per_second']}: half below {one['p50_ms']} ms, "
            f"90 % below {one['p90_ms']} ms, 99 % below {one['p99_ms']} ms"
        )
    for name, one in result["worker_mb"].items():
        if one:
            label = name.replace("_", " ")
            print(f"  {label:32}{one['resident']:>7} MB resident, {one['private']} MB private")


if __name__ == "__main__":
    main()
