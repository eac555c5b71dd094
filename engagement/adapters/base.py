"""The questions the app may ask its shop, with safe answers to all that may stay unanswered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.adapters.data import ActivityData, ItemData, OrderData, PageData
from engagement.conf import app_settings
from engagement.shop_offers import ShopOffers
from engagement.shop_reviews import ShopReviews


class ShopAdapter:
    """
    Safe answers to every question, to be overridden.

    Item keys and customer ids are opaque strings. A method that looks things up gets all keys
    at once and answers with a ``dict``; keys it does not know are simply absent.
    """

    # Rendered for each item of a shelf unless the template tag names another one.
    card_template = "engagement/card.html"

    # -- people ---------------------------------------------------------------------------
    def get_channel(self, request: HttpRequest | None = None) -> str:
        """Return which shop this is, where one database serves several."""
        return str(app_settings.CHANNEL)

    def get_customer(self, request: HttpRequest) -> str:
        """Return the signed-in customer's id as a string, or "" for anyone else."""
        user = getattr(request, "user", None)
        return str(user.pk) if user is not None and user.is_authenticated else ""

    def is_staff(self, request: HttpRequest) -> bool:
        """Return whether the shop's own people are browsing: nothing is recorded of them."""
        user = getattr(request, "user", None)
        return bool(user is not None and user.is_authenticated and user.is_staff)

    def get_consent(self, request: HttpRequest) -> bool | None:
        """Return the visitor's answer, or None while there is none."""
        answer = request.COOKIES.get(app_settings.CONSENT_COOKIE)
        return {"yes": True, "no": False}.get(answer or "")

    # -- catalogue ------------------------------------------------------------------------
    def item_key(self, obj: object) -> str:
        """
        Return the key of one of the shop's own objects (or of a key: itself).

        A variant has the key of the product that shelves show.
        """
        return obj if isinstance(obj, str) else str(getattr(obj, "pk", obj))

    def variant_id(self, obj: object) -> str:
        """Return which variant of its product an object is; "" for a product itself."""
        return ""

    def iter_items(self, since: datetime | None = None) -> Iterator[ItemData]:
        """Yield the catalogue, or what changed in it after ``since`` where the shop knows."""
        return iter(())

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        """
        Return the shop's live objects by key, in one query (for each product model).

        Hidden and sold-out ones are absent: what comes back may be shown and sold right now.
        """
        raise NotImplementedError

    def on_sale(
        self, keys: Sequence[str], request: HttpRequest | None = None
    ) -> Collection[str] | None:
        """
        Return which of ``keys`` may be shown and sold right now, without fetching the objects.

        The JSON API then describes items from the catalogue mirror, which is several times
        quicker. None, the default, says that only :meth:`resolve` and :meth:`card` know: right
        where prices depend on who is asking.
        """
        return None

    def card(self, obj: Any) -> Mapping[str, Any]:
        """Return ``title``, ``url``, ``image_url`` and ``price`` for the stock card."""
        url = getattr(obj, "get_absolute_url", None)
        return {"title": str(obj), "url": url() if url else "", "image_url": "", "price": None}

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        """Return the item keys in the visitor's cart, newest last."""
        return ()

    # -- orders ---------------------------------------------------------------------------
    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        """Yield past orders, oldest first, for the back-fill."""
        return iter(())

    def order_data(self, obj: Any) -> OrderData | None:
        """
        Return one of the shop's own orders as :meth:`iter_orders` tells it; None: it is not placed.

        It is asked by ``record_order`` once the order's transaction has come through.
        """
        return obj if isinstance(obj, OrderData) else None

    def iter_activity(self, since: datetime | None = None) -> Iterator[ActivityData]:
        """
        Yield what the shop itself has noted down of its customers, oldest first, for the back-fill.

        Views and searches, say; not orders, and nothing of the shop's own people.
        """
        return iter(())

    # -- reviews --------------------------------------------------------------------------
    def reviews(self) -> ShopReviews | None:
        """Return how to reach the reviews that the shop keeps itself; None: we keep them."""
        return None

    # -- pages ------------------------------------------------------------------------------
    def iter_pages(self) -> Iterator[PageData]:
        """Yield the pages with shelves, one of each kind, for ``engagement_check``."""
        return iter(())

    # -- offers ---------------------------------------------------------------------------
    def offers(self) -> ShopOffers:
        """Return what the shop says about carts and offers; by default our codes are all."""
        return ShopOffers()
