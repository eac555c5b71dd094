"""The households as the shop's customers."""

from __future__ import annotations

import pandas as pd
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from shop_demo.models import Household

# For the demonstration only; the seed prints it.
PASSWORD = "fennel"  # noqa: S105
ADMIN = ("admin", "admin")


def username(number: int) -> str:
    return f"household-{number}"


def save(numbers: list[int], facts: pd.DataFrame, shown: dict[str, int]) -> None:
    """Store a customer for each household; ``shown`` names the personas among them."""
    users = get_user_model()
    # Hashing is slow on purpose: once, for all of them.
    password = make_password(PASSWORD)
    users.objects.bulk_create(
        [users(username=username(number), password=password) for number in numbers],
        batch_size=1000,
        ignore_conflicts=True,
    )
    ids = user_ids()
    known = facts.set_index("household_id").to_dict("index")
    persona_of = {number: key for key, number in shown.items()}
    rows = []
    for number in numbers:
        fact = known.get(number, {})
        rows.append(
            Household(
                user_id=ids[number],
                number=number,
                age=fact.get("age", ""),
                income=fact.get("income", ""),
                home=fact.get("home_ownership", ""),
                marital_status=fact.get("marital_status", ""),
                size=fact.get("household_size", ""),
                composition=fact.get("household_comp", ""),
                kids=fact.get("kids_count", ""),
                persona=persona_of.get(number, ""),
            )
        )
    Household.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["number"],
        update_fields=[
            "age",
            "income",
            "home",
            "marital_status",
            "size",
            "composition",
            "kids",
            "persona",
        ],
    )


def user_ids() -> dict[int, int]:
    """Return the users of the households by household number."""
    users = get_user_model().objects.filter(username__startswith="household-")
    return {
        int(name.removeprefix("household-")): pk for name, pk in users.values_list("username", "pk")
    }


def save_admin() -> None:
    """Create the demonstration's administrator, whose password anyone can read here."""
    users = get_user_model()
    name, password = ADMIN
    if not users.objects.filter(username=name).exists():
        users.objects.create_superuser(name, password=password)
