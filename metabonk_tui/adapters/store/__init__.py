"""What was seen, kept on disk: one SQLite file a run."""
