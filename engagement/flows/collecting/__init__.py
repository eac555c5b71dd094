"""What happens in a shop becomes events: who, what, may it be stored, and once only."""
