"""Keeps the recordings of a demo at its end, and says what it was and how to see more of it."""

from __future__ import annotations

import sys
from pathlib import Path

from metabonk_tui.adapters.state.config_files import load_config, state_dir
from metabonk_tui.cli.suggest import program


def keep(scenario: str, kept: list[Path], state: Path) -> None:
    """Move the recordings of a demo among the user's, the newest first, and note them in `kept`.

    Does nothing where the user records nothing. An error is said: it must not stop the clean-up.
    """
    from metabonk_tui.adapters.store.demo_runs import keep_runs
    from metabonk_tui.adapters.store.errors import error_text
    from metabonk_tui.adapters.store.run_directory import UNREADABLE, runs_dir

    if not load_config(None, {}).config.store.enabled:
        return
    try:
        kept += keep_runs(runs_dir(state), runs_dir(state_dir()), scenario)
    except UNREADABLE as error:
        print(f"the run of the demo was not kept: {error_text(error)}", file=sys.stderr)


def say_goodbye(kept: list[Path], speed: float) -> None:
    """Print the verdict of the newest run, its length, where it is recorded, and the next commands."""
    from metabonk_tui.adapters.store.run_directory import find
    from metabonk_tui.adapters.store.run_reader import Recording
    from metabonk_tui.core.text.numbers import age, elapsed

    newest = kept[0]
    with Recording(newest) as recording:
        summary = recording.summary()
    length_s = summary.duration_s
    name = "last" if find(newest.parent, "last") == newest else newest.stem
    again = program()
    print(f"The demo is over: {summary.verdict} after {elapsed(length_s)} of its run, {age(length_s / speed)} here.")
    print(f"It is kept as a demo, not as training: {newest}")
    print(f"  {again} report {name} --html demo.html")
    print(f"  {again} replay {name}")
    print(f"  {again} demo --story", flush=True)
