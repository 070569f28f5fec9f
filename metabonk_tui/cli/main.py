"""The command line."""


def run() -> None:
    """Run the program."""
    raise SystemExit("not built yet")
