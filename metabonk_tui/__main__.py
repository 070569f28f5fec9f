"""Run with `python -m metabonk_tui`."""

from metabonk_tui.cli.entry import run

if __name__ == "__main__":
    run()
