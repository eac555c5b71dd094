from shop_demo.views.account import account, cancel_order, order, sign_in, sign_in_as, sign_out
from shop_demo.views.browse import category, home, offers, privacy, product, search
from shop_demo.views.buy import add_to_cart, cart, checkout, confirmation, set_cart_line
from shop_demo.views.codes import add_code, drop_code

__all__ = [
    "account",
    "add_code",
    "add_to_cart",
    "cancel_order",
    "cart",
    "category",
    "checkout",
    "confirmation",
    "drop_code",
    "home",
    "offers",
    "order",
    "privacy",
    "product",
    "search",
    "set_cart_line",
    "sign_in",
    "sign_in_as",
    "sign_out",
]
