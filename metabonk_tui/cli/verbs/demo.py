"""`demo`: starts a small MetaBonk of real processes and opens the monitor on it.

Stops every process when the monitor is closed.
"""

from __future__ import annotations

import argparse
import signal
import sys

import msgspec

from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED
from metabonk_tui.cli.live.demo_pool import DemoPool, LeaveSignal, demo_pool
from metabonk_tui.cli.options import Parser, count, factor, port
from metabonk_tui.cli.suggest import with_options

SCENARIOS = (
    *("seed", "healthy", "silent", "disabled", "leak", "steps"),
    *("flaky", "hung", "nan", "zombie"),
    *("imports", "starved", "mixed", "override", "swallowed", "mute"),
    *("idle", "racing", "looping", "frozen", "broken", "slow", "crash"),
)
"""The scenario names of the demo package, repeated here because an import contract forbids importing it."""
SPEED = 30.0
"""At this speed a gate of 30 minutes takes 1 real minute."""
PLAIN_LIMIT_S = 120.0


def add_options(parser: Parser, verb: str) -> None:
    add = parser.add_argument
    add("--scenario", metavar="S", choices=SCENARIOS, default="seed", help=f"choose one of: {', '.join(SCENARIOS)}")
    add(
        "--workers",
        type=count,
        metavar="N",
        default=argparse.SUPPRESS,
        help="set the number of workers; default: the scenario's",
    )
    add(
        "--base-port",
        type=port,
        metavar="P",
        default=argparse.SUPPRESS,
        help="set the base port: worker i answers on P + i",
    )
    add(
        "--speed",
        type=factor,
        metavar="X",
        default=argparse.SUPPRESS,
        help=f"run the clock X times faster; default: {SPEED:g}",
    )
    add("--no-ui", action="store_true", help="run only the pool, and print how to watch it")


def main(options: argparse.Namespace, verb: str) -> int:
    """Run the demo; return the exit code. Without a terminal it prints plain text and ends by itself."""
    from metabonk_tui.cli.live.open_app import no_terminal

    speed = getattr(options, "speed", SPEED)
    try:
        with demo_pool(
            options.scenario, getattr(options, "workers", 0), getattr(options, "base_port", 0), speed
        ) as pool:
            pool.start()
            if options.no_ui:
                code = _alone(pool, speed)
            elif no_terminal():
                code = _plain(pool, speed)
            else:
                code = _monitor(pool, speed)
    except LeaveSignal as received:
        return _code_of(received, options)
    except RuntimeError as error:
        # Python 3.11 wraps what a signal handler raises while a loading module makes a class.
        if not isinstance(error.__cause__, LeaveSignal):
            raise
        return _code_of(error.__cause__, options)
    return FAILED if pool.left else code


def _code_of(received: LeaveSignal, options: argparse.Namespace) -> int:
    return DONE if options.no_ui and received.number == signal.SIGINT else 128 + received.number


def _loaded(pool: DemoPool) -> LoadedConfig:
    """Load the pool's configuration with the user's own `[ui]` settings."""
    ui_config = msgspec.to_builtins(load_config().config.ui)
    return load_config(str(pool.config), {"ui": ui_config})


def _monitor(pool: DemoPool, speed: float) -> int:
    from metabonk_tui.cli.verbs.watch import open_monitor

    how = with_options(config=pool.config, speed=speed)
    state = pool.directory / "state"
    return open_monitor(_loaded(pool), how, speed=speed, read_only=False, state=state, last_words=pool.end)


def _alone(pool: DemoPool, speed: float) -> int:
    last = pool.base_port + pool.workers - 1
    how = with_options(config=pool.config, speed=speed)
    print(f"{pool.workers} workers on ports {pool.base_port}-{last}, run clock {speed:g} times faster")
    print(f"watch it:  {how}")
    print(f"or:        {how} check --wait")
    print("Ctrl-C stops it", flush=True)
    assert pool.launcher is not None
    pool.launcher.wait()
    # A monitor that launches or resizes replaces this launcher. This process must still stop the new pool.
    print("the first launcher has ended; Ctrl-C stops what was launched since", file=sys.stderr, flush=True)
    while True:
        signal.pause()


def _plain(pool: DemoPool, speed: float) -> int:
    """Print events until the verdict is decided, for at most 120 s, then the report."""
    from metabonk_tui.cli.live.follow import EventPrinter, follow
    from metabonk_tui.cli.report.text import report_text
    from metabonk_tui.cli.verbs.check import OPEN
    from metabonk_tui.cli.wiring import watching
    from metabonk_tui.core.report.run_history import histories_so_far

    config = _loaded(pool).config
    snapshot = None
    printer = EventPrinter(sys.stdout)
    print(f"no terminal, so in plain text: {pool.workers} real workers, run clock {speed:g} times faster", flush=True)
    how = with_options(config=pool.config, speed=speed)
    with watching(config, call=how, speed=speed, read_only=True, state=pool.directory / "state") as monitor:
        for snapshot in follow(monitor, PLAIN_LIMIT_S):
            printer.print_new(snapshot)
            if snapshot.verdict.kind not in OPEN:
                break
    if snapshot is None:
        raise RuntimeError("no sample was taken")
    print("\n" + report_text(histories_so_far(snapshot)))
    print("\nthe demo ends here and stops its pool; in a terminal you could act on the pool", flush=True)
    return DONE
