"""`check`: polls the live pool, prints the verdict with its evidence, exits with its code. Does not: act."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.live.follow import EventPrinter, SnapshotCounter, follow
from metabonk_tui.cli.live.no_worker import no_worker_hint, saw_none, search_of
from metabonk_tui.cli.options import Parser, add_pool_options, duration_s, overrides
from metabonk_tui.cli.recordings.ghost import TRUSTED, ghost_of
from metabonk_tui.cli.recordings.open import events_of
from metabonk_tui.cli.report.text import report_text
from metabonk_tui.cli.suggest import command_prefix
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.snapshot import Snapshot, VerdictKind
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.report.ghost_json import ghost_json, ghost_text
from metabonk_tui.core.report.json_report import report_histories
from metabonk_tui.core.report.run_history import histories_so_far
from metabonk_tui.core.run.gate import again_refusal
from metabonk_tui.core.run.no_pool import is_no_pool, text_lines
from metabonk_tui.core.verdict.look import of_look
from metabonk_tui.engine.engine import Engine

ENOUGH = 3
"""Samples that a plain check takes: a rate needs two, and a verdict must last two evaluations."""
PATIENCE_INTERVALS = 6
OPEN = (VerdictKind.WAITING, VerdictKind.VALIDATING)


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument(
        "--for",
        dest="for_s",
        type=duration_s,
        metavar="DURATION",
        help="poll this long in real time: 90s, 10m, 1h; default: 3 samples",
    )
    how_long.add_argument(
        "--wait", action="store_true", help="wait for the gate's decision, printing events meanwhile"
    )
    parser.add_argument("--again", action="store_true", help="take a gate again that did not pass")
    parser.add_argument(
        "--ghost",
        nargs="?",
        const=TRUSTED,
        metavar="RUN",
        help="compare with the same minute of this recorded run; without RUN: of the last that was a success",
    )
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Monitor for the requested time, then print; return the exit code of the verdict.

    Without a time it is a look: it records nothing, and covers no time if nothing else watches.
    """
    loaded = load_config(getattr(options, "config", None), overrides(options))
    how = command_prefix(loaded, options)
    looks = not options.wait and not options.for_s
    speed = getattr(options, "speed", 1.0)
    with watching(loaded.config, call=how, speed=speed, read_only=True, records=not looks) as monitor:
        snapshot, counter = None, SnapshotCounter()
        again = GateAgain(monitor, looks) if options.again else None
        printer = EventPrinter() if not looks else None
        limit_s = options.for_s or (None if options.wait else patience_s(loaded.config.observe.interval_s))
        patience = EndedPatience(loaded.config.clock.startup_grace_s)
        for snapshot in follow(monitor, limit_s):
            if printer is not None:
                printer.print_new(snapshot)
            counter.count(snapshot)
            if options.wait and patience.waits_for_next_run(snapshot):
                continue
            if again is not None and again.is_open(snapshot):
                continue
            if options.for_s is None and _is_enough(snapshot, counter, options.wait):
                break
    if snapshot is None:
        raise RuntimeError("no sample was taken")
    is_alone = looks and not snapshot.recorded_by
    if is_alone:
        snapshot = of_look(snapshot)
    # A Snapshot has only the newest events; the recording of its run has all of them.
    recorded_events = events_of(snapshot.run.name, snapshot.run.started_at)
    histories = histories_so_far(
        snapshot,
        None if recorded_events is None else tuple(event for event in recorded_events if event.t <= snapshot.t),
    )
    ghost = None if options.ghost is None else ghost_of(options.ghost, snapshot, loaded.config)
    if not options.json and is_no_pool(snapshot):
        print("\n".join(text_lines(snapshot, loaded.config, search_of(loaded, how))))
    elif options.json:
        report = report_histories(histories)
        print(json.dumps(report if ghost is None else report | {"ghost": ghost_json(ghost, snapshot)}, indent=2))
    else:
        print(report_text(histories) if ghost is None else f"{report_text(histories)}\n{ghost_text(ghost, snapshot)}")
    sys.stdout.flush()
    if saw_none(snapshot):
        print(no_worker_hint(loaded.config, how), file=sys.stderr)
    if is_alone:
        watch = f"{how} record"
        print(f"nothing else watches this pool; one look covers no time. To watch it: {watch}", file=sys.stderr)
        return 2 if snapshot.verdict.kind is VerdictKind.STOP else 3
    return snapshot.verdict.exit_code


class GateAgain:
    """Asks once to take the gate again, as soon as the state of the run is known."""

    def __init__(self, monitor: Engine, looks: bool) -> None:
        self._monitor = monitor
        self._looks = looks
        self._asked_t: float | None = None
        self._is_refused = False

    def is_open(self, snapshot: Snapshot) -> bool:
        """Return whether the request is not answered yet; says why when it is refused."""
        if self._is_refused:
            return False
        if self._asked_t is not None:
            return not (snapshot.gate.kind == "again" and (snapshot.gate.began_t or 0.0) >= self._asked_t)
        if self._looks and not snapshot.recorded_by:
            return self._refuse("nothing else watches this pool: use --again with --wait")
        if why := again_refusal(snapshot.gate, snapshot.t):
            return self._refuse(why)
        self._asked_t = snapshot.t
        self._monitor.ask_gate_again("check")
        return True

    def _refuse(self, why: str) -> bool:
        self._is_refused = True
        print(f"the gate is not taken again: {why}", file=sys.stderr)
        return False


class EndedPatience:
    """Waits for a new run where the one at the first look was over already: its word is no answer to --wait."""

    def __init__(self, grace_s: float, now: Callable[[], float] = time.monotonic) -> None:
        """Wait at most `grace_s` real seconds."""
        self._grace_s = grace_s
        self._now = now
        self._until_s: float | None = None
        self._saw_alive = False

    def waits_for_next_run(self, snapshot: Snapshot) -> bool:
        """Return whether a new run may still begin; a run that died while it was watched is an answer."""
        end = snapshot.verdict.ended
        if end is None:
            self._saw_alive = self._saw_alive or any(worker.reach is Reach.UP for worker in snapshot.workers)
            self._until_s = None
            return False
        if self._saw_alive and not end.keeps_verdict:
            return False
        if self._until_s is None:
            self._until_s = self._now() + self._grace_s
        return self._now() < self._until_s


def _is_enough(snapshot: Snapshot, counter: SnapshotCounter, wait: bool) -> bool:
    return counter.total >= ENOUGH and not (wait and snapshot.verdict.kind in OPEN)


def patience_s(interval_s: float) -> float:
    """Return the longest duration of a plain check in real seconds: 6 polling intervals."""
    return PATIENCE_INTERVALS * (interval_s or 5.0)
