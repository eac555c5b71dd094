"""Departments, categories and products, named and priced from the source data."""

from __future__ import annotations

import uuid
import zlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
from django.utils import timezone

from shop_demo.models import Category, Product
from shop_demo.seeding import naming
from shop_demo.seeding.vocabulary import Entry, Vocabulary

# Keys of products and orders are made from this and the number in the source data.
NAMESPACE = uuid.UUID("6b1c4b6e-6f0a-4f4e-9d57-0a8f6f6f5d3e")
MIN_PRICE = 0.05
# A product whose price of the last days is this much below the usual one is shown as reduced.
REDUCED_BELOW = 0.8
RECENT = timedelta(days=14)


def product_key(number: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"product:{number}")


@dataclass(frozen=True)
class Named:
    """A product of the source data with what it is called here."""

    number: int
    entry: Entry
    name: str
    name_zh: str
    brand: str
    is_own: bool
    size: str
    group_key: str


def name_products(products: pd.DataFrame, vocabulary: Vocabulary) -> list[Named]:
    """
    Return the products that are sold here, each with a name of its own.

    ``products`` come with the most sold one first: where a brand sells several of one name in
    one size, the first gets the first variety of the list, and so on.
    """
    drafts: list[tuple[int, Entry, tuple[str, str, str], bool]] = []
    columns = ["product_id", "manufacturer_id", "brand", "product_category", "product_type"]
    for number, maker, brand, category, kind, package in products[
        [*columns, "package_size"]
    ].itertuples(index=False):
        entry = vocabulary.entry(category, kind)
        if entry is None:
            continue
        size = naming.size(package)
        if entry.heading.parent and entry.heading.parent.slug == "fruit-vegetables":
            size = "" if naming.is_crate(size) else size
        label = entry.name or naming.words(kind)
        if not label:
            continue
        is_own = brand == "Private"
        maker_name = naming.brand(int(maker), is_own=is_own)
        drafts.append((int(number), entry, (label, maker_name, size), is_own))

    counts: dict[tuple[str, str, str], int] = {}
    for *_, identity, _own in drafts:
        counts[identity] = counts.get(identity, 0) + 1
    seen: dict[tuple[str, str, str], int] = {}
    named = []
    for number, entry, identity, is_own in drafts:
        label, maker_name, size = identity
        position = seen.get(identity, 0)
        seen[identity] = position + 1
        name, name_zh = label, entry.name_zh
        if counts[identity] > 1:
            varieties = vocabulary.varieties[entry.varieties]
            english, chinese = varieties[position % len(varieties)]
            # Only a very long range comes round to the same word again.
            again = position // len(varieties) + 1
            name = f"{label}, {english}" + (f" No. {again}" if again > 1 else "")
            if name_zh:
                name_zh = f"{name_zh} · {chinese}" + (f" {again}号" if again > 1 else "")
        group = zlib.crc32("|".join(identity).encode())
        named.append(
            Named(
                number, entry, name, name_zh, maker_name, is_own, size, f"{label[:50]}:{group:08x}"
            )
        )
    return named


def prices(lines: pd.DataFrame) -> pd.DataFrame:
    """
    Return ``regular`` and ``price`` of each product, by product.

    Regular is the median of what a piece cost before discounts. Where customers lately paid
    clearly less, that is the price, and the product counts as reduced.
    """
    each = pd.DataFrame(
        {
            "product": lines["product"],
            "regular": lines["regular"] / lines["quantity"],
            "paid": (lines["paid"] + lines["coupon"]) / lines["quantity"],
            "at": lines["at"],
        }
    )
    regular = each.groupby("product")["regular"].median().clip(lower=MIN_PRICE)
    recent = each[each["at"] > each["at"].max() - RECENT].groupby("product")["paid"]
    lately = recent.median().where(recent.size() >= 2).reindex(regular.index)
    reduced = (lately < regular * REDUCED_BELOW) & (lately > regular * 0.5)
    price = lately.where(reduced, regular)
    table = pd.DataFrame({"regular": regular.round(2), "price": price.round(2)})
    return table.clip(lower=MIN_PRICE)


def save_categories(vocabulary: Vocabulary) -> dict[str, Category]:
    """Store the tree and return it by address."""
    saved: dict[str, Category] = {}
    for position, heading in enumerate(vocabulary.headings):
        saved[heading.slug], _ = Category.objects.update_or_create(
            slug=heading.slug,
            defaults={
                "parent": saved[heading.parent.slug] if heading.parent else None,
                "name": heading.name,
                "name_zh": heading.name_zh,
                "picture": heading.picture,
                "tint": heading.tint,
                "position": position,
            },
        )
    return saved


def build(
    named: list[Named],
    categories: dict[str, Category],
    lines: pd.DataFrame,
    first_sold: pd.Series,
    moved_by: timedelta,
) -> list[Product]:
    """Return the products, not stored yet. Stock follows from the key: the same each time."""
    price_of = prices(lines).to_dict("index")
    n_sold = lines.groupby("product")["quantity"].sum().to_dict()
    built = []
    for item in named:
        if item.number not in price_of:
            continue
        key = product_key(item.number)
        heading = item.entry.heading
        parent = heading.parent
        money = price_of[item.number]
        words = [item.name, item.name_zh, item.brand, heading.name, heading.name_zh]
        words += [parent.name, parent.name_zh] if parent else []
        added = (first_sold[item.number] + moved_by).to_pydatetime()
        built.append(
            Product(
                id=key,
                sku=str(item.number),
                category=categories[heading.slug],
                name=item.name[:120],
                name_zh=item.name_zh[:120],
                brand=item.brand,
                is_own_brand=item.is_own,
                size=item.size,
                group_key=item.group_key,
                picture=item.entry.picture,
                price=_money(money["price"]),
                regular_price=_money(money["regular"]),
                stock=stock_of(key),
                n_sold=int(n_sold[item.number]),
                added_at=timezone.make_aware(added),
                search_text=" ".join(words).lower(),
            )
        )
    return built


def _money(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def stock_of(key: uuid.UUID) -> int:
    """Return how many are in stock: about one product in fifty is sold out."""
    rng = np.random.default_rng(key.int % 2**64)
    return 0 if rng.random() < 0.02 else int(rng.integers(12, 240))


def save(products: list[Product]) -> None:
    """Store the products, and those that were stored before anew."""
    Product.objects.bulk_create(
        products,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[
            "category",
            "name",
            "name_zh",
            "brand",
            "is_own_brand",
            "size",
            "group_key",
            "picture",
            "price",
            "regular_price",
            "n_sold",
            "added_at",
            "search_text",
        ],
    )
