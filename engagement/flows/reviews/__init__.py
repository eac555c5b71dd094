"""Reviews, questions and posts from elsewhere: written, decided about, counted, shown."""
