"""``{% load engagement_reviews %}``: stars, reviews, questions and their forms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, get_language_info

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.reviews import listing, pictures, telling, transparency
from engagement.flows.reviews.listing import Listed
from engagement.flows.reviews.ratings import STARS
from engagement.flows.reviews.showing import PREFIX, Showing, reader_of
from engagement.flows.reviews.summing_up import what_customers_say
from engagement.models import Review

register = template.Library()


@register.simple_tag(takes_context=True)
def prepare_review_stars(context: Context, items: Iterable[Any]) -> str:
    """
    Read the stars of many items in one go, before a list that shows them::

        {% prepare_review_stars products %}
        {% for product in products %}{% review_stars product %}{% endfor %}
    """
    try:
        adapter = get_adapter()
        reader_of(context.get("request")).prepare(adapter.item_key(one) for one in items)
    except Exception:
        faults.report("tag:reviews", "The stars of a list cannot be read")
    return ""


@register.inclusion_tag("engagement/reviews/stars.html", takes_context=True)
def review_stars(context: Context, item: Any, *, link: str = "#reviews") -> dict[str, Any]:
    """
    Draw an item's average as stars, with how many reviews there are; nothing without a review::

        {% review_stars product %}
        {% review_stars product link=product.get_absolute_url|add:"#reviews" %}
    """
    try:
        summary = Showing.of(context.get("request"), item).summary
        return {"summary": summary, "stars": drawn(summary.average), "link": link}
    except Exception:
        faults.report("tag:reviews", "The stars of an item cannot be drawn")
        return {}


@register.inclusion_tag("engagement/reviews/histogram.html", takes_context=True)
def review_histogram(context: Context, item: Any) -> dict[str, Any]:
    """
    Show the average and how many gave five, four … stars; each row leads to those reviews::

        {% review_histogram product %}
    """
    try:
        showing = Showing.of(context.get("request"), item)
        asked = showing.listed.filters if showing.listed else listing.Filters()
        return {
            "summary": showing.summary,
            "stars": drawn(showing.summary.average),
            "rows": [
                (bar, query(asked, stars=(bar.stars,)), asked.stars == (bar.stars,))
                for bar in showing.summary.histogram
            ],
        }
    except Exception:
        faults.report("tag:reviews", "The histogram of an item cannot be drawn")
        return {}


@register.inclusion_tag("engagement/reviews/list.html", takes_context=True)
def review_list(context: Context, item: Any) -> dict[str, Any]:
    """
    List an item's published reviews, with sorting, filters and pages by the page's address::

        {% review_list product %}
    """
    request = context.get("request")
    try:
        showing = Showing.of(request, item)
        return {**_listed(showing.listed), **_around(context), "summary": showing.summary}
    except Exception:
        faults.report("tag:reviews", "The reviews of an item cannot be listed")
        return {}


@register.inclusion_tag("engagement/reviews/form.html", takes_context=True)
def review_form(context: Context, item: Any) -> dict[str, Any]:
    """
    Let the visitor write a review; one that there is already is shown with what became of it::

        {% review_form product %}

    Works without scripts. Holds a CSRF token: leave it out of pages that a cache keeps for
    everyone, and link to ``engagement:review-write`` instead.
    """
    try:
        showing = Showing.of(context.get("request"), item)
        if showing.item is None or get_adapter().reviews() is not None:
            return {}
        return {
            **_around(context),
            "item": showing.item,
            "action": reverse("engagement:review-write", args=[showing.item.key]),
            "own": [(one, telling.tell(one)) for one in showing.own.reviews],
            "may_write": showing.own.may_write,
            "values": {},
            "errors": {},
            "stars": STARS,
            "n_pictures": pictures.most(),
            "most": app_settings.REVIEW_MAX_CHARACTERS,
        }
    except Exception:
        faults.report("tag:reviews", "The form of a review cannot be drawn")
        return {}


@register.inclusion_tag("engagement/reviews/questions.html", takes_context=True)
def review_questions(context: Context, item: Any) -> dict[str, Any]:
    """
    Show questions about an item with their answers, and let the visitor ask::

        {% review_questions product %}
    """
    try:
        showing = Showing.of(context.get("request"), item)
        if showing.item is None:
            return {}
        found = showing.questions
        return {
            **_around(context),
            "item": showing.item,
            "questions": found.questions,
            "n_total": found.n_total,
            "votes": found.votes,
            "action": reverse("engagement:question-ask", args=[showing.item.key]),
            "values": {},
            "errors": {},
        }
    except Exception:
        faults.report("tag:reviews", "The questions about an item cannot be shown")
        return {}


@register.inclusion_tag("engagement/reviews/summary.html", takes_context=True)
def what_customers_say_about(context: Context, item: Any) -> dict[str, Any]:
    """
    Show a few sentences out of the reviews themselves, each linked to its review; or nothing::

        {% what_customers_say_about product %}
    """
    try:
        showing = Showing.of(context.get("request"), item)
        if showing.item is None:
            return {}
        said = what_customers_say(showing.item.pk, get_language() or "en")
        return {"said": said, "summary": showing.summary, "prefix": PREFIX}
    except Exception:
        faults.report("tag:reviews", "What customers say of an item cannot be shown")
        return {}


@register.simple_tag(takes_context=True)
def review_json_ld(context: Context, item: Any) -> SafeString:
    """
    Describe an item's rating to search engines, where the page shows its reviews::

        {% review_json_ld product %}
    """
    try:
        text = Showing.of(context.get("request"), item).json_ld()
    except Exception:
        faults.report("tag:reviews", "The rating of an item cannot be described")
        return mark_safe("")
    if not text:
        return text
    # Escaped where it is made: nothing in it can end the element.
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308


@register.inclusion_tag("engagement/reviews/section.html", takes_context=True)
def customer_reviews(context: Context, item: Any) -> dict[str, Any]:
    """
    Put all of it on a product's page: summary, histogram, list, form, questions, JSON-LD::

        {% customer_reviews product %}
    """
    try:
        showing = Showing.of(context.get("request"), item)
        if showing.item is None:
            return {}
        return {
            **_around(context),
            "item": item,
            "summary": showing.summary,
            "is_shown": True,
            "nonce": _nonce(context),
        }
    except Exception:
        faults.report("tag:reviews", "The reviews of an item cannot be shown")
        return {}


@register.inclusion_tag("engagement/reviews/transparency.html", takes_context=True)
def review_transparency(context: Context, *, days: int = 365) -> dict[str, Any]:
    """
    Tell everyone how many reviews were rejected, and why::

        {% review_transparency %}
    """
    try:
        reader = reader_of(context.get("request"))
        since = timezone.now() - timedelta(days=int(days))
        return {
            "figures": transparency.figures(channel=reader.channel, since=since),
            "days": int(days),
        }
    except Exception:
        faults.report("tag:reviews", "The figures about reviews cannot be shown")
        return {}


@register.filter
def stars_of(rating: int | float) -> list[str]:
    """Return five times ``full``, ``half`` or ``empty``, to draw a rating by."""
    return drawn(float(rating))


@register.filter
def language_name(code: str) -> str:
    """Return the name of a language in the reader's own, the code where it has none."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


@register.simple_tag
def vote_on(votes: dict[int, bool], subject: Any) -> bool | None:
    """Return how the reader has voted on something: ``{% vote_on votes review as voted %}``."""
    return votes.get(subject.pk)


def drawn(rating: float) -> list[str]:
    """Return how five stars look for a rating, to the half."""
    halves = round(2 * rating)
    return [
        "full" if halves >= 2 * star else "half" if halves == 2 * star - 1 else "empty"
        for star in STARS
    ]


def query(asked: listing.Filters, *, page: int = 1, **changes: Any) -> str:
    """Return the query string for the present filters with changes."""
    chosen = {name: changes.get(name, getattr(asked, name)) for name in asked.__slots__}
    parts: list[tuple[str, Any]] = []
    for name, value in chosen.items():
        if name == "sort" and value == "newest":
            continue
        if isinstance(value, tuple):
            parts += [(f"{PREFIX}{name}", one) for one in value]
        elif value:
            parts.append((f"{PREFIX}{name}", 1 if value is True else value))
    if page > 1:
        parts.append((f"{PREFIX}page", page))
    return f"?{urlencode(parts)}#reviews" if parts else "?#reviews"


def _listed(listed: Listed | None) -> dict[str, Any]:
    if listed is None:
        return {}
    asked, page = listed.filters, listed.page
    return {
        "reviews": page.object_list,
        "page": page,
        "n_found": page.paginator.count,
        "votes": listed.votes,
        "filters": asked,
        "prefix": PREFIX,
        "sorts": [(code, label) for code, label in listing.LABELS.items()],
        "languages": listed.languages if len(listed.languages) > 1 else (),
        "star_choices": tuple(reversed(STARS)),
        "clear": "?#reviews",
        "before": query(asked, page=page.previous_page_number()) if page.has_previous() else "",
        "after": query(asked, page=page.next_page_number()) if page.has_next() else "",
        "sample": Review.Source.SAMPLE,
    }


def _nonce(context: Context) -> str:
    """Return the page's CSP nonce: Django's own, or that of django-csp."""
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(context.get("request"), "csp_nonce", None)
    # Not by its truth: Django's nonce is false until somebody has asked for its text.
    return "" if nonce is None else str(nonce)


def _around(context: Context) -> dict[str, Any]:
    """Return what forms need of the page around them."""
    request = context.get("request")
    return {
        "request": request,
        "next": request.get_full_path() if request is not None else "",
    }
