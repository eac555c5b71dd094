from engagement.models.artifact import Activation, ModelArtifact
from engagement.models.aspect import AspectSummary, AspectTerm
from engagement.models.campaign import Campaign
from engagement.models.daily_metric import DailyMetric, VisitorDay
from engagement.models.decision import Decision
from engagement.models.decision_point import DecisionPoint
from engagement.models.event import Event, EventName
from engagement.models.experiment import Experiment, ExperimentVariant, Measure
from engagement.models.exposure import Exposure
from engagement.models.flag_term import FlagTerm
from engagement.models.grant import Grant
from engagement.models.item import Item
from engagement.models.item_rating import ItemRating
from engagement.models.moderation import (
    ModerationDecision,
    ReasonCode,
    Status,
    SubjectKind,
)
from engagement.models.placement import Placement, PlacementRule
from engagement.models.policy import PolicyActivation, PolicyState, PolicyVersion
from engagement.models.post import Post
from engagement.models.promotion import Promotion
from engagement.models.question import Answer, Question
from engagement.models.redemption import Redemption
from engagement.models.reply_template import ReplyTemplate
from engagement.models.review import Review, ReviewEdit
from engagement.models.review_analysis import ReviewAnalysis, ReviewLabel, Sentiment
from engagement.models.review_feedback import ReviewReport, ReviewVote
from engagement.models.review_picture import ReviewPicture
from engagement.models.review_summary import ReviewSummary
from engagement.models.sentiment_alert import SentimentAlert
from engagement.models.text_band import TextBand
from engagement.models.visitor import Visitor
from engagement.models.visitor_profile import VisitorProfile, VisitorTaste

__all__ = [
    "Activation",
    "Answer",
    "AspectSummary",
    "AspectTerm",
    "Campaign",
    "DailyMetric",
    "Decision",
    "DecisionPoint",
    "Event",
    "EventName",
    "Experiment",
    "ExperimentVariant",
    "Exposure",
    "FlagTerm",
    "Grant",
    "Item",
    "ItemRating",
    "Measure",
    "ModelArtifact",
    "ModerationDecision",
    "Placement",
    "PlacementRule",
    "PolicyActivation",
    "PolicyState",
    "PolicyVersion",
    "Post",
    "Promotion",
    "Question",
    "ReasonCode",
    "Redemption",
    "ReplyTemplate",
    "Review",
    "ReviewAnalysis",
    "ReviewEdit",
    "ReviewLabel",
    "ReviewPicture",
    "ReviewReport",
    "ReviewSummary",
    "ReviewVote",
    "Sentiment",
    "SentimentAlert",
    "Status",
    "SubjectKind",
    "TextBand",
    "Visitor",
    "VisitorDay",
    "VisitorProfile",
    "VisitorTaste",
]
