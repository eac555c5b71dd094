"""
The pages of Django's admin, plain ModelAdmin classes on templates of their own.

They register themselves unless ``ENGAGEMENT["REGISTER_ADMIN"]`` is False; a shop with an admin
site of its own calls ``register(site)``.
"""

from __future__ import annotations

from django.contrib import admin

from engagement import models
from engagement.admin.artifacts import ActivationAdmin, ModelArtifactAdmin
from engagement.admin.campaigns import CampaignAdmin
from engagement.admin.decision_log import DecisionLogAdmin
from engagement.admin.decision_points import DecisionPointAdmin, PolicyActivationAdmin
from engagement.admin.decisions import DecisionAdmin
from engagement.admin.events import EventAdmin
from engagement.admin.experiments import ExperimentAdmin
from engagement.admin.granted import GrantAdmin, PromotionAdmin, RedemptionAdmin
from engagement.admin.items import ItemAdmin
from engagement.admin.placements import PlacementAdmin
from engagement.admin.policies import PolicyVersionAdmin
from engagement.admin.posts import PostAdmin
from engagement.admin.product_figures import DailyMetricAdmin
from engagement.admin.questions import QuestionAdmin
from engagement.admin.reply_templates import ReplyTemplateAdmin
from engagement.admin.reviews import ReviewAdmin
from engagement.admin.visitors import VisitorAdmin
from engagement.admin.word_lists import AspectTermAdmin, FlagTermAdmin
from engagement.conf import app_settings

PAGES: dict[type, type[admin.ModelAdmin]] = {
    models.Event: EventAdmin,
    models.Item: ItemAdmin,
    models.Visitor: VisitorAdmin,
    models.ModelArtifact: ModelArtifactAdmin,
    models.Activation: ActivationAdmin,
    models.Placement: PlacementAdmin,
    models.Experiment: ExperimentAdmin,
    models.Campaign: CampaignAdmin,
    models.Promotion: PromotionAdmin,
    models.Grant: GrantAdmin,
    models.Redemption: RedemptionAdmin,
    models.DailyMetric: DailyMetricAdmin,
    models.DecisionPoint: DecisionPointAdmin,
    models.PolicyVersion: PolicyVersionAdmin,
    models.PolicyActivation: PolicyActivationAdmin,
    models.Decision: DecisionLogAdmin,
    models.Review: ReviewAdmin,
    models.Question: QuestionAdmin,
    models.Post: PostAdmin,
    models.ModerationDecision: DecisionAdmin,
    models.ReplyTemplate: ReplyTemplateAdmin,
    models.FlagTerm: FlagTermAdmin,
    models.AspectTerm: AspectTermAdmin,
}


def register(site: admin.AdminSite) -> None:
    """Add every page to ``site``."""
    for model, page in PAGES.items():
        site.register(model, page)


if app_settings.REGISTER_ADMIN:
    register(admin.site)
