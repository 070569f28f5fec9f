"""Run with `python -m metabonk_tui`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an old Python reads this line before it fails on the next ones
    sys.exit(f"metabonk-tui: Python 3.11 or newer is required, and this is {sys.version.split()[0]}: {sys.executable}")

from metabonk_tui.cli.entry import run

if __name__ == "__main__":
    run()
