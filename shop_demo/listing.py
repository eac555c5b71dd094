"""Lists of products as category pages and the search show them: filters, order, pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shop_demo.models import Product

PER_PAGE = 24
MAX_BRANDS = 12
SORTS = {
    "popular": (pgettext_lazy("sort", "Best sellers"), ("-n_sold", "pk")),
    "price": (_("Price, low to high"), ("price", "pk")),
    "-price": (_("Price, high to low"), ("-price", "pk")),
    "name": (pgettext_lazy("sort", "Name"), ("name", "pk")),
    "new": (_("Newest"), ("-added_at", "pk")),
}


class FilterForm(forms.Form):
    """What a visitor may ask of a list; anything wrong in the address is left out."""

    sort = forms.ChoiceField(
        label=_("Sort by"),
        choices=[(name, label) for name, (label, _order) in SORTS.items()],
        required=False,
    )
    brand = forms.MultipleChoiceField(
        label=_("Brand"), required=False, widget=forms.CheckboxSelectMultiple
    )
    min_price = forms.DecimalField(
        label=pgettext_lazy("price", "From"),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(9999),
    )
    max_price = forms.DecimalField(
        label=pgettext_lazy("price", "To"),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(9999),
    )
    reduced = forms.BooleanField(label=_("On offer"), required=False)
    in_stock = forms.BooleanField(label=_("In stock"), required=False)

    def __init__(self, *args: Any, brands: Sequence[tuple[str, int]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(brand, f"{brand} ({n})") for brand, n in brands]
        self.fields["brand"].choices = choices  # type: ignore[attr-defined]
        for name in ("min_price", "max_price"):
            self.fields[name].widget.attrs.update({"step": "0.01", "inputmode": "decimal"})


@dataclass
class Listing:
    form: FilterForm
    page: Page[Product]
    # The filters that are on, as the address has them, without the page number.
    query: str
    n_filters: int = 0
    numbers: list[int | str] = field(default_factory=list)


def make(products: QuerySet[Product], data: QueryDict, *, keep_order: bool = False) -> Listing:
    """
    Filter, sort and cut ``products`` as the address asks.

    ``keep_order`` keeps the given order (a search's best first) unless another is asked for.
    """
    counted = products.order_by().exclude(brand="").values_list("brand")
    brands = list(counted.annotate(n=Count("pk")).order_by("-n", "brand")[:MAX_BRANDS])
    form = FilterForm(data, brands=brands)
    form.is_valid()
    asked = form.cleaned_data
    if asked.get("brand"):
        products = products.filter(brand__in=asked["brand"])
    if asked.get("min_price") is not None:
        products = products.filter(price__gte=asked["min_price"])
    if asked.get("max_price") is not None:
        products = products.filter(price__lte=asked["max_price"])
    if asked.get("reduced"):
        products = products.filter(price__lt=F("regular_price"))
    if asked.get("in_stock"):
        products = products.filter(stock__gt=0)
    sort = asked.get("sort") or ("" if keep_order else "popular")
    if sort:
        products = products.order_by(*SORTS[sort][1])
    paginator = Paginator(products.select_related("category"), PER_PAGE)
    page = paginator.get_page(data.get("page"))
    kept = data.copy()
    kept.pop("page", None)
    filters = ("brand", "min_price", "max_price", "reduced", "in_stock")
    return Listing(
        form=form,
        page=page,
        query=kept.urlencode(),
        n_filters=sum(bool(asked.get(name)) for name in filters),
        numbers=list(paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
    )
