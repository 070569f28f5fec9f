"""Parses the command line of `python -m metabonk_tui.demo` and runs one verb of the demo pool."""

from __future__ import annotations

import argparse
import json
import os
import sys

from metabonk_tui.demo.scenarios import DEFAULT, SCENARIOS

# Each verb imports only its own modules, so that a worker answers within a third of a second.


def prepare(args: argparse.Namespace) -> int:
    """Write a pool's config and env file, and print how it is launched."""
    from metabonk_tui.demo.pool import free_base_port, pool_at
    from metabonk_tui.demo.prepare import prepare

    pool = pool_at(args.dir, args.base_port or free_base_port())
    workers = args.workers or SCENARIOS[args.scenario].workers
    print(
        json.dumps(prepare(pool, scenario=args.scenario, workers=workers, speed=args.speed, memory_mb=args.memory_mb))
    )
    return 0


def launch(args: argparse.Namespace) -> int:
    """Launch in the foreground."""
    from metabonk_tui.demo.launcher import Launcher, run_launcher
    from metabonk_tui.demo.pool import pool_at

    pool = pool_at(args.dir, args.base_port)
    launcher = Launcher(pool, args.workers or 5, args.scenario, args.speed, args.memory_mb)
    return run_launcher(pool, launcher, named=args.pool, not_exported=args.not_exported)


def stop(args: argparse.Namespace) -> int:
    """Stop it all and look again; with METABONK_DEMO_STOP_LIES=1 only say so, as the real one sometimes does."""
    from metabonk_tui.demo.pool import MAX_WORKERS, end, pool_at

    pool = pool_at(args.dir, args.base_port)
    survivors: list[int] = []
    if os.environ.get("METABONK_DEMO_STOP_LIES") != "1":
        survivors = end(pool, print, pool.ports(MAX_WORKERS))
    if survivors:
        print(f"[stop] still there: pids {survivors}")
        return 1
    print("[stop] ok: no remaining MetaBonk PIDs detected")
    return 0


def worker(args: argparse.Namespace) -> int:
    """Run one worker until it ends; return its exit code."""
    from metabonk_tui.demo.worker import run_worker

    return run_worker(
        slot=int(args.instance_id.rpartition("-")[2]),
        port=args.port,
        orchestrator_port=args.orchestrator_port,
        scenario=SCENARIOS[args.scenario],
        speed=args.speed,
        attempt=args.attempt,
        memory_mb=args.memory_mb,
        workers=args.workers,
    )


def orchestrator(args: argparse.Namespace) -> int:
    """Run the orchestrator until it ends; return its exit code."""
    from metabonk_tui.demo.orchestrator import run_orchestrator

    return run_orchestrator(args.port)


def ollama(args: argparse.Namespace) -> int:
    """Run the Ollama stand-in until it ends; return its exit code."""
    from metabonk_tui.demo.ollama import run_ollama

    return run_ollama(args.port, args.memory_mb)


def _parser() -> argparse.ArgumentParser:
    scenarios = "\n".join(f"  {name:<9} {row.summary}" for name, row in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m metabonk_tui.demo",
        description="A small MetaBonk made of real processes.",
        epilog=f"scenarios:\n{scenarios}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(required=True, metavar="prepare | launch | stop")
    for run, base_port in ((prepare, 0), (launch, None), (stop, None)):
        verb = verbs.add_parser(run.__name__, help=run.__doc__, allow_abbrev=False)
        verb.set_defaults(run=run)
        verb.add_argument("--dir", required=True, help="the pool's folder")
        verb.add_argument("--base-port", type=_base_port, required=base_port is None, default=base_port)
        if run is stop:
            continue
        verb.add_argument("--scenario", choices=SCENARIOS, default=DEFAULT)
        verb.add_argument("--speed", type=_positive, default=1.0, help="how much faster than life")
        verb.add_argument("--workers", type=_workers, default=0, help="0: the scenario's own, for launch 5")
        verb.add_argument("--memory-mb", type=_positive, default=40.0, help="what each worker holds")
        if run is launch:
            verb.add_argument("--not-exported", action="store_true", help="as if the env file had only been sourced")
            verb.add_argument("--pool", default="", help=argparse.SUPPRESS)
    for run in (worker, orchestrator, ollama):
        verb = verbs.add_parser(run.__name__, allow_abbrev=False)
        verb.set_defaults(run=run)
        verb.add_argument("--pool", required=True)
        verb.add_argument("--port", type=int, required=True)
        verb.add_argument("--memory-mb", type=_positive, default=40.0)
        if run is not worker:
            continue
        verb.add_argument("--instance-id", required=True)
        verb.add_argument("--policy-name", default="Greed")
        verb.add_argument("--scenario", choices=SCENARIOS, default=DEFAULT)
        verb.add_argument("--speed", type=_positive, default=1.0)
        verb.add_argument("--workers", type=int, default=1)
        verb.add_argument("--attempt", type=int, default=0)
        verb.add_argument("--orchestrator-port", type=int, required=True)
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100_000:
        raise argparse.ArgumentTypeError(f"{text}: above 0 expected")
    return value


def _workers(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 64:
        raise argparse.ArgumentTypeError(f"{text}: 1 to 64 expected")
    return value


def _base_port(text: str) -> int:
    value = int(text)
    if not (value == 0 or 1024 <= value <= 65_000):
        raise argparse.ArgumentTypeError(f"{text}: 1024 to 65000 expected")
    return value


if __name__ == "__main__":
    args = _parser().parse_args()
    sys.exit(args.run(args))
