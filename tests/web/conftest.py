"""A bookshop with models, and a browser that is a person's."""

import pytest
from django.test import Client

from engagement.flows.collecting import identity
from engagement.models import Item
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_visitor
from tests.serving import go_live, pairs, shelve

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def shop(db):
    """Three novels and three thrillers; whoever likes one novel likes the others."""
    novels = shelve("Emma", "Ulysses", "Orlando", genre="Novels")
    thrillers = shelve("Dune", "Solaris", "Ubik", genre="Thrillers")
    items = [*novels, *thrillers]
    likes = {
        (a.key, b.key): 1.0 + place
        for group in (novels, thrillers)
        for a in group
        for place, b in enumerate(group)
        if a != b
    }
    across = {(a.key, b.key): 1.0 for a in novels for b in thrillers}
    go_live("for_you", pairs(items, likes), items, at=MONDAY)
    go_live("similar", pairs(items, likes), items, at=MONDAY)
    go_live("bought_together", pairs(items, across), items, at=MONDAY)
    bias = {item.key: 6.0 - place for place, item in enumerate(items)}
    go_live("trending", pairs(items, bias=bias), items, at=MONDAY)
    return items


@pytest.fixture
def browser(db):
    """A browser whose visitor has been here before."""
    client = Client(headers={"user-agent": BROWSER})
    client.key = identity.new_key()
    client.cookies["engagement_visitor"] = identity._signer().sign(client.key)
    make_visitor(client.key)
    return client


@pytest.fixture
def did(browser):
    """Let the browser's visitor do something to a book."""

    def do(event, key, at=MONDAY, **fields):
        return make_event(
            make_visitor(browser.key), Item.objects.get(key=key), at=at, event=event, **fields
        )

    return do
