from __future__ import annotations

from django.urls import path

from engagement.api.consent import ConsentView
from engagement.api.events import EventsView
from engagement.api.figures import StaffFiguresView
from engagement.api.health import LiveView, ReadyView
from engagement.api.metrics import MetricsView
from engagement.api.offer_check import OfferCheckView
from engagement.api.promotions import PromotionCardView, PromotionsView
from engagement.api.questions import AnswersView, QuestionsView
from engagement.api.recommendations import RecommendationsView
from engagement.api.rerank import RerankView
from engagement.api.review_feedback import (
    AnswerReportsView,
    AnswerVotesView,
    QuestionReportsView,
    ReportsView,
    VotesView,
)
from engagement.api.review_pages import (
    AnswerPage,
    AskPage,
    EditReviewPage,
    ReportAnswerPage,
    ReportPage,
    ReportQuestionPage,
    WriteReviewPage,
)
from engagement.api.review_pictures import ReviewPictureView
from engagement.api.reviews import ReviewSummaryView, ReviewsView, ReviewView
from engagement.api.schema import SchemaView
from engagement.api.shelves import ShelvesView
from engagement.api.transparency import TransparencyView

urlpatterns = [
    path("events/", EventsView.as_view(), name="events"),
    path("consent/", ConsentView.as_view(), name="consent"),
    path("recommendations/<str:placement>/", RecommendationsView.as_view(), name="recommendations"),
    path("rerank/", RerankView.as_view(), name="rerank"),
    path("shelves/<str:placement>/", ShelvesView.as_view(), name="shelf"),
    path("promotions/check/", OfferCheckView.as_view(), name="offer-check"),
    path("promotions/<str:placement>/", PromotionsView.as_view(), name="promotions"),
    path("promotions/<str:placement>/card/", PromotionCardView.as_view(), name="promotion-card"),
    path("items/<path:key>/reviews/", ReviewsView.as_view(), name="reviews"),
    path("items/<path:key>/reviews/summary/", ReviewSummaryView.as_view(), name="review-summary"),
    path("items/<path:key>/reviews/write/", WriteReviewPage.as_view(), name="review-write"),
    path("items/<path:key>/questions/", QuestionsView.as_view(), name="questions"),
    path("items/<path:key>/questions/ask/", AskPage.as_view(), name="question-ask"),
    path("reviews/transparency/", TransparencyView.as_view(), name="review-transparency"),
    path("reviews/pictures/<uuid:key>/", ReviewPictureView.as_view(), name="review-picture"),
    path("reviews/<uuid:key>/", ReviewView.as_view(), name="review"),
    path("reviews/<uuid:key>/edit/", EditReviewPage.as_view(), name="review-edit"),
    path("reviews/<uuid:key>/votes/", VotesView.as_view(), name="review-votes"),
    path("reviews/<uuid:key>/reports/", ReportsView.as_view(), name="review-reports"),
    path("reviews/<uuid:key>/report/", ReportPage.as_view(), name="review-report"),
    path("questions/<uuid:key>/answers/", AnswersView.as_view(), name="answers"),
    path("questions/<uuid:key>/answer/", AnswerPage.as_view(), name="question-answer"),
    path("questions/<uuid:key>/reports/", QuestionReportsView.as_view(), name="question-reports"),
    path("questions/<uuid:key>/report/", ReportQuestionPage.as_view(), name="question-report"),
    path("answers/<uuid:key>/votes/", AnswerVotesView.as_view(), name="answer-votes"),
    path("answers/<uuid:key>/reports/", AnswerReportsView.as_view(), name="answer-reports"),
    path("answers/<uuid:key>/report/", ReportAnswerPage.as_view(), name="answer-report"),
    path("health/live/", LiveView.as_view(), name="health-live"),
    path("health/ready/", ReadyView.as_view(), name="health-ready"),
    path("metrics/figures/", StaffFiguresView.as_view(), name="figures"),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    path("schema/", SchemaView.as_view(), name="schema"),
]
