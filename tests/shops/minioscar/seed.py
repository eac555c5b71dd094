"""What the small shop sells, and who has bought what together."""

import io
from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.core.loading import get_class, get_model
from oscar.test import factories
from PIL import Image, ImageDraw

PAST_ORDERS = 30


def fill(*, pictures=False):
    """Sell nine products of three categories; who buys the first mug buys the teapot as well."""
    make_country()
    mugs = [make_product(f"Mug {n}", price=6 + n) for n in range(4)]
    pots = [make_product(f"Pot {n}", "Demo > Pots", price=15 + n) for n in range(3)]
    teapot = make_product("Teapot", "Demo > Pots", price=24)
    make_parent("Shirt", ["S", "L"], "Demo > Shirts")
    if pictures:
        for n, product in enumerate(get_model("catalogue", "Product").objects.filter(parent=None)):
            make_picture(product, 37 * n)
    now = timezone.now()
    for n in range(PAST_ORDERS):
        user = factories.UserFactory(username=f"u{n}", email=f"u{n}@example.org")
        other = pots[n % 3] if n % 2 else mugs[1 + n % 3]
        products = [mugs[0], teapot] if n % 3 == 0 else [other, pots[n % 2]]
        order = make_order(f"past-{n}", products, user=user)
        # Oscar's factory places orders today, whatever it is told.
        placed = now - timedelta(days=PAST_ORDERS + 10 - n)
        type(order).objects.filter(pk=order.pk).update(date_placed=placed)


def make_product(title, category="Demo > Mugs", *, price=10, stock=20, **values):
    """Return a product on sale, in a category."""
    product = factories.create_product(
        title=title, upc=title, price=price, num_in_stock=stock, product_class="Demo", **values
    )
    get_model("catalogue", "ProductCategory").objects.create(
        product=product, category=create_from_breadcrumbs(category)
    )
    return product


def make_picture(product, hue=0):
    """Give a product a picture: a coloured disc on white, told apart by its hue (0 to 359)."""
    image = Image.new("RGB", (600, 600), "white")
    ImageDraw.Draw(image).ellipse((100, 100, 500, 500), fill=f"hsl({hue % 360}, 55%, 60%)")
    file = io.BytesIO()
    image.save(file, "PNG")
    get_model("catalogue", "ProductImage").objects.create(
        product=product, original=ContentFile(file.getvalue(), name=f"{product.pk}.png")
    )


def make_parent(title, sizes, category="Demo > Mugs", *, stock=20):
    """Return a product that is sold in sizes."""
    parent = factories.create_product(
        title=title, upc=title, product_class="Demo", structure="parent"
    )
    get_model("catalogue", "ProductCategory").objects.create(
        product=parent, category=create_from_breadcrumbs(category)
    )
    for size in sizes:
        factories.create_product(
            title=f"{title} {size}",
            upc=f"{title}-{size}",
            structure="child",
            parent=parent,
            price=12,
            num_in_stock=stock,
        )
    return parent


def make_country():
    get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="GB",
        defaults={
            "name": "UK",
            "printable_name": "United Kingdom",
            "is_shipping_country": True,
        },
    )


def make_order(number, products, *, user=None, **values):
    """Return an order that was placed without a visitor on the pages."""
    basket = get_model("basket", "Basket").objects.create(owner=user)
    basket.strategy = get_class("partner.strategy", "Selector")().strategy()
    for product in products:
        basket.add_product(product)
    return factories.create_order(number=number, basket=basket, user=user, **values)
