"""What the app does in shops made with Oscar; once for each settings module of theirs."""
