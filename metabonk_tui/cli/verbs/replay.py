"""`replay RUN|FILE`: opens the monitor over a recording. Does not: act on any pool."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path

from metabonk_tui.adapters.files.kind import is_dir, is_file, may_exist
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.adapters.recordings.spool import SpooledRecording
from metabonk_tui.adapters.state.config_files import load_config, state_dir
from metabonk_tui.adapters.store import checkpoint
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.seekable import StoredRecording
from metabonk_tui.cli.exit_codes import UsageError
from metabonk_tui.cli.live.open_app import local_zone, no_terminal, open_app
from metabonk_tui.cli.options import PROGRAM, Parser, add_pool_address, add_screen_options, factor, nearest, overrides
from metabonk_tui.cli.recordings.archive import StoreRunArchive
from metabonk_tui.cli.recordings.moments import FOLDER, StoreMomentFiles
from metabonk_tui.cli.recordings.open import print_problems, recording_path, sources, store
from metabonk_tui.cli.recordings.plots import StorePlots
from metabonk_tui.cli.stepping import stepper
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import WorkerRef, worker_ref
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.plots import PlotReader
from metabonk_tui.core.recordings.seek import ACCEPTED_FORMS, SeekTarget, parse
from metabonk_tui.engine.replay_player import ReplayPlayer

SPEED = 60.0


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "recording",
        metavar="RUN|FILE",
        help="a run's name, a prefix of it, or 'last' (see: metabonk-tui runs); 'sample' or 'sample:rescued'; "
        "or a .jsonl, a .jsonl.gz, a folder of worker_N_metrics.csv",
    )
    parser.add_argument("--at", type=place, metavar="PLACE", help=f"start paused at PLACE: {ACCEPTED_FORMS}")
    parser.add_argument(
        "--speed",
        type=factor,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"play X times faster than real time; default: {SPEED:g}",
    )
    parser.add_argument("--screen", type=screen, metavar="S", help=f"open screen S: {', '.join(screen_names())}")
    parser.add_argument("--worker", type=worker, metavar="W", help="select worker W, such as w2")
    add_pool_address(parser, has_speed=True)
    add_screen_options(parser)


def place(text: str) -> SeekTarget:
    """Parse a place in a recording. Raises ArgumentTypeError."""
    target = parse(text)
    if target is None:
        raise argparse.ArgumentTypeError(f"expected one of {ACCEPTED_FORMS}; found {text!r}")
    return target


def screen_names() -> tuple[str, ...]:
    """List the names of the screens."""
    from metabonk_tui.ui.screens.registry import CLASSES

    return tuple(CLASSES)


def screen(text: str) -> str:
    """Check the name of a screen. Raises ArgumentTypeError."""
    if text not in screen_names():
        near = nearest(text, list(screen_names()))
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(screen_names())}; found {text!r}{near}")
    return text


def worker(text: str) -> WorkerRef:
    """Parse the name of a worker: "w2", "2", "node2/w3". Raises ArgumentTypeError."""
    ref = worker_ref(text)
    if ref is None:
        raise argparse.ArgumentTypeError(f"expected a worker such as w2, found {text!r}")
    return ref


def main(options: argparse.Namespace, verb: str) -> int:
    """Open the monitor on a recording; return the exit code. Raises UsageError without a terminal."""
    loaded = load_config(getattr(options, "config", None), overrides(options))
    if not may_exist(Path(options.recording)):
        recording_path(options.recording, loaded.config.pool)
    missing = no_terminal()
    if missing:
        raise UsageError(f"{missing}; without one: {PROGRAM} report {shlex.quote(options.recording)}")
    given_speed = getattr(options, "speed", None)
    zone = local_zone()
    with open_recording(options.recording, loaded.config) as recording:
        player = ReplayPlayer(
            recording,
            stepper(loaded.config),
            zone=zone,
            at=options.at,
            playing=options.at is None or given_speed is not None,
            speed=given_speed or SPEED,
        )
        player.start()
        try:
            archive = StoreRunArchive((store(),), loaded.config)
            opened = Path(options.recording)
            path = opened if may_exist(opened) else recording_path(options.recording, loaded.config.pool)
            code = open_app(
                nullcontext(player),
                loaded,
                archive,
                zone,
                replay_controls=player,
                moment_files=StoreMomentFiles(state_dir() / FOLDER, None, path),
                plots=_plots(path, loaded.config),
                begin=(options.screen or "dashboard", options.worker),
            )
        finally:
            player.stop()
        print_problems(recording.problems)
    return code


def _plots(path: Path, config: Config) -> PlotReader:
    """Return what reads the plots of a run of the store, or of a file."""
    from metabonk_tui.adapters.store.run_directory import SUFFIX

    if path.suffix == SUFFIX or not (is_file(path) or is_dir(path)):
        # A pipe cannot be read a second time.
        return StorePlots(None, path)
    from metabonk_tui.cli.recordings.file_plots import FilePlots

    return FilePlots(str(path), config)


@contextmanager
def open_recording(name: str, config: Config) -> Iterator[StoredRecording | SpooledRecording]:
    """Open an existing path as a file, any other name as a run of the store. Raises UsageError."""
    recording = _open_file(name) if may_exist(Path(name)) else _open_stored(name, config)
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


def _open_stored(name: str, config: Config) -> StoredRecording:
    path = recording_path(name, config.pool)
    try:
        recording = StoredRecording(path, checkpoint.key(config))
    except UNREADABLE as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if next(recording.samples(), None) is None:
        recording.close()
        raise UsageError(f"nothing could be read: {path}")
    return recording
