"""The demonstration shop's addresses, and a view to compare with."""

from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView


class ConstantView(APIView):
    """What REST framework itself costs: an answer that is always the same."""

    permission_classes = [AllowAny]

    def get(self, request):
        return Response({"status": "ok"})


urlpatterns = [path("constant/", ConstantView.as_view()), path("", include("shop_demo.urls"))]
