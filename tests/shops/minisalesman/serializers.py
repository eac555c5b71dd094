from rest_framework import serializers

from tests.shops.minisalesman.models import Book, PhoneVariant


class BookSerializer(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ["name", "code"]


class PhoneVariantSerializer(serializers.ModelSerializer):
    class Meta:
        model = PhoneVariant
        fields = ["name", "code"]
