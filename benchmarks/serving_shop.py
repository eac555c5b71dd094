"""The shop that serving is measured on: a copy of the demonstration's, or one made up."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from datetime import timedelta
from pathlib import Path

import numpy as np

N_PRODUCTS, N_CATEGORIES, N_VISITORS, N_EVENTS = 5000, 60, 2000, 100_000
# Browsers that ask; each has a past of this many events.
N_BROWSERS, N_PAST = 50, 60


def copy_demo(demo: Path, folder: Path) -> bool:
    """Copy the demonstration's database and models, if it was seeded and trained."""
    database = demo / "shop.sqlite3"
    if not database.exists():
        return False
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as source:
        try:
            (n_live,) = source.execute("SELECT COUNT(*) FROM engagement_activation").fetchone()
        except sqlite3.OperationalError:
            return False
        if not n_live:
            return False
        with sqlite3.connect(folder / "shop.sqlite3") as target:
            source.backup(target)
    shutil.copytree(demo / "models", folder / "models")
    return True


def make_up(rng: np.random.Generator) -> None:
    """Fill an empty database: products in categories, visitors who each like a few of these."""
    from django.core.management import call_command
    from django.utils import timezone

    from engagement.flows.importing import catalogue
    from engagement.models import Event, EventName, Item, Visitor
    from shop_demo.models import Category, Product

    call_command("migrate", verbosity=0)
    now = timezone.now()
    categories = [
        Category.objects.create(slug=f"category-{number}", name=f"Category {number}")
        for number in range(N_CATEGORIES)
    ]
    Product.objects.bulk_create(
        (
            Product(
                id=uuid.UUID(int=number + 1),
                sku=str(number),
                category=categories[number % N_CATEGORIES],
                name=f"Product {number}",
                group_key=f"group-{number}",
                price=2,
                regular_price=2,
                stock=10,
                added_at=now,
            )
            for number in range(N_PRODUCTS)
        ),
        batch_size=500,
    )
    catalogue.sync_items(channel="", at=now)
    Visitor.objects.bulk_create(
        (Visitor(key=f"a{number:032x}") for number in range(N_VISITORS)), batch_size=500
    )
    visitors = list(Visitor.objects.order_by("pk").values_list("pk", flat=True))
    items = list(Item.objects.order_by("external_id").values_list("pk", flat=True))
    who = rng.integers(0, N_VISITORS, N_EVENTS)
    # Each visitor likes three categories; within one, a few products sell most.
    category = (who * 7 + rng.integers(0, 3, N_EVENTS) * 11) % N_CATEGORIES
    place = (rng.pareto(1.2, N_EVENTS) * 4).astype(int) % (N_PRODUCTS // N_CATEGORIES)
    seconds = rng.integers(0, 90 * 86_400, N_EVENTS)
    Event.objects.bulk_create(
        (
            Event(
                key=uuid.UUID(int=number + 1),
                event=EventName.PURCHASE if number % 3 else EventName.VIEW_ITEM,
                visitor_id=visitors[who[number]],
                item_id=items[category[number] + N_CATEGORIES * place[number]],
                event_time=now - timedelta(seconds=int(seconds[number])),
                order_ref=f"{who[number]}-{seconds[number] // 86_400}",
            )
            for number in range(N_EVENTS)
        ),
        batch_size=2000,
    )
    train(now)


def train(now) -> None:
    """Fit the first candidate of each alias on everything and make it live."""
    from django.utils.module_loading import import_string

    from engagement.conf import app_settings
    from engagement.flows.training import artifacts, dataset
    from engagement.models import ModelArtifact

    for alias, spec in app_settings.RECOMMENDERS.items():
        data = dataset.load(
            channel="", group_by=spec["GROUP_BY"], events=spec.get("EVENTS"), until=now
        )
        candidate = spec["CANDIDATES"][0]
        model = import_string(candidate["BACKEND"])(**candidate["OPTIONS"])
        model.fit(data.interactions, rng=np.random.default_rng(1))
        artifact = artifacts.store(
            model,
            channel="",
            alias=alias,
            dataset=data,
            metrics={},
            verdict=ModelArtifact.Verdict.UNTESTED,
            at=now,
            seconds=0.0,
        )
        artifacts.activate(artifact, at=now)


def make_browsers() -> list[str]:
    """Give some browsers the past of some customers; return the keys of their cookies."""
    from engagement.models import Event, EventName, Visitor

    known = Event.objects.filter(event=EventName.PURCHASE, visitor__isnull=False)
    busy = list(known.values_list("visitor_id", flat=True).distinct()[:N_BROWSERS])
    keys = []
    for number, visitor_id in enumerate(busy):
        key = f"a{uuid.UUID(int=number + 10**9).hex}"
        browser = Visitor.objects.create(key=key)
        past = Event.objects.filter(visitor_id=visitor_id, item__isnull=False)
        copies = list(past.order_by("-event_time")[:N_PAST])
        for event in copies:
            event.pk, event.key, event.visitor = None, uuid.uuid4(), browser
            event.order_ref = ""
        Event.objects.bulk_create(copies)
        keys.append(key)
    return keys
