from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from shop_demo import views

urlpatterns = [
    path("", views.home, name="home"),
    path("shop/<slug:slug>/", views.category, name="category"),
    path("offers/", views.offers, name="offers"),
    path("what-we-remember/", views.privacy, name="privacy"),
    path("search/", views.search, name="search"),
    path("p/<uuid:pk>/", views.product, name="product"),
    path("cart/", views.cart, name="cart"),
    path("cart/add/<uuid:pk>/", views.add_to_cart, name="add_to_cart"),
    path("cart/set/<uuid:pk>/", views.set_cart_line, name="set_cart_line"),
    path("cart/code/", views.add_code, name="add_code"),
    path("cart/code/drop/", views.drop_code, name="drop_code"),
    path("checkout/", views.checkout, name="checkout"),
    path("checkout/<uuid:pk>/thank-you/", views.confirmation, name="confirmation"),
    path("account/", views.account, name="account"),
    path("account/sign-in/", views.sign_in, name="sign_in"),
    path("account/sign-in/household/<int:number>/", views.sign_in_as, name="sign_in_as"),
    path("account/sign-out/", views.sign_out, name="sign_out"),
    path("account/orders/<uuid:pk>/", views.order, name="order"),
    path("account/orders/<uuid:pk>/cancel/", views.cancel_order, name="cancel_order"),
    path("admin/", admin.site.urls),
    path("engagement/", include("engagement.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
