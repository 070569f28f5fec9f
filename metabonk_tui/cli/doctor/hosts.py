"""Checks the hosts of a pool on several: connects to each agent once, at the same time. Does not: act on a pool."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from metabonk_tui.adapters.agent.start import links_of
from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.ports.hosts import HostAnswer, HostLink
from metabonk_tui.core.text.phrases import count_of

COSTS = "its workers are unknown, and the memory of the pool is never known to be stable"
REMEDY = "try by hand: ssh -o BatchMode=yes HOST metabonk-tui --version; docs/hosts.md"

PERMIT = "correct its own configuration, or write read_only = true in its [[host]]"


def host_findings(config: Config, state: Path) -> Iterator[Finding]:
    """Ask every host once; blocks for at most some 20 s."""
    links = links_of(config, state)
    answers = asyncio.run(_ask(list(links.values())))
    for (name, link), answer in zip(links.items(), answers, strict=True):
        yield host_finding(name, link.workers, answer)


def host_finding(name: str, wanted: int, answer: HostAnswer) -> Finding:
    """Judge the answer of one host."""
    if answer.sample is None:
        return Finding("pool", name, "MISSING", answer.error, COSTS, REMEDY)
    seen = answer.sample.workers.values()
    up = sum(each.status is not None for each in seen)
    acts = "may act there" if answer.pool is not None else f"does not act: {answer.refusal}" if answer.refusal else ""
    parts = [f"{up} of {count_of(wanted, 'worker')} answer", f"agent {answer.version}", answer.skew, acts]
    parts += answer.notes
    text = ", ".join(part for part in parts if part)
    if answer.notes:
        return Finding("pool", name, "MISSING", text, "newer readings may be missing", "update the older of the two")
    if answer.refusal:
        return Finding("pool", name, "MISSING", text, "launch, resize and stop are refused for this host", PERMIT)
    if up == wanted:
        return Finding("pool", name, "PASS", text)
    return Finding("pool", name, "MISSING", text, "there is less to watch", "launch its workers on that host")


async def _ask(links: list[HostLink]) -> list[HostAnswer]:
    try:
        return await asyncio.gather(*(link.read(True) for link in links))
    finally:
        await asyncio.gather(*(link.aclose() for link in links))
