"""For shops of plain models that settings name; see docs/adapters.md."""
