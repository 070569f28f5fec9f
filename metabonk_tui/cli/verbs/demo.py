"""`demo`: starts a small MetaBonk of real processes and opens the monitor on it.

Stops every process when the monitor is closed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from metabonk_tui.adapters.state.config_files import LoadedConfig, load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED
from metabonk_tui.cli.live.demo_goodbye import keep, say_goodbye
from metabonk_tui.cli.live.demo_pool import DemoPool, LeaveSignal, demo_pool
from metabonk_tui.cli.options import Parser, add_screen_options, count, factor, overrides, port
from metabonk_tui.cli.suggest import with_options

SCENARIOS = {
    "seed": "five workers, env file sourced but not exported: only System2 moves",
    "healthy": "every component learns, gameplay is reached after 40 to 50 minutes",
    "silent": "env file not exported, Ollama not found: every component is silent",
    "disabled": "the env file itself switches the components off",
    "leak": "every worker's memory grows",
    "steps": "models load in jumps, then memory is flat",
    "flaky": "workers die now and then and are respawned",
    "hung": "the last worker accepts and never answers again",
    "nan": "the last worker's intrinsic reward becomes NaN",
    "zombie": "the last worker answers, its step stands still",
    "imports": "the last worker cannot import its intrinsic reward",
    "starved": "no frame reaches the last worker's state classifier",
    "mixed": "no frames on w1, NaN on w2, w3 hangs, w4 stands still, w5 races",
    "override": "the launcher's profile switches System2 off, whatever the file says",
    "swallowed": "pure vision swallows the intrinsic reward: the env file lacks a key",
    "mute": "Ollama is down: System2 asks and gets no answer",
    "idle": "the last worker answers, and nothing in it ever grows",
    "racing": "the last worker's step rate jumps fortyfold",
    "looping": "the last worker dies a minute after every start",
    "frozen": "the last worker's steps advance, its frames do not",
    "broken": "the last worker answers with HTTP 500",
    "slow": "every answer takes about a second",
    "crash": "only System2 moves, memory falls, workers are killed at 75 minutes",
}
"""The scenarios of the demo package with what each shows, repeated here: an import contract forbids importing it."""
SPEED = 30.0
"""At this speed a gate of 30 minutes takes 1 real minute."""
PLAIN_LIMIT_S = 120.0


def add_options(parser: Parser, verb: str) -> None:
    add = parser.add_argument
    listed = "\n".join(f"  {name:<10} {shows}" for name, shows in SCENARIOS.items())
    parser.epilog = f"scenarios:\n{listed}"
    add("--scenario", metavar="S", choices=SCENARIOS, default="seed", help="choose a scenario of the list below")
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
    add_screen_options(parser)
    add("--story", action="store_true", help="show how a run died after 75 minutes, in one minute, from recordings")
    add("--no-ui", action="store_true", help="run only the pool, and print how to watch it")


def main(options: argparse.Namespace, verb: str) -> int:
    """Run the demo; return the exit code. Without a terminal it prints plain text and ends by itself."""
    from metabonk_tui.cli.live.open_app import no_terminal

    if options.story:
        from metabonk_tui.cli.verbs.story import show_story

        return show_story(options)
    speed = getattr(options, "speed", SPEED)
    kept: list[Path] = []
    try:
        with demo_pool(
            options.scenario, getattr(options, "workers", 0), getattr(options, "base_port", 0), speed
        ) as pool:
            if not options.no_ui:
                pool.keep = partial(keep, options.scenario, kept)
            pool.start()
            if options.no_ui:
                code = _alone(pool, speed)
            elif no_terminal():
                code = _plain(pool, speed, options)
            else:
                code = _monitor(pool, speed, options)
    except LeaveSignal as received:
        return _code_of(received, options)
    except RuntimeError as error:
        # Python 3.11 wraps what a signal handler raises while a loading module makes a class.
        if not isinstance(error.__cause__, LeaveSignal):
            raise
        return _code_of(error.__cause__, options)
    if kept:
        say_goodbye(kept, speed)
    return FAILED if pool.left else code


def _code_of(received: LeaveSignal, options: argparse.Namespace) -> int:
    return DONE if options.no_ui and received.number == signal.SIGINT else 128 + received.number


def _loaded(pool: DemoPool, options: argparse.Namespace) -> LoadedConfig:
    """Load the pool's configuration with the user's own `[ui]` and `[keys]`, and the typed options of the screen."""
    own = load_config(None, {"ui": overrides(options).get("ui", {})}).config
    return load_config(str(pool.config), {"ui": msgspec.to_builtins(own.ui), "keys": own.keys})


def _monitor(pool: DemoPool, speed: float, options: argparse.Namespace) -> int:
    from metabonk_tui.cli.verbs.watch import open_monitor

    how = with_options(config=pool.config, speed=speed)
    loaded = _loaded(pool, options)
    return open_monitor(loaded, how, speed=speed, read_only=False, state=pool.state, last_words=pool.end)


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
        time.sleep(1.0)  # not `signal.pause`: a Ctrl-C just before it would be lost


def _plain(pool: DemoPool, speed: float, options: argparse.Namespace) -> int:
    """Print events until the verdict is decided, for at most 120 s, then the report."""
    from metabonk_tui.cli.live.follow import EventPrinter, follow
    from metabonk_tui.cli.report.text import report_text
    from metabonk_tui.cli.verbs.check import OPEN
    from metabonk_tui.cli.wiring import watching
    from metabonk_tui.core.report.run_history import histories_so_far

    config = _loaded(pool, options).config
    snapshot = None
    printer = EventPrinter(sys.stdout)
    print(f"no terminal, so in plain text: {pool.workers} real workers, run clock {speed:g} times faster", flush=True)
    how = with_options(config=pool.config, speed=speed)
    with watching(config, call=how, speed=speed, read_only=True, state=pool.state) as monitor:
        for snapshot in follow(monitor, PLAIN_LIMIT_S):
            printer.print_new(snapshot)
            if snapshot.verdict.kind not in OPEN:
                break
    if snapshot is None:
        raise RuntimeError("no sample was taken")
    print("\n" + report_text(histories_so_far(snapshot)))
    print("\nthe demo ends here and stops its pool; in a terminal you could act on the pool", flush=True)
    return DONE
