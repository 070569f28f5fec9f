"""`replay RUN|FILE`: the monitor over a recording. Nothing that acts is behind it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from itertools import chain
from pathlib import Path

from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config, user_config_path, user_themes_dir
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.seekable import SpooledRecording, StoredRecording
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.options import Parser, add_config_option, factor
from metabonk_tui.cli.recordings.open import recording_path, store
from metabonk_tui.cli.recordings.sources import print_problems, sources
from metabonk_tui.cli.verbs.watch import no_terminal
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.recordings.seek import ACCEPTED_FORMS, SeekTarget, parse
from metabonk_tui.core.step.pipeline import step
from metabonk_tui.engine.replay_player import ReplayPlayer

SPEED = 60.0


def add_options(parser: Parser, verb: str) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "recording",
        metavar="RUN|FILE",
        help="a run's name, the beginning of it, or 'last' (see: metabonk-tui runs); "
        "or a .jsonl, a .jsonl.gz, a folder of worker_N_metrics.csv",
    )
    parser.add_argument("--at", type=place, metavar="PLACE", help=f"stand still there: {ACCEPTED_FORMS}")
    parser.add_argument(
        "--speed",
        type=factor,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"play X times faster than it was; {SPEED:g} unless told otherwise, also with --at",
    )
    add_config_option(parser)


def place(text: str) -> SeekTarget:
    """Read a place in a recording."""
    target = parse(text)
    if target is None:
        raise argparse.ArgumentTypeError(f"expected one of {ACCEPTED_FORMS}; found {text!r}")
    return target


def main(options: argparse.Namespace, verb: str) -> int:
    """Open the monitor on a recording; return the exit code."""
    loaded = load_config(getattr(options, "config", None))
    missing = no_terminal()
    if missing:
        raise UsageError(f"{missing}; without one: metabonk-tui report")
    given_speed = getattr(options, "speed", None)
    zone = datetime.now(UTC).astimezone().tzinfo or UTC
    with open_recording(options.recording) as recording:
        player = ReplayPlayer(
            recording,
            lambda previous, sample: step(previous, sample, loaded.config),
            zone=zone,
            at=options.at,
            playing=options.at is None or given_speed is not None,
            speed=given_speed or SPEED,
        )
        player.start()
        try:
            code = _show(player, loaded, zone)
        finally:
            player.stop()
        print_problems(recording.problems)
    return code


@contextmanager
def open_recording(name: str) -> Iterator[StoredRecording | SpooledRecording]:
    """Open what a person named: a path that exists is a file, else a run of the store. Raises UsageError."""
    recording = _open_file(name) if Path(name).exists() else _open_stored(name)
    try:
        yield recording
    finally:
        recording.close()


def _open_file(name: str) -> SpooledRecording:
    problems: list[Problem] = []
    samples = _until_unreadable(chain.from_iterable(sources([name], problems)), name, problems)
    first = next(samples, None)
    if first is None:
        print_problems(problems)
        raise UsageError(f"nothing could be read: {name}")
    try:
        return SpooledRecording(chain((first,), samples), problems)
    except OSError as error:
        raise UsageError(f"no temporary file can be made to replay from: {error.strerror or error}") from None


def _until_unreadable(samples: Iterator[Sample], name: str, problems: list[Problem]) -> Iterator[Sample]:
    try:
        yield from samples
    except UsageError as error:
        if not problems and not str(error).startswith(f"{name}: cannot be read"):
            raise
        problems.append(Problem(name, None, str(error).removeprefix(f"{name}: ")))


def _open_stored(name: str) -> StoredRecording:
    path = recording_path(name)
    try:
        recording = StoredRecording(path)
    except UNREADABLE as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if next(recording.samples(), None) is None:
        recording.close()
        raise UsageError(f"nothing could be read: {path}")
    return recording


def _show(player: ReplayPlayer, loaded: LoadedConfig, zone: tzinfo) -> int:
    from metabonk_tui.cli.log import log_path, open_log
    from metabonk_tui.cli.recordings.archive import StoreRunArchive
    from metabonk_tui.ui.app import MonitorApp, run_app
    from metabonk_tui.ui.screens.registry import all_screens
    from metabonk_tui.ui.style.glyphs import choose_glyphs
    from metabonk_tui.ui.style.theme import MONO
    from metabonk_tui.ui.style.theme_files import load_themes
    from metabonk_tui.ui.terminal.driver import is_monochrome

    no_log = open_log()
    themes, warnings = load_themes(themes_dir(), user_themes_dir())
    places = (
        ("configuration", str(loaded.path or user_config_path())),
        ("your themes", str(user_themes_dir())),
        ("log", str(log_path())),
    )
    app = MonitorApp(
        player,
        loaded.config,
        all_screens(places),
        themes={MONO.name: MONO} if is_monochrome() else themes,
        glyphs=choose_glyphs(loaded.config.ui.glyphs, encoding=sys.stdout.encoding or "ascii"),
        notices=(no_log, *warnings) if no_log else warnings,
        zone=zone,
        replay_controls=player,
        archive=StoreRunArchive((store(),), loaded.config),
    )
    return run_app(app)
