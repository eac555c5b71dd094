"""``{% load engagement_oscar %}``: what Oscar's pages know, in the app's words."""

from __future__ import annotations

from typing import Any

from django import template

from engagement.flows import faults

register = template.Library()


@register.simple_tag
def oscar_category_path(category: Any) -> str:
    """Return a category of Oscar's as the path that the mirror keeps: ``Demo > Mugs``."""
    try:
        return " > ".join(str(one.name) for one in category.get_ancestors_and_self())
    except Exception:
        faults.report("oscar:category", "The path of a category cannot be told")
        return ""


@register.simple_tag
def oscar_found(page: Any) -> list[str]:
    """Return the keys of what a page of search results shows, to be left out of its shelf."""
    try:
        return [str(result.pk) for result in page.object_list]
    except Exception:
        faults.report("oscar:found", "What a search has found cannot be told")
        return []
