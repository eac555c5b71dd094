"""What must be looked at before it is published, a family a file; each flag brings its evidence."""
