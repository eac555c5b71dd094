from shop_demo.models.catalogue import Category, Product
from shop_demo.models.offers import Campaign, Coupon, Redemption
from shop_demo.models.people import Household
from shop_demo.models.progress import SeedStep
from shop_demo.models.trade import Cart, CartLine, Order, OrderDeduction, OrderLine

__all__ = [
    "Campaign",
    "Cart",
    "CartLine",
    "Category",
    "Coupon",
    "Household",
    "Order",
    "OrderDeduction",
    "OrderLine",
    "Product",
    "Redemption",
    "SeedStep",
]
