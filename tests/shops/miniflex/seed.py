"""What the shop sells, and what was bought before."""

from decimal import Decimal

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from flexcommerce_catalog.models import Category, Product, ProductVariant
from flexcommerce_engagement.models import ProductReview
from flexcommerce_orders.models import Order, OrderItem


def make_product(name, *, category="Kitchen", price=10, options=("",), **fields):
    product = Product.objects.create(name=name, **{"status": Product.STATUS_ACTIVE, **fields})
    found = Category.objects.filter(name=category).first() or Category.objects.create(name=category)
    product.categories.add(found)
    for option in options:
        sku = f"{product.slug}-{option or 'one'}"
        ProductVariant.objects.create(product=product, sku=sku, name=option, price=price)
    product.refresh_from_db()
    return product


def make_user(name, **fields):
    return get_user_model().objects.create_user(name, f"{name}@example.org", "secret", **fields)


def make_order(number, variants, *, user=None, email="", status=Order.STATUS_CONFIRMED):
    """Create an order as an import would: without signals."""
    is_open = status == Order.STATUS_PENDING
    order = Order.objects.create(
        order_number=number,
        user=user,
        email=email,
        status=status,
        currency="EUR",
        confirmed_at=None if is_open else timezone.now(),
    )
    content_type = ContentType.objects.get_for_model(ProductVariant)
    OrderItem.objects.bulk_create(
        OrderItem(
            order=order,
            content_type=content_type,
            object_id=variant.pk,
            parent_product_id=variant.product_id,
            product_name=str(variant),
            unit_price_net=Decimal(10),
            unit_price_gross=Decimal(10),
            line_total=Decimal(10),
        )
        for variant in variants
    )
    return order


def make_review(product, user, body="Fine.", rating=4):
    return ProductReview.objects.create(product=product, user=user, rating=rating, body=body)


def make_shop():
    """Make six products; who buys the first buys the second, which is of another category."""
    products = [
        make_product(f"Thing {n}", category=f"Category {n % 2}", options=("S", "L"))
        for n in range(6)
    ]
    for n in range(30):
        some = products[:2] if n % 2 else [products[2 + n % 4], products[3]]
        variants = [product.variants.all()[n % 2] for product in some]
        make_order(f"past-{n}", variants, user=make_user(f"u{n}"))
    return products
