from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from shop_demo.checkout import Address
from shop_demo.models.trade import MAX_PER_LINE


class QuantityForm(forms.Form):
    quantity = forms.IntegerField(min_value=0, max_value=MAX_PER_LINE, required=False)

    def clean_quantity(self) -> int:
        quantity = self.cleaned_data.get("quantity")
        return 1 if quantity is None else quantity


class CodeForm(forms.Form):
    code = forms.CharField(max_length=80)


class CheckoutForm(forms.Form):
    """Where to deliver. Prices are not asked: the server knows them."""

    name = forms.CharField(label=_("Name"), max_length=100)
    email = forms.EmailField(label=_("E-mail"))
    street = forms.CharField(label=_("Street and number"), max_length=120)
    postcode = forms.CharField(
        label=_("Postcode"),
        max_length=12,
        validators=[
            RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9 \-]{2,11}$", _("That is not a postcode."))
        ],
    )
    city = forms.CharField(label=_("City"), max_length=60)
    payment = forms.ChoiceField(
        label=_("Payment"),
        choices=[
            ("accepted", _("Demo card: the payment goes through")),
            ("declined", _("Demo card: the bank declines")),
        ],
        initial="accepted",
        widget=forms.RadioSelect,
    )
    coupon = forms.CharField(label=_("Coupon code"), max_length=80, required=False)
    checkout_key = forms.UUIDField(widget=forms.HiddenInput)
    # What the page said it costs: nobody pays more than that without being asked.
    expected = forms.DecimalField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, token in {
            "name": "name",
            "email": "email",
            "street": "street-address",
            "postcode": "postal-code",
            "city": "address-level2",
        }.items():
            self.fields[name].widget.attrs["autocomplete"] = token
        for name in self.errors if self.is_bound else ():
            if name in self.fields:
                self.fields[name].widget.attrs.update(
                    {"aria-invalid": "true", "aria-describedby": f"error-{name}"}
                )

    def address(self) -> Address:
        data = self.cleaned_data
        return Address(data["name"], data["email"], data["street"], data["postcode"], data["city"])
