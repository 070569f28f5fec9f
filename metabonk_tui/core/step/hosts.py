"""Follows which hosts a pool has, and how their agents answer. Does not: judge their memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.host import LinkReading
from metabonk_tui.core.model.refs import ONLY_HOST, HostName, WorkerRef, first_slots
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.step.state import HostState
from metabonk_tui.core.text.numbers import age
from metabonk_tui.core.text.phrases import count_of
from metabonk_tui.core.worker.process_exits import ExitedProcess

NEW_HOST = HostState()


def with_hosts_of(hosts: Mapping[HostName, HostState], sample: Sample) -> Mapping[HostName, HostState]:
    """Return the states with one for every host that a sample names.

    A run begins with the only host. It is left out when hosts have names and it was never read. A host that the pool
    has released is left out as well.
    """
    released = {name for name, host in sample.hosts.items() if host.link is not None and host.link.state == "RELEASED"}
    if sample.hosts.keys() <= hosts.keys() and not released:
        return hosts
    known = {**hosts, **{name: NEW_HOST for name in sample.hosts if name not in hosts}}
    known = {name: state for name, state in known.items() if name not in released} or {ONLY_HOST: NEW_HOST}
    if len(known) > 1 and ONLY_HOST not in sample.hosts and _was_never_read(known.get(ONLY_HOST)):
        del known[ONLY_HOST]
    return dict(sorted(known.items()))


def _was_never_read(state: HostState | None) -> bool:
    """Return whether the only host has no reading: a queue may be empty of placed workers for hours."""
    return state is not None and state.memory.reading is None and state.link is None and not state.exits.present


def wanted_refs(
    hosts: Mapping[HostName, HostState], sample: Sample, desired: int | None, most: int
) -> frozenset[WorkerRef]:
    """Return the workers that should run: as many on each named host as it is wanted to have."""
    links = {name: sample.host(name).link or state.link for name, state in hosts.items()}
    if any(link is not None for link in links.values()):
        each = [WorkerRef(n, slot) for n, link in links.items() if link is not None for slot in link.wanted_slots]
        return frozenset(each[:most])
    return frozenset(sample.workers) if desired is None else first_slots(min(desired, most))


def still_placed(refs: Iterable[WorkerRef], hosts: Mapping[HostName, HostState], sample: Sample) -> set[WorkerRef]:
    """Return the known workers that may still be where they were: an engine may have moved the slot of another."""
    placed: dict[HostName, frozenset[int] | None] = {}
    for name, state in hosts.items():
        link = sample.host(name).link or state.link
        placed[name] = None if link is None or link.slots is None else frozenset(link.slots)
    none: frozenset[int] = frozenset()
    return {ref for ref in refs if (slots := placed.get(ref.host, none)) is None or ref.slot in slots}


def is_beyond_launch(ref: WorkerRef, hosts: Mapping[HostName, HostState], sample: Sample) -> bool:
    """Return whether a slot is beyond what the launcher of its host wants now: a resize there has ended it."""
    link = sample.host(ref.host).link or (hosts[ref.host].link if ref.host in hosts else None)
    return link is not None and link.launched and link.state == "UP" and ref.slot >= link.workers


def link_drafts(
    before: Mapping[HostName, HostState], now: Mapping[HostName, HostState], t: float
) -> Iterator[EventDraft]:
    """Yield that a host was lost, and that one is back."""
    for name, state in now.items():
        link, earlier = state.link, before[name].link if name in before else None
        if link is None:
            continue
        was_lost = earlier is not None and earlier.state == "LOST"
        if link.state == "LOST" and not was_lost:
            yield EventDraft(EventKind.HOST_LOST, "crit", lost_text(name, link, t), facts={"host": name})
        elif link.state == "UP" and was_lost:
            away_s = None if earlier is None or earlier.since_t is None else t - earlier.since_t
            after = "" if away_s is None else f" after {age(away_s)}"
            yield EventDraft(EventKind.HOST_BACK, "ok", f"{name} answers again{after}", facts={"host": name})


def lost_text(name: HostName, link: LinkReading, t: float) -> str:
    """Say that a host does not answer, since when and why; its workers may well run."""
    since = "never answered" if link.since_t is None else f"lost for {age(max(0.0, t - link.since_t))}"
    unknown = f": {count_of(link.workers, 'worker')} unknown" if link.workers else ""
    return f"{name} {since}{unknown}; {link.reason}" if link.reason else f"{name} {since}{unknown}"


def of_host(draft: EventDraft, name: HostName) -> EventDraft:
    """Return the draft with its host in front, where hosts have names."""
    return (
        draft
        if name == ONLY_HOST
        else replace(draft, text=f"{name}: {draft.text}", facts={**draft.facts, "host": name})
    )


def exit_text(text: str, process: ExitedProcess, name: HostName) -> str:
    """Return the text about an exit with its host, where the name of the process has none."""
    return text if name == ONLY_HOST or process.ref is not None else f"{name}: {text}"
