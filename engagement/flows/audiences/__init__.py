"""Rules that say for whom something is: read once, asked of the database and of one visitor."""
