from __future__ import annotations

app_name = "engagement"
urlpatterns: list = []
