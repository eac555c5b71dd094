"""From a live model and the visitor's latest events to a shelf with reasons."""
