"""The product's figures: made day by day from events, read with their uplift."""
