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

# kwargs: review (stored; its status says whether it is published, waits or is held)
review_submitted = Signal()

# kwargs: review (its words or stars have changed)
review_edited = Signal()

# kwargs: decision (ModerationDecision), subject (Review, ReviewPicture, Question, Answer, or None
# for a review that the shop keeps itself)
review_moderated = Signal()

# kwargs: review (its reply_text is what the shop has answered; "" when it was taken back)
review_replied = Signal()

# kwargs: report (ReviewReport)
review_reported = Signal()

# kwargs: question
question_submitted = Signal()

# kwargs: answer
answer_submitted = Signal()

# kwargs: alert (SentimentAlert: an item whose reviews got worse than chance explains)
sentiment_fell = Signal()
