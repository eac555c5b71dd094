"""What the shop sells, and what was bought before."""

from django.contrib.auth import get_user_model
from salesman.core.utils import get_salesman_model

from tests.shops.minisalesman.models import Book, Phone, PhoneVariant


def make_book(title, **fields):
    return Book.objects.create(title=title, shelf=fields.pop("shelf", "Novels"), **fields)


def make_phone(name, colours=("black", "white"), **fields):
    phone = Phone.objects.create(name=name)
    for colour in colours:
        PhoneVariant.objects.create(phone=phone, colour=colour, **fields)
    return phone


def make_user(name, **fields):
    return get_user_model().objects.create_user(name, f"{name}@example.org", "secret", **fields)


def make_order(ref, products, *, user=None, email="", status="CREATED"):
    """Create an order as an import would: without a basket."""
    order = get_salesman_model("Order").objects.create(
        ref=ref, user=user, email=email, status=status
    )
    for product in products:
        line = get_salesman_model("OrderItem")(
            order=order,
            product=product,
            product_type=product._meta.label,
            unit_price=10,
            subtotal=10,
            total=10,
            quantity=1,
        )
        line.save()
    return order


def make_shop():
    """Make six books and two phones; who buys the first book buys the second as well."""
    # What is bought together is of several shelves.
    books = [make_book(f"Book {n}", shelf=f"Shelf {n % 2}") for n in range(6)]
    phones = [make_phone(f"Phone {n}") for n in range(2)]
    for n in range(30):
        user = make_user(f"u{n}")
        first = books[:2] if n % 2 else [books[2 + n % 4], phones[n % 2].variants.first()]
        make_order(f"past-{n}", first, user=user)
    return books, phones
