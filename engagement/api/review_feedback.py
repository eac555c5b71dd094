"""Votes and reports on what others wrote."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import described
from engagement.api.reviews import WritingView
from engagement.api.writing import VoteThrottle, back, is_form, told
from engagement.flows.reviews import feedback
from engagement.flows.reviews.authors import MayNotWrite, author_of
from engagement.flows.reviews.drafts import Invalid
from engagement.models import Answer, Question, Review

ANSWERS = {
    400: OpenApiResponse(OpenApiTypes.OBJECT, "What is wrong, by field."),
    403: OpenApiResponse(OpenApiTypes.OBJECT, "One's own words, or nobody we would know again."),
    404: OpenApiResponse(OpenApiTypes.OBJECT, "It is not published."),
    429: OpenApiResponse(OpenApiTypes.OBJECT, "Too much in too short a time."),
}


class VoteSerializer(serializers.Serializer):
    helpful = serializers.BooleanField(
        allow_null=True, help_text=gettext_lazy("null takes the vote back.")
    )


class CountsSerializer(serializers.Serializer):
    helpful = serializers.IntegerField()
    unhelpful = serializers.IntegerField()
    voted = serializers.BooleanField(allow_null=True)


class AbuseReportSerializer(serializers.Serializer):
    reason = serializers.ChoiceField(
        choices=[(one.value, one.label) for one in feedback.REPORTABLE]
    )
    note = serializers.CharField(required=False, max_length=500)


def find(model: type[Any], key: UUID, channel: str) -> Any:
    """Return a subject of one shop by its key; raises NotFound."""
    lookup = "question__channel" if model is Answer else "channel"
    try:
        return model.objects.get(key=key, **{lookup: channel})
    except model.DoesNotExist as problem:
        raise told(problem) from None


class VotesView(WritingView):
    """One vote a visitor; voting again changes it. A form is answered by going back."""

    model: type[Any] = Review
    throttle_classes = [VoteThrottle]

    @described(
        operation_id="review_vote",
        tags=["reviews"],
        request=VoteSerializer,
        responses={200: CountsSerializer, **ANSWERS},
    )
    def post(self, request: Request, key: UUID) -> HttpResponseBase:
        words = self.words(request)
        if is_form(request):
            words = {"helpful": {"yes": True, "no": False}.get(str(words.get("helpful")))}
        vote = VoteSerializer(data=words)
        vote.is_valid(raise_exception=True)
        subject = find(self.model, key, self.person.channel)
        try:
            helpful, unhelpful = feedback.vote(
                subject,
                is_helpful=vote.validated_data["helpful"],
                author=author_of(request._request),
                at=timezone.now(),
            )
        except (MayNotWrite, self.model.DoesNotExist) as problem:
            if is_form(request):
                messages.error(request._request, str(problem), fail_silently=True)
                return back(request._request, _anchor(subject))
            raise told(problem) from problem
        if is_form(request):
            messages.success(
                request._request, _("Thank you. Your vote is counted."), fail_silently=True
            )
            return back(request._request, _anchor(subject))
        answer = {
            "helpful": helpful,
            "unhelpful": unhelpful,
            "voted": vote.validated_data["helpful"],
        }
        return Response(CountsSerializer(answer).data)


class AnswerVotesView(VotesView):
    model = Answer

    @described(
        operation_id="answer_vote",
        tags=["reviews"],
        request=VoteSerializer,
        responses={200: CountsSerializer, **ANSWERS},
    )
    def post(self, request: Request, key: UUID) -> HttpResponseBase:
        return super().post(request, key)


class ReportsView(WritingView):
    """A reader's word that something published should not be. One a visitor."""

    model: type[Any] = Review

    @described(
        operation_id="review_report",
        tags=["reviews"],
        request=AbuseReportSerializer,
        responses={201: None, **ANSWERS},
    )
    def post(self, request: Request, key: UUID) -> Response:
        words = self.words(request)
        subject = find(self.model, key, self.person.channel)
        try:
            feedback.report(
                subject,
                reason=str(words.get("reason") or ""),
                note=str(words.get("note") or ""),
                author=author_of(request._request),
                at=timezone.now(),
            )
        except (Invalid, MayNotWrite, self.model.DoesNotExist) as problem:
            raise told(problem) from problem
        return Response(status=status.HTTP_201_CREATED)


class QuestionReportsView(ReportsView):
    model = Question

    @described(
        operation_id="question_report",
        tags=["reviews"],
        request=AbuseReportSerializer,
        responses={201: None, **ANSWERS},
    )
    def post(self, request: Request, key: UUID) -> Response:
        return super().post(request, key)


class AnswerReportsView(ReportsView):
    model = Answer

    @described(
        operation_id="answer_report",
        tags=["reviews"],
        request=AbuseReportSerializer,
        responses={201: None, **ANSWERS},
    )
    def post(self, request: Request, key: UUID) -> Response:
        return super().post(request, key)


def _anchor(subject: Review | Answer) -> str:
    kind = "review" if isinstance(subject, Review) else "answer"
    return f"{kind}-{subject.key}"
