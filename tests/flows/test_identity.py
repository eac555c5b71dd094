"""Who somebody is, under which key, and what signing in and out does to it."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth import login, logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.signing import Signer
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from engagement.adapters import ModelAdapter
from engagement.flows.collecting import identity, ids, ingest, privacy, visitors
from engagement.flows.collecting.identity import Person, person_from_request, set_cookies
from engagement.middleware import VisitorMiddleware
from engagement.models import Event, Item, Visitor
from engagement.shortcuts import record_event
from engagement.signals import visitors_linked

pytestmark = pytest.mark.django_db

KEY = "a" + "1" * 32


class Browser:
    """Keeps cookies between requests, as a browser does."""

    def __init__(self, rf, **headers):
        self.rf = rf
        self.headers = headers
        self.cookies = {}
        self.session = SessionStore()
        self.user = AnonymousUser()

    def request(self, path="/"):
        request = self.rf.get(path, headers=self.headers)
        request.COOKIES.update(self.cookies)
        request.session = self.session
        request.user = self.user
        return request

    def finish(self, request):
        response = HttpResponse()
        set_cookies(request, response)
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        self.user = request.user
        return response

    def view(self, key="dune"):
        request = self.request()
        person = person_from_request(request)
        payload = {"event": "view_item", "items": [key]}
        report = ingest.ingest(
            [payload], channel=person.channel, person=person, at=timezone.now(), trusted=False
        )
        self.finish(request)
        return report

    def sign_in(self, user):
        request = self.request()
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        self.finish(request)

    def sign_out(self):
        request = self.request()
        logout(request)
        self.finish(request)

    @property
    def key(self):
        return identity.read_cookie(self.cookies.get("engagement_visitor", ""))


@pytest.fixture
def browser(rf):
    return Browser(rf)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def dune():
    return Item.objects.create(external_id="dune", title="Dune")


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create_user("ada")


@pytest.fixture
def bob(django_user_model):
    return django_user_model.objects.create_user("bob")


def opt_in(settings, **more):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in", **more}


# -- keys ---------------------------------------------------------------------------------------


def test_a_customers_key_is_the_same_everywhere_and_tells_nothing():
    key = identity.customer_key("42", "")

    assert key == identity.customer_key("42", "")
    assert key.startswith("c")
    assert len(key) == 41
    assert len({key, identity.customer_key("43", ""), identity.customer_key("42", "de")}) == 3


def test_the_secret_of_its_own_outlives_a_new_secret_key(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "VISITOR_SECRET": "kept"}
    key = identity.customer_key("42", "")
    settings.SECRET_KEY = "new"

    assert identity.customer_key("42", "") == key


def test_a_person_is_worked_out_once_a_request_without_asking_the_database(
    browser, django_assert_num_queries
):
    request = browser.request()
    with django_assert_num_queries(0):
        assert person_from_request(request) is person_from_request(request)


def test_what_another_site_signed_is_no_key(browser):
    browser.cookies["engagement_visitor"] = Signer(salt="elsewhere").sign(KEY)
    assert person_from_request(browser.request()).key != KEY

    browser.cookies["engagement_visitor"] = Signer(salt="engagement.visitor").sign("root")
    assert person_from_request(browser.request()).key != "root"


# -- cookies ------------------------------------------------------------------------------------


def test_looking_at_a_page_sets_no_cookie(browser):
    request = browser.request()
    person_from_request(request)

    response = browser.finish(request)
    assert not response.cookies
    assert response["Vary"] == "Cookie"


def test_a_page_that_asks_about_nobody_can_be_cached_for_everybody(browser):
    assert "Vary" not in browser.finish(browser.request())


def test_the_key_is_kept_once_something_is_stored_under_it(browser, dune):
    browser.view()
    key = browser.key
    browser.view()

    assert key
    assert browser.key == key
    assert Visitor.objects.get().key == key
    assert Event.objects.count() == 2


def test_a_customers_events_need_no_cookie(browser, ada, dune):
    browser.user = ada
    browser.view()

    assert browser.key == ""
    assert Visitor.objects.get().user == ada


@pytest.mark.parametrize("is_async", [False, True])
def test_the_middleware_sets_the_cookie(rf, dune, is_async, committed):
    from asgiref.sync import async_to_sync

    def page(request):
        with committed():
            record_event("view_item", request=request, item="dune")
        return HttpResponse()

    async def apage(request):
        person = person_from_request(request)
        person.claim.used = True
        return HttpResponse()

    request = Browser(rf).request()
    if is_async:
        response = async_to_sync(VisitorMiddleware(apage))(request)
    else:
        response = VisitorMiddleware(page)(request)
    assert "engagement_visitor" in response.cookies


# -- signing in and out -------------------------------------------------------------------------


def test_signing_in_gives_the_past_to_the_customer(browser, ada, dune, committed):
    heard = []
    visitors_linked.connect(lambda **kwargs: heard.append(kwargs), weak=False, dispatch_uid="t")
    browser.view()
    try:
        with committed():
            browser.sign_in(ada)
    finally:
        visitors_linked.disconnect(dispatch_uid="t")

    anonymous = Visitor.objects.get(key=browser.key)
    customer = Visitor.objects.get(key=identity.customer_key(str(ada.pk), ""))
    assert anonymous.merged_into == customer
    assert customer.user == ada
    assert [one["customer"] for one in heard] == [customer]
    person = person_from_request(browser.request())
    assert set(visitors.visitor_ids(person)) == {anonymous.pk, customer.pk}


def test_signing_in_links_nothing_if_the_transaction_is_rolled_back(browser, ada, dune):
    browser.view()
    browser.sign_in(ada)  # the test's transaction never commits

    assert Visitor.objects.get().merged_into is None


def test_signing_in_on_a_first_visit_stores_nothing(browser, ada, committed):
    with committed():
        browser.sign_in(ada)

    assert not Visitor.objects.exists()


def test_signing_out_gives_the_device_a_new_key(browser, ada, dune, committed):
    browser.view()
    first = browser.key
    with committed():
        browser.sign_in(ada)
    browser.sign_out()
    assert browser.key == ""

    browser.view()
    assert browser.key not in ("", first)
    assert Visitor.objects.get(key=browser.key).merged_into is None


def test_a_key_that_was_linked_is_never_linked_to_anyone_else(browser, ada, bob, dune, committed):
    browser.view()
    first = browser.key
    with committed():
        browser.sign_in(ada)
    # The session ran out without a sign-out, and somebody else sits down.
    browser.user, browser.session = AnonymousUser(), SessionStore()
    browser.view()
    with committed():
        request = browser.request()
        login(request, bob, backend="django.contrib.auth.backends.ModelBackend")
    browser.finish(request)

    customer = Visitor.objects.get(key=identity.customer_key(str(ada.pk), ""))
    assert Visitor.objects.get(key=first).merged_into == customer
    assert browser.key != first
    assert first not in person_from_request(browser.request()).keys


def test_a_cookie_of_another_customer_is_not_part_of_this_one(ada, bob):
    other = Visitor.objects.create(key=identity.customer_key(str(bob.pk), ""))
    Visitor.objects.create(key=KEY, merged_into=other)
    mine = Visitor.objects.create(key=identity.customer_key(str(ada.pk), ""))
    person = Person("", KEY, mine.key, ada.pk, True, False)

    assert visitors.visitor_ids(person) == (mine.pk,)
    with pytest.raises(visitors.TakenKey):
        visitors.link(person)


def test_agreeing_before_signing_in_counts_for_the_customer(
    browser, ada, dune, settings, committed
):
    opt_in(settings)
    request = browser.request()
    privacy.answer(request, consent=True)
    browser.finish(request)
    with committed():
        browser.sign_in(ada)

    assert Visitor.objects.get(user=ada).consent is True
    with committed():
        record_event("purchase", customer=ada.pk, order_ref="1", items=["dune"])
    assert Event.objects.count() == 1


def test_signing_in_twice_changes_nothing(browser, ada, dune, committed):
    browser.view()
    for _time in range(2):
        with committed():
            browser.sign_in(ada)

    assert Visitor.objects.count() == 2


# -- consent ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "answer", "headers", "may_store"),
    [
        ("opt_in", None, {}, False),
        ("opt_in", "yes", {}, True),
        ("opt_in", "no", {}, False),
        ("opt_in", "perhaps", {}, False),
        ("opt_out", None, {}, True),
        ("opt_out", "no", {}, False),
        ("opt_out", None, {"Sec-GPC": "1"}, False),
        ("opt_out", None, {"DNT": "1"}, False),
        ("opt_out", "yes", {"Sec-GPC": "1"}, True),
        ("not_needed", None, {}, True),
        ("not_needed", "no", {}, False),
        ("not_needed", None, {"Sec-GPC": "1"}, False),
        ("not_needed", None, {"Sec-GPC": "0"}, True),
    ],
)
def test_what_may_be_stored(rf, settings, rule, answer, headers, may_store):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": rule}
    browser = Browser(rf, **headers)
    if answer:
        browser.cookies["engagement_consent"] = answer
    person = person_from_request(browser.request())

    assert person.may_store is may_store
    assert bool(person.keys) is may_store


def test_privacy_signals_can_be_left_to_the_shop(rf, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RESPECT_GPC": False}

    assert person_from_request(Browser(rf, **{"Sec-GPC": "1"}).request()).may_store


@pytest.mark.parametrize(
    ("name", "is_machine"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", True),
        ("facebookexternalhit/1.1", True),
        ("curl/8.5.0", True),
        ("python-requests/2.32", True),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0)", True),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36", False),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus) Chrome/140.0 Mobile", False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari", False),
    ],
)
def test_machines_are_told_by_their_name(rf, name, is_machine):
    person = person_from_request(Browser(rf, **{"User-Agent": name}).request())

    assert person.may_store is not is_machine


def test_staff_are_not_recorded(browser, admin_user):
    browser.user = admin_user
    person = person_from_request(browser.request())

    assert (person.may_store, person.is_staff, person.keys) == (False, True, ())


def test_declining_deletes_what_the_browser_had(browser, dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_out"}
    browser.view()
    request = browser.request()
    privacy.answer(request, consent=False)
    browser.finish(request)

    assert not Event.objects.exists()
    assert not Visitor.objects.exists()
    assert browser.cookies == {"engagement_consent": "no"}
    assert browser.view().rejected[0].code == "no_consent"


def test_declining_as_a_customer_holds_on_every_device(rf, ada, dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_out"}
    phone, desk = Browser(rf), Browser(rf)
    phone.user = desk.user = ada
    desk.view()
    request = phone.request()
    privacy.answer(request, consent=False)

    assert Visitor.objects.get().consent is False
    assert desk.view().rejected[0].code == "no_consent"

    request = phone.request()
    privacy.answer(request, consent=True)
    assert desk.view().accepted == 1


def test_the_shops_own_consent_manager_decides(browser, dune, settings, monkeypatch):
    opt_in(settings)
    monkeypatch.setattr(ModelAdapter, "get_consent", lambda self, request: True)

    assert browser.view().accepted == 1
    assert Visitor.objects.get().consent is True


def test_a_server_stores_nothing_of_a_customer_who_has_not_agreed(dune, settings, committed):
    opt_in(settings)
    with committed():
        record_event("purchase", customer="42", order_ref="1", items=["dune"])
    assert not Event.objects.exists()
    assert not Visitor.objects.exists()

    Visitor.objects.create(key=identity.customer_key("42", ""), consent=True)
    with committed():
        record_event("purchase", customer="42", order_ref="1", items=["dune"])
    assert Event.objects.count() == 1


def test_erasing_a_customer_leaves_nothing(browser, ada, bob, dune, committed):
    browser.view()
    with committed():
        browser.sign_in(ada)
    browser.view()
    Event.objects.create(
        key=ingest.event_key("", "bob"),
        event=3,
        item=dune,
        event_time=timezone.now(),
        visitor=Visitor.objects.create(key=identity.customer_key(str(bob.pk), "")),
    )

    assert privacy.erase(customer=str(ada.pk)) == 2
    assert Visitor.objects.count() == 1
    assert Event.objects.count() == 1


def test_erasing_needs_a_name():
    with pytest.raises(ValueError, match="Name a customer"):
        privacy.erase()


# -- channels and races -------------------------------------------------------------------------


def test_each_shop_of_a_database_has_its_own_visitors(browser, ada, monkeypatch):
    for channel in ("de", "fr"):
        Item.objects.create(channel=channel, external_id="dune", title="Dune")
        monkeypatch.setattr(ModelAdapter, "get_channel", lambda self, request=None, c=channel: c)
        browser.view()

    assert list(Visitor.objects.order_by("channel").values_list("channel", "key")) == [
        ("de", browser.key),
        ("fr", browser.key),
    ]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_first_requests_at_once_make_one_visitor():
    person = Person("", KEY, "", None, True, False)
    gate, found, failed = threading.Barrier(4), [], []

    def ask():
        try:
            gate.wait()
            found.append(visitors.get_or_create_visitor(person).pk)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert found == [Visitor.objects.get().pk] * 4


@pytest.mark.django_db(transaction=True)
def test_a_visitor_whom_another_process_has_erased_comes_back_anew(dune, browser):
    browser.view()
    remembered = ids.visitors("", [ids.Wanted(browser.key)])[browser.key]
    # As another process would: without the signal that empties this one's memory.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM engagement_event")
        cursor.execute("DELETE FROM engagement_visitor")
    Visitor.objects.create(key="someone-else")

    assert browser.view().accepted == 1
    assert Event.objects.get().visitor.key == browser.key
    assert Visitor.objects.get(key=browser.key).pk != remembered.id


@pytest.mark.django_db(transaction=True)
def test_a_known_visitor_and_item_cost_one_statement(dune, browser, django_assert_num_queries):
    browser.view()
    with django_assert_num_queries(3) as asked:
        browser.view()

    statements = [one["sql"].split()[0] for one in asked.captured_queries]
    assert statements == ["BEGIN", "INSERT", "COMMIT"]
