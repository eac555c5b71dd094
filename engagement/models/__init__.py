from engagement.models.artifact import Activation, ModelArtifact
from engagement.models.event import Event, EventName
from engagement.models.item import Item
from engagement.models.placement import Placement, PlacementRule
from engagement.models.visitor import Visitor

__all__ = [
    "Activation",
    "Event",
    "EventName",
    "Item",
    "ModelArtifact",
    "Placement",
    "PlacementRule",
    "Visitor",
]
