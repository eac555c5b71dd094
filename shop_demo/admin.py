from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy

from shop_demo.models import (
    Campaign,
    Category,
    Coupon,
    Household,
    Order,
    OrderDeduction,
    OrderLine,
    Product,
)


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ("name", "name_zh", "parent", "picture", "position")
    list_select_related = ("parent",)
    search_fields = ("name", "name_zh")


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("shown_name", "category", "price", "regular_price", "stock", "is_active")
    list_filter = ("is_active", "is_own_brand", "category__parent")
    list_select_related = ("category__parent",)
    list_editable = ("price", "stock", "is_active")
    search_fields = ("search_text", "sku")
    show_full_result_count = False

    @admin.display(description=gettext_lazy("product"))
    def shown_name(self, obj: Product) -> str:
        return obj.full_name


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    extra = 0
    autocomplete_fields = ("product",)


class OrderDeductionInline(admin.TabularInline):
    model = OrderDeduction
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ("number", "user", "placed_at", "total", "status")
    list_filter = ("status",)
    list_select_related = ("user",)
    search_fields = ("=number", "=user__username")
    raw_id_fields = ("user",)
    inlines = (OrderLineInline, OrderDeductionInline)
    show_full_result_count = False


@admin.register(Household)
class HouseholdAdmin(admin.ModelAdmin):
    list_display = ("__str__", "persona", "age", "income", "composition", "kids")
    list_filter = ("persona", "age", "composition")
    list_select_related = ("user",)
    search_fields = ("=number",)
    raw_id_fields = ("user",)


@admin.register(Campaign)
class CampaignAdmin(admin.ModelAdmin):
    list_display = ("number", "kind", "starts_at", "ends_at")
    exclude = ("households",)


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin):
    list_display = ("code", "campaign", "amount")
    list_filter = ("campaign",)
    search_fields = ("code",)
    raw_id_fields = ("products",)
