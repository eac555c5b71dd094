"""What the shelves of one request share: the visitor's history, live items, rankings."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.collecting import identity
from engagement.flows.collecting.identity import Person
from engagement.flows.serving import history, live, mirror
from engagement.flows.serving.mirror import Mirrored
from engagement.models import Visitor

# SQLite takes at most 32,766 parameters in a statement, older ones 999.
CHUNK = 900


@dataclass(frozen=True, slots=True)
class Ask:
    """What one shelf is asked: the items on the page, the cart, what to leave out."""

    context: tuple[str, ...] = ()
    cart: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    category: str = ""


class Visit:
    """
    One request of one visitor, or one question without a request.

    With ``objects_wanted=False`` the shop is only asked what is on sale, if its adapter answers
    that: ``objects`` then holds None for what is, and the mirror describes it.
    """

    def __init__(
        self,
        person: Person | None,
        *,
        at: datetime,
        request: HttpRequest | None = None,
        objects_wanted: bool = True,
    ) -> None:
        self.person = person
        self.at = at
        self.request = request
        self.objects_wanted = objects_wanted or not mirror.speaks()
        self.channel = person.channel if person is not None else channel_of(request)
        # The shop's live objects among the keys that were asked for.
        self.objects: dict[str, Any] = {}
        self.asked: set[str] = set()
        # Rankings and candidates, kept by those who make them.
        self.rankings: dict[Any, Any] = {}
        self.pools: dict[Any, Any] = {}
        # What this visitor gets of each placement, kept by ``trials``.
        self.trials: dict[str, Any] = {}
        # What the tags of a page have said so far.
        self.prepared: set[str] = set()
        self.contexts: dict[str, tuple[str, ...]] = {}
        self._mirrored: dict[str, Mirrored] = {}
        self._described: dict[str, Mirrored] = {}
        self._titles: dict[str, str] = {}

    @classmethod
    def of(
        cls,
        request: HttpRequest | None,
        person: Person | None,
        *,
        at: datetime,
        objects_wanted: bool = True,
    ) -> Visit:
        """Return the visit of a request, the same one each time while the person stays the same."""
        if request is None or not objects_wanted:
            return cls(person, at=at, request=request, objects_wanted=objects_wanted)
        # REST framework wraps the request; what is kept must survive the wrapper.
        plain: Any = getattr(request, "_request", request)
        known: Visit | None = getattr(plain, "_engagement_visit", None)
        if known is None or known.person != person:
            known = cls(person, at=at, request=plain)
            plain._engagement_visit = known
        return known

    @functools.cached_property
    def state(self) -> live.State:
        return live.state()

    @functools.cached_property
    def reading(self) -> history.Reading:
        """Return the rows behind :attr:`history`."""
        try:
            with faults.contained():
                return history.read(self.person, at=self.at)
        except Exception:
            faults.report("history", "A visitor's history cannot be read; showing popular items")
            return history.Reading()

    @functools.cached_property
    def version(self) -> str | None:
        """
        Return a text that changes with all that the visitor does; None where nobody can say.

        Never newer than :attr:`reading`: what was done between the two questions shows next time.
        """
        if "reading" in self.__dict__:
            return self.reading.version
        try:
            with faults.contained():
                return history.version(self.person, at=self.at)
        except Exception:
            faults.report("history", "A visitor's history cannot be read; showing popular items")
            return None

    @functools.cached_property
    def history(self) -> history.History:
        return self.reading.history()

    @functools.cached_property
    def cart(self) -> tuple[str, ...]:
        """Return the keys in the visitor's cart, as the shop says."""
        if self.request is None:
            return ()
        try:
            with faults.contained():
                return tuple(get_adapter().cart_keys(self.request))
        except Exception:
            faults.report("adapter.cart_keys", "The shop's adapter cannot say what is in the cart")
            return ()

    def model(self, alias: str) -> live.Served | None:
        return live.model(self.channel, alias, self.state)

    def resolve(self, keys: Iterable[str]) -> None:
        """Ask the shop for its live objects, once for each key."""
        new = [key for key in dict.fromkeys(keys) if key not in self.asked]
        self.asked.update(new)
        try:
            with faults.contained():
                for start in range(0, len(new), CHUNK):
                    self.objects.update(self._on_sale(new[start : start + CHUNK]))
        except Exception:
            faults.report("adapter.resolve", "The shop's adapter cannot return its items")

    def _on_sale(self, keys: list[str]) -> Mapping[str, Any]:
        adapter = get_adapter()
        if not self.objects_wanted:
            found = adapter.on_sale(keys, self.request)
            if found is not None:
                return dict.fromkeys(found)
            self.objects_wanted = True
        return adapter.resolve(keys, self.request)

    def title(self, key: str) -> str:
        """Return the title of an item on the page, where it was resolved."""
        if self.objects.get(key) is not None:
            if key not in self._titles:
                self._titles[key] = str(card(self.objects[key]).get("title", ""))
            return self._titles[key]
        known = self._described.get(key) or self._mirrored.get(key)
        return known.title if known else ""

    def know(self, facts: Mapping[str, Mirrored]) -> None:
        """Take over what was read from the mirror earlier."""
        self._described.update(facts)

    def described(self, key: str) -> Mirrored | None:
        """Return how an item looks whose object was not fetched."""
        return self._described.get(key) if self.objects.get(key) is None else None

    def mirrored(self, key: str) -> Mirrored:
        return self._described.get(key) or Mirrored()

    def mirror(self, keys: Sequence[str]) -> list[Mirrored]:
        """Return category, group and title of items that no model at hand knows."""
        for past in self.history.events:
            if past.key in keys and past.key not in self._mirrored:
                self._mirrored[past.key] = Mirrored(past.category, past.group, past.title)
        missing = [key for key in keys if key not in self._mirrored]
        if missing:
            self.describe(missing)
            self._mirrored.update((key, self._described[key]) for key in missing)
        return [self._mirrored[key] for key in keys]

    def describe(self, keys: Sequence[str]) -> None:
        """Ask the mirror for all that it knows of some items, in one query and only once."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._described]
        if not missing:
            return
        try:
            with faults.contained():
                self._described.update(mirror.describe(self.channel, missing))
        except Exception:
            faults.report("mirror", "The catalogue mirror cannot be read")
        for key in missing:
            self._described.setdefault(key, Mirrored())


def card(obj: Any) -> dict[str, Any]:
    """Return what a card shows of one of the shop's objects; a broken answer shows its name."""
    try:
        return dict(get_adapter().card(obj))
    except Exception:
        faults.report("adapter.card", "The shop's adapter cannot describe an item")
        return {"title": str(obj), "url": "", "image_url": "", "price": None}


def channel_of(request: HttpRequest | None) -> str:
    try:
        return get_adapter().get_channel(request)
    except Exception:
        faults.report("adapter.get_channel", "The shop's adapter cannot say which shop this is")
        return str(app_settings.CHANNEL)


def person_of(request: HttpRequest | None) -> Person | None:
    """Return who asks; None, for whom popular items are right, where the adapter cannot say."""
    if request is None:
        return None
    try:
        return identity.person_from_request(request)
    except Exception:
        faults.report("person", "Who asks cannot be found out; showing popular items")
        return None


def person_of_customer(customer: str, channel: str) -> Person:
    """
    Return a customer whom the shop itself names (an e-mail, a call centre), without a request.

    Their past is used if they agreed when they were asked.
    """
    person = identity.person_of_customer(customer, channel)
    known = Visitor.objects.filter(channel=channel, key=person.customer_key)
    answer = known.values_list("consent", flat=True).first()
    agreed = answer or (answer is None and app_settings.CONSENT != "opt_in")
    return replace(person, may_store=bool(agreed))
