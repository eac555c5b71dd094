"""Sample campaigns, so that a fresh shop has offers to show; made up for the demonstration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.conf import settings
from django.utils.translation import gettext_noop

from engagement.flows.deciding import activating, versions
from engagement.flows.promotions import steering
from engagement.models import Campaign, DecisionPoint, Item, Promotion
from shop_demo.adapter import picture_url
from shop_demo.models import Category

SAMPLE = gettext_noop("A sample, made up for this demonstration.")
# They have run for a while, as the shop has: simulated shoppers may meet them in the past.
DAYS = 60
# Where offers are shown, and what the choice is learnt from there.
POINTS = {"home.offer": "click", "cart.offer": "conversion"}
PLACES = list(POINTS)


def words(title: str, text: str, button: str, title_zh: str, text_zh: str, button_zh: str) -> Any:
    return {
        "en": {"title": title, "text": text, "button": button},
        "zh-hans": {"title": title_zh, "text": text_zh, "button": button_zh},
    }


# For everybody who has not ordered yet; the same with and without learning.
WELCOME = {
    "name": "welcome",
    "kind": "percentage",
    "value": Decimal(10),
    "max_discount": Decimal(5),
    "code_kind": "shared",
    "code": "WELCOME10",
    "max_per_visitor": 1,
    "is_for_everybody": True,
    "picture": "party-popper",
    "texts": words(
        "Ten per cent off your first order",
        "Up to five dollars, for whoever shops here for the first time.",
        "Use the code",
        "首单九折",
        "首次购物的顾客可享，最多减五美元。",
        "使用优惠码",
    ),
}
# A choice to be learnt from: each is one arm.
ARMS: tuple[dict[str, Any], ...] = (
    {
        "name": "fruit-fifth",
        "kind": "percentage",
        "value": Decimal(20),
        "max_discount": Decimal(4),
        "department": "fruit-vegetables",
        "picture": "red-apple",
        "texts": words(
            "A fifth off fruit and vegetables",
            "Everything fresh in your next basket, up to four dollars.",
            "Use it",
            "果蔬八折",
            "下一单中的所有生鲜果蔬，最多减四美元。",
            "立即使用",
        ),
    },
    {
        "name": "pets-fifth",
        "kind": "percentage",
        "value": Decimal(20),
        "max_discount": Decimal(4),
        "department": "pets",
        "audience": 'category("{category}") > 0.01',
        "picture": "dog-face",
        "texts": words(
            "A fifth off for your pet",
            "Food and litter in your next basket, up to four dollars.",
            "Use it",
            "宠物用品八折",
            "下一单中的宠物食品和猫砂，最多减四美元。",
            "立即使用",
        ),
    },
    {
        "name": "snacks-3-for-2",
        "kind": "n_for_m",
        "buy_n": 3,
        "pay_m": 2,
        "max_discount": Decimal(4),
        "department": "snacks",
        "picture": "cookie",
        "texts": words(
            "Three snacks for the price of two",
            "The cheapest is free.",
            "Use it",
            "零食买三付二",
            "其中最便宜的一件免费。",
            "立即使用",
        ),
    },
    {
        "name": "five-off-forty",
        "kind": "amount",
        "value": Decimal(5),
        "min_spend": Decimal(40),
        "picture": "shopping-bags",
        "texts": words(
            "Five dollars off from forty",
            "For a full basket.",
            "Use it",
            "满四十减五美元",
            "适用于满满一篮的订单。",
            "立即使用",
        ),
    },
)


def save(at: datetime) -> int:
    """Start the samples that are not there yet; return how many campaigns that were."""
    for name, reward in POINTS.items():
        _decide(name, reward, at)
    n = 0
    for name, audience, budget, offers in (
        ("sample-welcome", "is_new", None, [WELCOME]),
        ("sample-choice", "", Decimal(20_000), list(_of_this_shop())),
    ):
        if Campaign.objects.filter(name=name).exists():
            continue
        campaign = Campaign.objects.create(
            name=name,
            description=SAMPLE,
            audience=audience,
            currency=settings.ENGAGEMENT["CURRENCY"],
            starts_at=at - timedelta(days=DAYS),
            ends_at=at + timedelta(days=DAYS),
            budget=budget,
            pacing=Campaign.Pacing.NONE if budget is None else Campaign.Pacing.EVEN,
        )
        for offer in offers:
            fields = {"code_kind": "personal", **offer}
            fields["picture"] = picture_url(fields["picture"])
            Promotion.objects.create(campaign=campaign, placements=PLACES, **fields)
        steering.start(campaign, at=at)
        n += 1
    return n


def _decide(name: str, reward: str, at: datetime) -> None:
    """Let a policy of the settings choose at a place, unless somebody has set it up."""
    point, is_new = DecisionPoint.objects.get_or_create(
        name=name, defaults={"reward": reward, "learns_at_once": True}
    )
    if is_new:
        backend, options = versions.spec_of(versions.proposed(reward))
        version = versions.make(point, backend=backend, options=options, note=SAMPLE)
        activating.activate(version, at=at, rng=np.random.default_rng(), reason=SAMPLE)


def _of_this_shop() -> Iterator[dict[str, Any]]:
    """Yield the arms whose department the shop has; a small one may lack some."""
    for arm in ARMS:
        fields = {name: value for name, value in arm.items() if name != "department"}
        if "department" not in arm:
            yield fields
            continue
        department = Category.objects.filter(slug=arm["department"]).first()
        if department is None:
            continue
        if not Item.objects.filter(category__startswith=f"{department.name} > ").exists():
            continue
        fields |= {"scope": "category", "scope_keys": [department.name]}
        if "audience" in fields:
            fields["audience"] = fields["audience"].format(category=department.name)
        yield fields
