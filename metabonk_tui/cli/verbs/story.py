"""`demo --story`: shows the failed run and the rescued one in a minute, on the screens or as text.

Does not: start a process. It replays the sample recordings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext

from metabonk_tui.adapters.recordings.spool import SpooledRecording
from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config, state_dir
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.cli.exit_codes import DONE, UsageError
from metabonk_tui.cli.live.open_app import local_zone, no_terminal, open_app
from metabonk_tui.cli.options import overrides
from metabonk_tui.cli.recordings.archive import StoreRunArchive
from metabonk_tui.cli.recordings.moments import FOLDER, StoreMomentFiles
from metabonk_tui.cli.recordings.open import opened, store
from metabonk_tui.cli.recordings.samples import sample_path
from metabonk_tui.cli.stepping import stepper
from metabonk_tui.cli.suggest import program
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.recordings.story import SAMPLES, StoryPart, parts_of
from metabonk_tui.core.run.replay import replay
from metabonk_tui.core.text.numbers import elapsed, gigabytes
from metabonk_tui.engine.story_player import StoryPlayer

NEXT = (
    ("report sample --html story.html", "the failed run on one page"),
    ("compare sample:failed sample:rescued", "where the two runs parted"),
    ("replay sample --at 75m", "step through its death yourself"),
    ("demo", "a live pool in the same trouble: X stops it, L launches it rightly"),
    ("setup", "find your own MetaBonk, and watch it"),
)
"""What to type after the story."""


def show_story(options: argparse.Namespace) -> int:
    """Show the story; return the exit code. Without a terminal it is printed. Raises UsageError."""
    for name, unset in (
        ("no_ui", False),
        ("scenario", "seed"),
        ("workers", None),
        ("base_port", None),
        ("speed", None),
    ):
        if getattr(options, name, unset) != unset:
            raise UsageError(f"--story starts no pool, so --{name.replace('_', '-')} does not go with it")
    # The samples are judged by the default rules: the user's pool may have others.
    loaded = load_config(None, {"ui": overrides(options).get("ui", {})})
    with ExitStack() as stack:
        recordings = [stack.enter_context(opened(sample_path(name))) for name in SAMPLES]
        parts = parts_of([recording.summary().started_at for recording in recordings])
        code = _print(recordings, parts, loaded) if no_terminal() else _show(recordings, parts, loaded)
    print("What to type next:")
    for command, about in NEXT:
        print(f"  # {about}\n  {program()} {command}")
    return code


def _samples(recordings: list[Recording]) -> Iterator[Sample]:
    for recording in recordings:
        yield from recording.samples()


def _show(recordings: list[Recording], parts: tuple[StoryPart, ...], loaded: LoadedConfig) -> int:
    zone = local_zone()
    spool = SpooledRecording(_samples(recordings), [])
    player = StoryPlayer(spool, stepper(loaded.config), parts, zone=zone)
    player.start()
    try:
        return open_app(
            nullcontext(player),
            loaded,
            StoreRunArchive((store(),), loaded.config),
            zone,
            replay_controls=player,
            moment_files=StoreMomentFiles(state_dir() / FOLDER, None, sample_path(SAMPLES[0])),
        )
    finally:
        player.stop()
        spool.close()


def _print(recordings: list[Recording], parts: tuple[StoryPart, ...], loaded: LoadedConfig) -> int:
    """Print each chapter with what the monitor says at its end."""
    snapshots = replay(_samples(recordings), stepper(loaded.config))
    newest = next(snapshots)
    for part in parts:
        for snapshot in snapshots:
            if snapshot.t > part.to_t:
                break
            newest = snapshot
        print(_text(part, newest), flush=True)
        newest = snapshot
    return DONE


def _text(part: StoryPart, snapshot: Snapshot) -> str:
    caption, verdict, memory, run = part.caption, snapshot.verdict, snapshot.memory, snapshot.run
    because = f": {verdict.because[0]}" if verdict.because else ""
    said = [f"{verdict.title} since {elapsed(verdict.since_t - run.started_at)}{because}"]
    if memory.available_bytes is not None:
        said.append(f"{gigabytes(memory.available_bytes)} GB free")
    return "\n".join(
        [
            f"{caption.number}/{caption.of}  {elapsed(snapshot.t - run.started_at)}  {caption.lines[0]}",
            f"               {caption.lines[1]}",
            f"               > {', '.join(said)}",
            "",
        ]
    )
