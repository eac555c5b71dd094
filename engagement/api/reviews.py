"""``items/<key>/reviews/``: what customers say about an item, and one's own review of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.db.models import Prefetch
from django.http import UnreadablePostError
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import PublicView, described
from engagement.api.throttling import RecommendationThrottle
from engagement.api.writing import (
    TooLarge,
    WordsParser,
    WriteThrottle,
    enforce_csrf,
    is_form,
    told,
)
from engagement.flows.reviews import listing, ratings, submit, telling
from engagement.flows.reviews.authors import MayNotWrite, author_of, reader_ids
from engagement.flows.reviews.deciding import AlreadyModerated
from engagement.flows.reviews.drafts import Invalid
from engagement.flows.reviews.listing import MOST_A_PAGE, ORDERS, Filters
from engagement.flows.reviews.submit import AlreadyReviewed, Final, UnknownItem
from engagement.models import Item, Review, ReviewPicture, Status

REFUSALS = (Invalid, MayNotWrite, AlreadyReviewed, Final, UnknownItem, AlreadyModerated)
KEY = OpenApiParameter(
    "key", OpenApiTypes.STR, OpenApiParameter.PATH, description="The shop's key of the item."
)


class ReviewsThrottle(RecommendationThrottle):
    """Reading reviews counts against ``RECOMMENDATION_RATE``; writing has rates of its own."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return request.method != "GET" or super().allow_request(request, view)


class ListQuery(serializers.Serializer):
    """What one may ask of a list of reviews."""

    sort = serializers.ChoiceField(choices=sorted(ORDERS), required=False)
    stars = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=5),
        required=False,
        help_text=gettext_lazy("Only these ratings: repeat the parameter for several."),
    )
    verified = serializers.BooleanField(required=False)
    pictures = serializers.BooleanField(required=False)
    language = serializers.CharField(required=False, max_length=16)
    words = serializers.CharField(
        required=False, max_length=60, help_text=gettext_lazy("Reviews that hold all of these.")
    )
    page = serializers.IntegerField(required=False, min_value=1)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MOST_A_PAGE)


class PictureSerializer(serializers.Serializer):
    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    caption = serializers.CharField(allow_blank=True)


class ReplySerializer(serializers.Serializer):
    text = serializers.CharField()
    at = serializers.DateTimeField()


class ReviewSerializer(serializers.Serializer):
    """A published review."""

    key = serializers.UUIDField()
    rating = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    author_name = serializers.CharField(allow_blank=True)
    verified_purchase = serializers.BooleanField()
    source = serializers.CharField()  # type: ignore[assignment]
    helpful = serializers.IntegerField()
    unhelpful = serializers.IntegerField()
    voted = serializers.BooleanField(
        allow_null=True, help_text=gettext_lazy("Whether the reader found it helpful.")
    )
    pictures = PictureSerializer(many=True)
    reply = ReplySerializer(allow_null=True)
    published_at = serializers.DateTimeField()
    is_edited = serializers.BooleanField()


class WhyNotSerializer(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()
    is_editable = serializers.BooleanField(help_text=gettext_lazy("Whether an edit may help."))


class OwnReviewSerializer(serializers.Serializer):
    """One's own review, as it stands."""

    key = serializers.UUIDField()
    item = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    message = serializers.CharField()
    reasons = WhyNotSerializer(many=True)
    can_be_edited = serializers.BooleanField()
    rating = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    author_name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    verified_purchase = serializers.BooleanField()
    n_pictures = serializers.IntegerField(help_text=gettext_lazy("Sent, shown or not."))


class WriteSerializer(serializers.Serializer):
    """The form of a review, for the schema; ``flows.reviews.drafts`` is what checks it."""

    rating = serializers.IntegerField(min_value=1, max_value=5)
    title = serializers.CharField(required=False, max_length=150)
    body = serializers.CharField()
    author_name = serializers.CharField(required=False, max_length=60)
    order_id = serializers.CharField(
        required=False, help_text=gettext_lazy("Which purchase it is about, of several.")
    )


class BarSerializer(serializers.Serializer):
    stars = serializers.IntegerField()
    n = serializers.IntegerField()
    percent = serializers.IntegerField()


class SummarySerializer(serializers.Serializer):
    average = serializers.FloatField()
    bayesian = serializers.FloatField()
    n_total = serializers.IntegerField()
    n_verified = serializers.IntegerField()
    histogram = BarSerializer(many=True)


class ReviewPageSerializer(serializers.Serializer):
    n = serializers.IntegerField(help_text=gettext_lazy("How many match."))
    page = serializers.IntegerField()
    n_pages = serializers.IntegerField()
    summary = SummarySerializer()
    reviews = ReviewSerializer(many=True)


class WritingView(PublicView):
    """A view that takes words, as JSON or as a form."""

    parser_classes = [WordsParser, FormParser, MultiPartParser]
    throttle_classes = [ReviewsThrottle, WriteThrottle]

    def words(self, request: Request) -> dict[str, Any]:
        """Return what was sent; a form's CSRF token is checked."""
        try:
            if is_form(request):
                enforce_csrf(request._request)
            data = request.data
        except (RequestDataTooBig, UnreadablePostError):
            raise TooLarge(_("This is too large.")) from None
        return data.dict() if hasattr(data, "dict") else dict(data)


class ReviewsView(WritingView):
    """The published reviews of an item, page by page; and the place to send one to."""

    @described(
        operation_id="reviews_list",
        tags=["reviews"],
        parameters=[KEY, ListQuery],
        responses={
            200: ReviewPageSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "Parameters that cannot be read, by name."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such item."),
        },
    )
    def get(self, request: Request, key: str) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        item = shown_item(self.person.channel, key)
        summary = ratings.summary(item.pk)
        listed = listing.list_reviews(
            item.pk,
            Filters.read(request.query_params),
            number=asked.get("page", 1),
            size=asked.get("page_size"),
            visitor_ids=reader_ids(request._request),
            summary=summary,
        )
        answer = {
            "n": listed.page.paginator.count,
            "page": listed.page.number,
            "n_pages": listed.page.paginator.num_pages,
            "summary": summary,
            "reviews": [told_review(one, listed.votes.get(one.pk)) for one in listed.page],
        }
        return private(Response(ReviewPageSerializer(answer).data))

    @described(
        operation_id="reviews_create",
        tags=["reviews"],
        parameters=[KEY],
        request={
            "application/json": WriteSerializer,
            "multipart/form-data": WriteSerializer,
        },
        responses={
            201: OwnReviewSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "What is wrong, by field."),
            403: OpenApiResponse(OpenApiTypes.OBJECT, "This person cannot write here."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such item."),
            409: OpenApiResponse(OpenApiTypes.OBJECT, "All purchases have been reviewed."),
            413: OpenApiResponse(OpenApiTypes.OBJECT, "Too large."),
            429: OpenApiResponse(OpenApiTypes.OBJECT, "Too much in too short a time."),
        },
    )
    def post(self, request: Request, key: str) -> Response:
        words = self.words(request)
        try:
            review = submit.submit(
                words,
                author=author_of(request._request),
                item=submit.find_item(key, channel=self.person.channel),
                at=timezone.now(),
                source=Review.Source.API,
                order_ref=str(words.get("order_id") or ""),
                files=request.FILES.getlist("pictures"),
            )
        except REFUSALS as problem:
            raise told(problem) from problem
        return private(Response(told_own(review), status=status.HTTP_201_CREATED))


class ReviewView(WritingView):
    """One's own review: read, edited, withdrawn."""

    @described(operation_id="review_retrieve", tags=["reviews"], responses=OwnReviewSerializer)
    def get(self, request: Request, key: UUID) -> Response:
        return private(Response(told_own(self._own(request, key))))

    @described(
        operation_id="review_update",
        tags=["reviews"],
        request=WriteSerializer(partial=True),
        responses={
            200: OwnReviewSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "What is wrong, by field."),
            409: OpenApiResponse(OpenApiTypes.OBJECT, "It cannot be edited any more."),
        },
    )
    def patch(self, request: Request, key: UUID) -> Response:
        words = self.words(request)
        review = self._own(request, key)
        try:
            review = submit.edit(
                review,
                words,
                author=author_of(request._request),
                at=timezone.now(),
                files=request.FILES.getlist("pictures"),
            )
        except REFUSALS as problem:
            raise told(problem) from problem
        return private(Response(told_own(review)))

    @described(operation_id="review_withdraw", tags=["reviews"], responses={204: None})
    def delete(self, request: Request, key: UUID) -> Response:
        try:
            submit.withdraw(self._own(request, key), at=timezone.now())
        except AlreadyModerated as problem:
            raise told(problem) from problem
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _own(self, request: Request, key: UUID) -> Review:
        try:
            return submit.own(key, visitor_ids=reader_ids(request._request))
        except Review.DoesNotExist:
            raise NotFound(_("There is no such review of yours.")) from None


class ReviewSummaryView(PublicView):
    """How an item's stars add up."""

    throttle_classes = [ReviewsThrottle]

    @described(
        operation_id="reviews_summary",
        tags=["reviews"],
        parameters=[KEY],
        responses=SummarySerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        item = shown_item(self.person.channel, key)
        return Response(SummarySerializer(ratings.summary(item.pk)).data)


def shown_item(channel: str, key: str) -> Item:
    """Return an item by its key; raises NotFound."""
    try:
        return submit.find_item(key, channel=channel)
    except UnknownItem as problem:
        raise told(problem) from None


def published_review(channel: str, key: UUID) -> Review:
    """Return a published review by its key; raises NotFound."""
    pictures = Prefetch(
        "pictures",
        queryset=ReviewPicture.objects.filter(status=Status.PUBLISHED),
        to_attr="shown_pictures",
    )
    rows = Review.objects.published().of_channel(channel).select_related("item")
    try:
        return rows.prefetch_related(pictures).get(key=key)
    except Review.DoesNotExist as problem:
        raise told(problem) from None


def private(response: Response) -> Response:
    """Mark an answer as one reader's own."""
    patch_cache_control(response, private=True, no_store=True)
    return response


def told_review(review: Review, voted: bool | None) -> dict[str, Any]:
    """Return a published review as anybody may see it."""
    return {
        "key": review.key,
        "rating": review.rating,
        "title": review.title,
        "body": review.body,
        "language": review.language,
        "author_name": review.author_name,
        "verified_purchase": review.verified_purchase,
        "source": review.source,
        "helpful": review.n_helpful,
        "unhelpful": review.n_unhelpful,
        "voted": voted,
        "pictures": [
            {
                "url": reverse("engagement:review-picture", args=[one.key]),
                "width": one.width,
                "height": one.height,
                "caption": one.caption,
            }
            for one in review.shown_pictures  # type: ignore[attr-defined]
        ],
        "reply": {"text": review.reply_text, "at": review.reply_at} if review.reply_text else None,
        "published_at": review.published_at,
        "is_edited": review.updated_at > review.created_at,
    }


def told_own(review: Review) -> Any:
    """Return a review as its author may see it."""
    return OwnReviewSerializer(
        {
            "key": review.key,
            "item": review.item.key,
            "status": review.status,
            "message": telling.tell(review),
            "reasons": telling.because(review.reasons),
            "can_be_edited": review.can_be_mended,
            "rating": review.rating,
            "title": review.title,
            "body": review.body,
            "author_name": review.author_name,
            "language": review.language,
            "verified_purchase": review.verified_purchase,
            "n_pictures": review.pictures.count(),
        }
    ).data
