"""Stores observations on disk: one SQLite file per run."""
