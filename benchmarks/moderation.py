"""
What a page of the moderators' queue costs: python -m benchmarks.moderation [--reviews 10000]

Fills a database of its own (``DATABASE_URL`` or SQLite in memory) with reviews that wait, every
second one flagged, and asks for the admin's pages through Django's test client: the number of
queries, and milliseconds of processor time and of the clock, best and median of ``--calls``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

PAGES = {
    "queue": ("queue", ""),
    "by flag, worst first": ("queue", "?flag=PII&order=worst&page=2"),
    "searched": ("queue", "?q=review+77"),
    "far down": ("queue", "?page=200"),
    "triage": ("triage", ""),
    "figures": ("figures", ""),
    "alerts": ("alerts", ""),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=15)
    arguments = parser.parse_args()

    import django

    django.setup()
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment(debug=False)
    before = setup_databases(verbosity=0, interactive=False)
    try:
        measure(arguments.reviews, arguments.calls)
    finally:
        teardown_databases(before, verbosity=0)


def measure(n_reviews: int, n_calls: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse
    from django.utils import timezone

    from tests.moderation import fill

    fill(n_reviews, until=timezone.now())
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("clerk"))
    for name, (page, query) in PAGES.items():
        address = reverse(f"admin:engagement_review_{page}") + query
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            response = client.get(address)
        n_queries = len(asked)  # The next request empties the log.
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status_code}")
        spent, waited = [], []
        for _ in range(n_calls):
            cpu, clock = time.process_time(), time.perf_counter()
            client.get(address)
            spent.append(1e3 * (time.process_time() - cpu))
            waited.append(1e3 * (time.perf_counter() - clock))
        row = {
            "page": name,
            "reviews": n_reviews,
            "queries": n_queries,
            "cpu_ms": [round(min(spent)), round(statistics.median(spent))],
            "clock_ms": [round(min(waited)), round(statistics.median(waited))],
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
