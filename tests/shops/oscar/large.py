"""
What the app costs a product page of a large shop: ``python -m tests.shops.oscar.large``.

Fills a small shop's tables with 5,000 products and a million events, learns from them, and opens
product pages with and without the app, each in a process of its own. Says how many queries a page
makes and how long it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

PAGES = 40
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keeps the shop, and goes on with it")
    parser.add_argument("--part", choices=("fill", "with", "without"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        setup(options.folder)
        part = {"fill": fill, "with": measure, "without": measure}[options.part]
        print(json.dumps(part(options)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = (options.folder or Path(temporary)).resolve()
        options.folder.mkdir(parents=True, exist_ok=True)
        if not (options.folder / "shop.sqlite3").exists():
            print("filled:", run("fill", options))
        bare, ours = run("without", options), run("with", options)
    print(f"{'':34}{'without':>10}{'with':>10}{'more':>8}")
    for name, before in bare.items():
        after = ours[name]
        print(f"{name:34}{before:>10.4g}{after:>10.4g}{after - before:>8.3g}")


def run(part: str, options: argparse.Namespace) -> dict:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.shops.minioscar.settings"}
    environment["DATABASE_URL"] = f"sqlite:///{options.folder / 'shop.sqlite3'}"
    environment["SHOP_WITHOUT_ENGAGEMENT"] = "yes" if part == "without" else "no"
    command = [sys.executable, "-W", "ignore", "-m", "tests.shops.oscar.large", "--part", part]
    for name in ("products", "events", "folder"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def setup(folder: Path) -> None:
    import django
    from django.conf import settings

    settings.MEDIA_ROOT = str(folder / "media")
    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]


# -- a large shop -------------------------------------------------------------------------------
def fill(options: argparse.Namespace) -> dict:
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    started = time.monotonic()
    settings.MIGRATION_MODULES = dict.fromkeys(apps.app_configs)
    call_command("migrate", run_syncdb=True, verbosity=0)
    sell(options.products)
    call_command("engagement_backfill", verbosity=0)
    remember(options.events)
    filled = time.monotonic() - started
    shown = ["similar", "bought_together", "trending"]
    call_command("engagement_train", alias=shown, verbosity=0)
    return {"fill_s": round(filled), "train_s": round(time.monotonic() - started - filled)}


def sell(n: int) -> None:
    """Put ``n`` products with a picture and stock into 50 categories."""
    from oscar.apps.catalogue.categories import create_from_breadcrumbs
    from oscar.core.loading import get_model

    from tests.shops.minioscar import seed

    seed.make_picture(seed.make_product("First"))
    first = get_model("catalogue", "ProductImage").objects.get()
    product, stock = get_model("catalogue", "Product"), get_model("partner", "StockRecord")
    link, image = get_model("catalogue", "ProductCategory"), get_model("catalogue", "ProductImage")
    categories = [create_from_breadcrumbs(f"All > Kind {kind}") for kind in range(50)]
    rows = product.objects.bulk_create(
        product(
            title=f"Thing {number}",
            slug=f"thing-{number}",
            upc=f"T{number}",
            product_class=first.product.product_class,
        )
        for number in range(n - 1)
    )
    partner = get_model("partner", "Partner").objects.get()
    for model, make in (
        (
            stock,
            lambda one: {
                "partner": partner,
                "partner_sku": one.upc,
                "price": 5 + one.pk % 40,
                "num_in_stock": 1000,
            },
        ),
        (link, lambda one: {"category": categories[one.pk % 50]}),
        (image, lambda one: {"original": first.original.name}),
    ):
        model.objects.bulk_create(
            (model(product=one, **make(one)) for one in rows), batch_size=1000
        )


def remember(n: int) -> None:
    """Write ``n`` views, carts and purchases of some ten thousands of visitors into the log."""
    import numpy as np
    from django.utils import timezone

    from engagement.flows.importing.bulk import insert_events, room_for_indexes
    from engagement.models import EventName, Item, Visitor

    rng, now = np.random.default_rng(7), timezone.now()
    n_people = max(n // 20, 10)
    Visitor.objects.bulk_create(
        (Visitor(key=f"a{number:032x}") for number in range(n_people)), batch_size=2000
    )
    people = np.array(Visitor.objects.order_by("pk").values_list("pk", flat=True))
    items = np.array(Item.objects.order_by("pk").values_list("pk", flat=True))
    kinds = [EventName.VIEW_ITEM, EventName.ADD_TO_CART, EventName.PURCHASE]
    with room_for_indexes():
        for start in range(0, n, 50_000):
            size = min(50_000, n - start)
            who = rng.choice(people, size)
            # Everybody likes some kinds of things; a few things are liked by many.
            liked = (who * 7 + rng.integers(0, 3, size)) % 50
            rank = np.minimum(rng.zipf(1.3, size), len(items) // 50) - 1
            what = rng.choice(3, size, p=[0.8, 0.13, 0.07])
            orders = rng.integers(0, 2, size)
            insert_events(
                {
                    "key": [uuid.UUID(bytes=rng.bytes(16)) for _ in range(size)],
                    "event": [int(kinds[kind]) for kind in what],
                    "visitor_id": who.tolist(),
                    "item_id": items[(rank * 50 + liked) % len(items)].tolist(),
                    "event_time": [
                        now - timedelta(seconds=int(ago))
                        for ago in rng.integers(60, 90 * 86_400, size)
                    ],
                    "order_ref": [
                        f"{person}-{order}" if kind == 2 else ""
                        for person, order, kind in zip(who, orders, what, strict=True)
                    ],
                },
                channel="",
                at=now,
            )


# -- its pages ----------------------------------------------------------------------------------
def measure(options: argparse.Namespace) -> dict:
    """Return figures of a product's page; the same ones without the app."""
    from django.apps import apps
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from oscar.core.loading import get_model

    if apps.is_installed("engagement"):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 3600}
    rows = get_model("catalogue", "Product").objects.order_by("pk")
    products = list(rows[:: max(options.products // PAGES, 1)])

    def asked(client: Client, product) -> int:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(product.get_absolute_url())
        assert response.status_code == 200
        return sum(one["sql"] not in ("BEGIN", "COMMIT") for one in queries.captured_queries)

    visitor, stranger = Client(HTTP_USER_AGENT=FIREFOX), Client(HTTP_USER_AGENT=FIREFOX)
    stranger.cookies["engagement_consent"] = "no"
    for one in products[:3]:
        visitor.get(one.get_absolute_url())
    new_pages = [asked(visitor, one) for one in products[3:10]]
    for one in products[:3]:
        stranger.get(one.get_absolute_url())
    kept = [asked(stranger, one) for one in products[:3]]
    times = []
    for one in products[10:]:
        started = time.perf_counter()
        visitor.get(one.get_absolute_url())
        times.append(1000 * (time.perf_counter() - started))
    return {
        "queries, a page not seen before": max(new_pages),
        "queries, shelves that are kept": max(kept),
        "ms, half of the pages": statistics.median(times),
        "ms, 19 of 20 pages": statistics.quantiles(times, n=20)[-1],
    }


if __name__ == "__main__":
    main()
