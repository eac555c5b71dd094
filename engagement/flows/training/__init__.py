"""From the event log to a model that is live because it proved to be better."""
