"""``items/<key>/questions/``: what visitors want to know about an item."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import described
from engagement.api.reviews import KEY, WhyNotSerializer, WritingView, private, shown_item
from engagement.api.writing import told
from engagement.flows.reviews import questions, telling
from engagement.flows.reviews.authors import MayNotWrite, author_of, reader_ids
from engagement.flows.reviews.drafts import Invalid
from engagement.flows.reviews.listing import MOST_A_PAGE
from engagement.models import Answer, Question, Status

REFUSED = {
    400: OpenApiResponse(OpenApiTypes.OBJECT, "What is wrong, by field."),
    403: OpenApiResponse(OpenApiTypes.OBJECT, "This person cannot write here."),
    404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such item or question."),
    429: OpenApiResponse(OpenApiTypes.OBJECT, "Too much in too short a time."),
}


class PageQuery(serializers.Serializer):
    start = serializers.IntegerField(required=False, min_value=0, max_value=100_000, default=0)
    n = serializers.IntegerField(required=False, min_value=1, max_value=MOST_A_PAGE, default=10)


class WordsSerializer(serializers.Serializer):
    body = serializers.CharField()
    author_name = serializers.CharField(required=False, max_length=60)


class QuestionAnswerSerializer(serializers.Serializer):
    key = serializers.UUIDField()
    body = serializers.CharField()
    author_name = serializers.CharField(allow_blank=True)
    is_shop = serializers.BooleanField(help_text=gettext_lazy("The shop's own answer."))
    verified_purchase = serializers.BooleanField()
    helpful = serializers.IntegerField()
    unhelpful = serializers.IntegerField()
    voted = serializers.BooleanField(allow_null=True)
    published_at = serializers.DateTimeField()


class QuestionSerializer(serializers.Serializer):
    key = serializers.UUIDField()
    body = serializers.CharField()
    author_name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    published_at = serializers.DateTimeField()
    answers = QuestionAnswerSerializer(many=True)


class QuestionsSerializer(serializers.Serializer):
    n = serializers.IntegerField()
    questions = QuestionSerializer(many=True)


class SentSerializer(serializers.Serializer):
    """What became of a question or an answer that was sent."""

    key = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Status.choices)
    message = serializers.CharField()
    reasons = WhyNotSerializer(many=True)


class QuestionsView(WritingView):
    """The published questions about an item; and the place to ask one."""

    @described(
        operation_id="questions_list",
        tags=["reviews"],
        parameters=[KEY, PageQuery],
        responses={200: QuestionsSerializer, 404: REFUSED[404]},
    )
    def get(self, request: Request, key: str) -> Response:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        item = shown_item(self.person.channel, key)
        found = questions.list_questions(
            item.pk, visitor_ids=reader_ids(request._request), **query.validated_data
        )
        answer = {
            "n": found.n_total,
            "questions": [_question(one, found.votes) for one in found.questions],
        }
        return private(Response(QuestionsSerializer(answer).data))

    @described(
        operation_id="questions_create",
        tags=["reviews"],
        parameters=[KEY],
        request=WordsSerializer,
        responses={201: SentSerializer, **REFUSED},
    )
    def post(self, request: Request, key: str) -> Response:
        words = self.words(request)
        item = shown_item(self.person.channel, key)
        try:
            question = questions.ask(
                words, author=author_of(request._request), item=item, at=timezone.now()
            )
        except (Invalid, MayNotWrite) as problem:
            raise told(problem) from problem
        return private(Response(_sent(question), status=status.HTTP_201_CREATED))


class AnswersView(WritingView):
    """The place to answer a question."""

    @described(
        operation_id="answers_create",
        tags=["reviews"],
        request=WordsSerializer,
        responses={201: SentSerializer, **REFUSED},
    )
    def post(self, request: Request, key: UUID) -> Response:
        words = self.words(request)
        try:
            answer = questions.answer(
                words,
                author=author_of(request._request),
                question=questions.question_of(key, channel=self.person.channel),
                at=timezone.now(),
            )
        except (Invalid, MayNotWrite, Question.DoesNotExist) as problem:
            raise told(problem) from problem
        return private(Response(_sent(answer), status=status.HTTP_201_CREATED))


def _sent(subject: Question | Answer) -> Any:
    return SentSerializer(
        {
            "key": subject.key,
            "status": subject.status,
            "message": telling.tell(subject),
            "reasons": telling.because(subject.reasons),
        }
    ).data


def _question(question: Question, votes: dict[int, bool]) -> dict[str, Any]:
    return {
        "key": question.key,
        "body": question.body,
        "author_name": question.author_name,
        "language": question.language,
        "published_at": question.published_at,
        "answers": [
            {
                "key": one.key,
                "body": one.body,
                "author_name": one.author_name,
                "is_shop": one.is_shop,
                "verified_purchase": one.verified_purchase,
                "helpful": one.n_helpful,
                "unhelpful": one.n_unhelpful,
                "voted": votes.get(one.pk),
                "published_at": one.published_at,
            }
            for one in question.shown_answers  # type: ignore[attr-defined]
        ],
    }
