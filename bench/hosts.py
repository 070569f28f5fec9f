"""Measures a pool on several hosts: real agents on this machine, and larger clusters on paper from those numbers.

    python -m bench.hosts [--hosts 4 8 16] [--workers 16] [--seconds 40] [--write]

Each agent is a process that reads its share of a farm of workers. Does not: measure a network.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from bench import farm as farms
from bench import process_tree
from bench.documents import Change
from bench.machine import description
from metabonk_tui.adapters.agent import start
from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.wiring import watching
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import Reach
from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.engine.engine import Engine
from metabonk_tui.ui.controller import Controller
from metabonk_tui.ui.screens.registry import all_screens

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- hosts: begin -->", "<!-- hosts: end -->"
LIMIT_S = 120.0
SIZE = (200, 60)
DRAWS = 20
PAPER = ((16, 16), (64, 16), (125, 20), (250, 20), (500, 20))
"""Hosts and workers on each of the clusters on paper; the last one has 10 000 workers."""


class CountedLink(AgentLink):
    """A link that counts the bytes of both directions."""

    bytes_in = 0
    bytes_out = 0

    async def _line(self) -> bytes:
        line = await super()._line()
        self.bytes_in += len(line)
        return line

    async def _write(self, line: bytes) -> None:
        self.bytes_out += len(line)
        await super()._write(line)


class Measured(Struct, frozen=True):
    """One cluster, in each second."""

    hosts: int
    workers: int
    """On each host."""
    interval_s: float
    answering: int
    agent_cpu_share: float
    """Of one core, the middle one of the agents."""
    agent_rss_bytes: int
    monitor_cpu_share: float
    host_bytes_s: float
    """Of the middle host, both directions."""
    delay_s: float
    took_s: float
    """From the question to the whole answer, the middle one."""
    draw_s: float
    """CPU time of one picture of the dashboard."""
    last: Snapshot | None = None


def measure(hosts: int, workers: int, seconds: float) -> Measured:
    """Watch a cluster for some seconds."""
    made: list[CountedLink] = []

    def counted(*given: object, **more: object) -> CountedLink:
        link = CountedLink(*given, **more)  # type: ignore[arg-type]
        made.append(link)
        return link

    usual, start.AgentLink = start.AgentLink, counted  # type: ignore[assignment, misc]
    try:
        with farms.running(hosts * workers, Change.USUAL) as farm, _state() as folder:
            config = _configuration(folder, farm.base_port, hosts, workers)
            with watching(load_config(str(config), {}).config, call="", state=folder, records=False) as monitor:
                return _watched(monitor, made, hosts, workers, seconds)
    finally:
        start.AgentLink = usual  # type: ignore[misc]


def _watched(monitor: Engine, links: list[CountedLink], hosts: int, workers: int, seconds: float) -> Measured:
    ends_s = time.monotonic() + LIMIT_S
    while _answering(monitor.latest()) < hosts * workers and time.monotonic() < ends_s:
        time.sleep(0.5)
    pids = [link._process.pid for link in links if link._process is not None]
    before_s, bytes_before = [process_tree.cpu_s(pid) for pid in pids], [_bytes(link) for link in links]
    own_s, began_s, ticks = time.process_time(), time.monotonic(), 0
    delays: list[float] = []
    took: list[float] = []
    seen = monitor.latest()
    while time.monotonic() - began_s < seconds:
        time.sleep(0.25)
        snapshot = monitor.latest()
        if snapshot is not None and snapshot is not seen:
            ticks += 1
            seen = snapshot
            delays += [h.link.delay_s for h in snapshot.hosts.values() if h.link and h.link.delay_s is not None]
            took += [link.latest.took_s for link in links]
    passed_s = time.monotonic() - began_s
    own_share = (time.process_time() - own_s) / passed_s
    shares = [(process_tree.cpu_s(pid) - was) / passed_s for pid, was in zip(pids, before_s, strict=True)]
    moved = [(_bytes(link) - was) / passed_s for link, was in zip(links, bytes_before, strict=True)]
    return Measured(
        hosts,
        workers,
        passed_s / max(ticks, 1),
        _answering(seen),
        statistics.median(shares),
        int(statistics.median(process_tree.rss_bytes(pid) for pid in pids)),
        own_share,
        statistics.median(moved),
        statistics.median(delays or [0.0]),
        statistics.median(took or [0.0]),
        _draw_s(monitor, seen),
        seen,
    )


def _draw_s(monitor: Monitor, snapshot: Snapshot | None) -> float:
    """Return the CPU time that one picture of the dashboard takes."""
    config = load_config(None, {}).config
    controller = Controller(monitor, config, all_screens())
    took: list[float] = []
    for number in range(DRAWS):
        assert snapshot is not None
        # What did not change is not drawn again, so each picture is one of another Snapshot.
        controller.update(replace(snapshot, t=snapshot.t + number, tick=snapshot.tick + number))
        began_s = time.thread_time()
        controller.rows(*SIZE)
        took.append(time.thread_time() - began_s)
    return statistics.median(took)


def grown(snapshot: Snapshot, hosts: int, workers: int) -> Snapshot:
    """Return the Snapshot of a larger cluster, made of copies of the hosts and workers of this one."""
    views, known = list(snapshot.hosts.values()), list(snapshot.workers)
    names = [f"n{at:03}" for at in range(hosts)]
    refs = [WorkerRef(name, slot) for name in names for slot in range(workers)]
    return replace(
        snapshot,
        hosts={name: views[at % len(views)] for at, name in enumerate(names)},
        workers=tuple(replace(known[at % len(known)], ref=ref) for at, ref in enumerate(refs)),
    )


class _Still:
    """A monitor of which nothing is asked but its last Snapshot."""

    fault: str | None = None

    def latest(self) -> Snapshot | None:
        return None

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: None


def _answering(snapshot: Snapshot | None) -> int:
    return 0 if snapshot is None else sum(worker.reach is Reach.UP for worker in snapshot.workers)


def _bytes(link: CountedLink) -> int:
    return link.bytes_in + link.bytes_out


@contextmanager
def _state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-hosts-") as folder:
        saved = {key: os.environ.get(key) for key in ("METABONK_TUI_STATE_DIR", "XDG_CONFIG_HOME")}
        os.environ |= dict.fromkeys(saved, folder)
        try:
            yield Path(folder)
        finally:
            for key, value in saved.items():
                os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)


def _configuration(folder: Path, base_port: int, hosts: int, workers: int) -> Path:
    path = folder / "hosts.toml"
    lines = [f"[pool]\nworkers = {workers}\n"]
    for at in range(hosts):
        lines.append(f'[[host]]\nname = "n{at:02}"\nbase_port = {base_port + at * workers}\n')
    path.write_text("".join(lines))
    return path


def table(found: Sequence[Measured]) -> list[str]:
    """Return the table of what was measured."""
    head = ("hosts", "workers", "answer", "every s", "agent CPU", "agent MiB", "host kB/s", "delay ms", "answer ms")
    head += ("monitor CPU", "draw ms")
    rows = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for each in found:
        rows.append(
            f"| {each.hosts} | {each.hosts * each.workers} | {each.answering} | {each.interval_s:.1f} "
            f"| {each.agent_cpu_share:.1%} | {each.agent_rss_bytes / 2**20:.0f} | {each.host_bytes_s / 1e3:.0f} "
            f"| {each.delay_s * 1e3:.0f} | {each.took_s * 1e3:.0f} | {each.monitor_cpu_share:.1%} "
            f"| {each.draw_s * 1e3:.1f} |"
        )
    return rows


def paper(found: Sequence[Measured]) -> list[str]:
    """Return larger clusters computed from the largest one that was measured."""
    base = found[-1]
    per_worker = base.host_bytes_s / base.workers
    monitor_per_worker = base.monitor_cpu_share / (base.hosts * base.workers)
    agent_per_worker = base.agent_cpu_share / base.workers
    rows = [
        "| hosts | workers | polls/s of one agent | agent CPU | into the monitor MB/s | monitor CPU | draw ms |",
        "|" + " --- |" * 7,
    ]
    for hosts, workers in PAPER:
        every_s = base.interval_s if workers <= 16 else 5.0
        rate = base.interval_s / every_s
        total = hosts * workers
        assert base.last is not None
        draw_s = _draw_s(cast(Monitor, _Still()), grown(base.last, hosts, workers))
        rows.append(
            f"| {hosts} | {total} | {workers / every_s:.1f} | {agent_per_worker * workers * rate:.1%} "
            f"| {per_worker * total * rate / 1e6:.1f} | {monitor_per_worker * total * rate:.0%} "
            f"| {draw_s * 1e3:.0f} |"
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args()
    found = []
    for hosts in options.hosts:
        found.append(measure(hosts, options.workers, options.seconds))
        print("\n".join(table(found[-1:])[-1:]), file=sys.stderr, flush=True)
    machine = description()
    where = ", ".join(f"{machine[key]}" for key in ("date", "cores", "processor", "memory", "kernel", "python"))
    remark = f"{where}; {options.seconds:.0f} s each, with other programs on the machine."
    text = "\n".join((remark, "", *table(found), "", "On paper:", "", *paper(found)))
    print(text)
    if options.write:
        document = DOCUMENT.read_text()
        before, rest = document.split(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
