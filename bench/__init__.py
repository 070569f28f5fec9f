"""Measures what the monitor costs, beside the programs that a user would run instead. `python -m bench --help`."""
