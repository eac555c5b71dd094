"""
Announcements that a shop may listen to. They tell what has happened and are always sent with
``send_robust`` after the fact: a listener's mistake never reaches the shop.
"""

from django.dispatch import Signal

# kwargs: channel, events (list of the Event rows that were stored, primary keys not guaranteed)
events_recorded = Signal()

# kwargs: artifact, activation
artifact_activated = Signal()

# kwargs: alias, channel, artifact (trained, kept, not live), reason
artifact_rejected = Signal()

# kwargs: anonymous (Visitor), customer (Visitor)
visitors_linked = Signal()
