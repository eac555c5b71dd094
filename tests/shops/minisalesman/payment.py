"""Payment as Salesman's documentation writes it: the order is made, then the basket deleted."""

from salesman.checkout.payment import PaymentMethod
from salesman.core.utils import get_salesman_model


class PayInAdvance(PaymentMethod):
    identifier = "pay-in-advance"
    label = "Pay in advance"

    def basket_payment(self, basket, request):
        order = get_salesman_model("Order").objects.create_from_basket(basket, request)
        basket.delete()
        return {"ref": order.ref, "total": str(order.total)}
