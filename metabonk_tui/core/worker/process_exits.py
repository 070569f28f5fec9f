"""How processes ended: which of ours is gone, and the strongest evidence of why. Refuses to guess without any.

Late evidence (the kernel's log, the launcher's log, the end of our own action) may raise what is believed, never lower
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from metabonk_tui.core.memory.tracker import MemoryTrack
from metabonk_tui.core.model.process_exit import Death, as_exit
from metabonk_tui.core.model.sample import ExitReading, KernelKill, ProcessReading, Role, Sample, Severity
from metabonk_tui.core.model.worker import Generation

KEPT_DEATHS = 200
LATE_S = 30.0
"""The launcher logs an exit when it respawns, some seconds after the death."""
NAMED: tuple[Role, ...] = ("worker", "ollama", "launcher")
FROM_EVENT_S = 60.0
"""How far back an action of ours may have begun where only its end was recorded."""


@dataclass(frozen=True, slots=True)
class Gone:
    """One process that is gone."""

    role: Role
    slot: int | None
    pid: int | None
    t: float
    """When it was first seen to be gone."""
    death: Death
    started_at: float | None = None
    rss_bytes: int = 0
    name: str = ""
    told: str | None = None
    """What was last told of it; None: nothing yet."""

    @property
    def who(self) -> str:
        """Name it: "w1", "ollama"."""
        return f"w{self.slot}" if self.role == "worker" else self.role


@dataclass(frozen=True, slots=True)
class Deed:
    """An action of ours on the pool: whom it may have ended, from when to when."""

    from_t: float
    to_t: float | None
    """None: it is under way."""
    pid: int | None
    """The one process that it meant; None: the whole pool as it was at `from_t`."""
    text: str


@dataclass(frozen=True, slots=True)
class Deaths:
    """What is remembered of processes in one run."""

    present: tuple[ProcessReading, ...] = ()
    """At the last look."""
    gone: tuple[Gone, ...] = ()
    deeds: tuple[Deed, ...] = ()
    exits: tuple[tuple[float, ExitReading], ...] = ()
    """Exits that no death took yet, with when they were read."""
    kernel: tuple[tuple[float, KernelKill], ...] = ()
    counted: tuple[tuple[float, int, str | None], ...] = ()
    """(t, kills, scope) of counters that moved."""
    low_t: float | None = None
    """When memory was last seen critical."""
    happened: tuple[tuple[Severity, str, Gone], ...] = ()


def observe(
    deaths: Deaths, sample: Sample, before: MemoryTrack, memory: MemoryTrack, slack_s: float, late_s: float
) -> Deaths:
    """Take in one tick: who is gone, what speaks about it, and what can be told by now.

    `slack_s` is how far apart a death and a counter may be seen, `late_s` how late a log may tell of it.
    """
    deaths = _gather(replace(deaths, happened=()), sample, before, memory, late_s)
    gone = list(deaths.gone)
    if sample.processes is not None:
        now = {(p.role, p.slot, p.pid) for p in sample.processes}
        gone += [
            Gone(p.role, p.slot, p.pid, sample.t, Death("unknown", "nothing says why", sample.t), p.started_at,
                 p.rss_bytes, p.name)
            for p in deaths.present
            if (p.role, p.slot, p.pid) not in now
        ]  # fmt: skip
        deaths = replace(deaths, present=tuple(p for p in sample.processes if p.role in NAMED and p.pid is not None))
    gone, exits = _with_exits(gone, deaths.exits, sample.t, late_s)
    deaths = replace(deaths, exits=exits)
    judged = [_judge(one, gone, deaths, slack_s, late_s) if sample.t - one.t <= late_s else one for one in gone]
    told, happened = [], []
    for one in judged:
        settled = one.death.strength > 0 or sample.t - one.t > late_s or one.told is not None
        if settled and one.death.text != one.told:
            happened.append((_severity(one), _sentence(one), one))
            one = replace(one, told=one.death.text)
        told.append(one)
    return replace(deaths, gone=tuple(told[-KEPT_DEATHS:]), happened=tuple(happened))


def of_slot(deaths: Deaths, slot: int) -> tuple[Gone, ...]:
    """List the deaths in one slot, oldest first."""
    return tuple(one for one in deaths.gone if one.role == "worker" and one.slot == slot)


Ends = Mapping[tuple[int, int | None], str]
"""How processes ended, by (slot, pid); by (slot, None) the last one of the slot."""


def known_ends(deaths: Deaths, t: float, late_s: float) -> Ends:
    """Say how the processes of each slot ended, where that is recent and known."""
    ends: dict[tuple[int, int | None], str] = {}
    for one in deaths.gone:
        if one.slot is not None and one.role == "worker" and t - one.t <= late_s:
            ends.pop((one.slot, None), None)
            if one.death.strength > 0:
                ends[one.slot, one.pid] = ends[one.slot, None] = one.death.text
    return ends


def with_ends(generations: Sequence[Generation], gone: Sequence[Gone]) -> tuple[Generation, ...]:
    """Give every generation the end of its process: by its pid, else by the time in which it was gone."""
    ended = []
    for index, life in enumerate(generations):
        following_t = generations[index + 1].began_t if index + 1 < len(generations) else None
        death = next(
            (
                one.death
                for one in reversed(gone)
                if (one.pid == life.pid if None not in (one.pid, life.pid) else _within(one.t, life, following_t))
            ),
            None,
        )
        ended.append(life if death is None else replace(life, ended=death))
    return tuple(ended)


def _within(t: float, life: Generation, following_t: float | None) -> bool:
    # A death is seen at the same tick as the life after it, or before.
    return life.began_t < t and (following_t is None or t <= following_t)


def _gather(deaths: Deaths, sample: Sample, before: MemoryTrack, memory: MemoryTrack, late_s: float) -> Deaths:
    t = sample.t
    fresh_t = t - late_s
    counted = [each for each in deaths.counted if each[0] >= fresh_t]
    reading = memory.reading
    if (
        reading is not None
        and reading.oom_kills is not None
        and before.kills_seen is not None
        and before.kills_scope == reading.oom_scope
        and reading.oom_kills > before.kills_seen
    ):
        counted.append((t, reading.oom_kills - before.kills_seen, reading.oom_scope))
    kills = sample.kernel_log.kills if sample.kernel_log is not None else ()
    return replace(
        deaths,
        counted=tuple(counted),
        low_t=t if memory.level == "crit" else deaths.low_t,
        exits=(*(each for each in deaths.exits if each[0] >= fresh_t), *((t, each) for each in sample.exits)),
        kernel=(*(each for each in deaths.kernel if each[0] >= fresh_t), *((t, kill) for kill in kills)),
        deeds=_deeds(deaths.deeds, sample, fresh_t),
    )


def _deeds(deeds: tuple[Deed, ...], sample: Sample, fresh_t: float) -> tuple[Deed, ...]:
    """Follow what we do to the pool. One slot is named by its pid in the event; everything else means all."""
    kept = [deed for deed in deeds if deed.to_t is not None and deed.to_t >= fresh_t]
    operation = sample.pool.operation if sample.pool is not None else None
    open_ = next((deed for deed in deeds if deed.to_t is None), None)
    if operation is not None and operation.ended_at is None:
        if not operation.action.startswith("stop worker"):
            kept.append(Deed(operation.started_at, None, None, operation.action))
    elif open_ is not None and (sample.pool is not None or sample.events):
        kept.append(replace(open_, to_t=sample.t))
    elif open_ is not None:
        kept.append(open_)
    for event in sample.events:
        if event.kind not in ("pool.stop", "pool.launch", "pool.resize") or event.severity == "crit":
            continue
        pid = event.facts.get("pid")
        if isinstance(pid, int):
            kept.append(Deed(event.t - FROM_EVENT_S, event.t, pid, event.text))
        elif event.worker is None and open_ is None and (event.kind == "pool.stop" or event.facts.get("from")):
            kept.append(Deed(event.t - FROM_EVENT_S, event.t, None, event.text))
    return tuple(kept)


def _with_exits(
    gone: list[Gone], exits: Sequence[tuple[float, ExitReading]], t: float, late_s: float
) -> tuple[list[Gone], tuple[tuple[float, ExitReading], ...]]:
    """Give each exit that was read to the process that it tells of; one that fits nobody waits."""
    gone, left = list(gone), []
    for read_t, told in exits:
        fitting = [
            index
            for index, one in enumerate(gone)
            if one.role == told.role
            and one.slot == told.slot
            and t - one.t <= late_s
            and one.death.exit_code is None
            and (told.pid is None or one.pid is None or told.pid == one.pid)
        ]
        if fitting:
            # The log tells of deaths in their order.
            index = fitting[0]
            death = replace(gone[index].death, exit_code=told.code, signal=as_exit(told.code)[1])
            gone[index] = replace(gone[index], death=death)
        else:
            left.append((read_t, told))
    return gone, tuple(left)


def _judge(one: Gone, everyone: Sequence[Gone], deaths: Deaths, slack_s: float, late_s: float) -> Gone:
    """Find the strongest evidence about one death; what is weaker than what is believed changes nothing."""
    code, signal = one.death.exit_code, one.death.signal
    found = [one.death, *_of_kernel_log(one, everyone, deaths, late_s), *_of_deeds(one, deaths, slack_s)]
    nine = signal == 9
    if code is None or nine:
        found += _of_counters(one, everyone, deaths, slack_s)
    if nine and deaths.low_t is not None and abs(one.t - deaths.low_t) <= slack_s:
        found.append(Death("probably OOM", "signal 9 while memory was critical", one.t, strength=35))
    if code is not None:
        # Our own child: a launcher of somebody else tells nobody how it ended.
        source = "to us, its parent" if one.role == "launcher" else "in the launcher's log"
        found.append(Death("exited" if signal is None else "killed", f"exit {code} {source}", one.t, strength=30))
    best = max(found, key=lambda death: death.strength)
    return replace(one, death=replace(best, exit_code=code, signal=signal))


def _of_kernel_log(one: Gone, everyone: Sequence[Gone], deaths: Deaths, late_s: float) -> list[Death]:
    found = []
    for t, kill in deaths.kernel:
        if abs(t - one.t) > late_s:
            continue
        where = f" in {kill.task_cgroup}" if kill.task_cgroup else ""
        if kill.pid is not None:
            if kill.pid == one.pid:
                text = f"the kernel's log: killed process {kill.pid} ({kill.name}){where}"
                found.append(Death("OOM-killed", text, one.t, strength=60))
        elif [each for each in everyone if _looks_like(kill, each)] == [one]:
            text = f"the kernel's log: killed {kill.name} of this size{where}; its pid is of another namespace"
            found.append(Death("OOM-killed", text, one.t, strength=45))
    return found


def _looks_like(kill: KernelKill, one: Gone) -> bool:
    """Compare name and size: all there is where the log's pids are not ours."""
    if not kill.name or one.name.split(" ")[0][:15] != kill.name or kill.rss_bytes is None:
        return False
    return abs(kill.rss_bytes - one.rss_bytes) <= 0.25 * max(kill.rss_bytes, one.rss_bytes)


def _of_deeds(one: Gone, deaths: Deaths, slack_s: float) -> list[Death]:
    for deed in deaths.deeds:
        timely = deed.from_t <= one.t and (deed.to_t is None or one.t <= deed.to_t + slack_s)
        ours = deed.pid == one.pid if deed.pid is not None else one.started_at is None or one.started_at < deed.from_t
        if timely and ours:
            return [Death("stopped by us", deed.text, one.t, strength=40)]
    return []


def _of_counters(one: Gone, everyone: Sequence[Gone], deaths: Deaths, slack_s: float) -> list[Death]:
    """Read the counters that moved as it vanished. Of more that vanished than were killed, each is only probable."""
    found = []
    for t, kills, scope in deaths.counted:
        if abs(t - one.t) > slack_s:
            continue
        if scope == "host":
            if one.role == "launcher" and one.death.signal != 9:
                continue
            strength = 35 if one.death.signal == 9 else 20
            text = f"the host's counter of OOM kills moved by {kills} as it vanished"
            found.append(Death("probably OOM", text, one.t, strength=strength))
            continue
        others = [
            each
            for each in everyone
            if abs(t - each.t) <= slack_s
            and each.death.signal in (None, 9)
            and each.death.exit_code in (None, -9, 137)
        ]
        sure = len(others) <= kills
        text = f"the OOM counter of its cgroup moved by {kills} as it vanished"
        if sure:
            found.append(Death("OOM-killed", text, one.t, strength=50))
        else:
            text += f", and {len(others)} vanished then"
            found.append(Death("probably OOM", text, one.t, strength=35 if one.death.signal == 9 else 20))
    return found


def _severity(one: Gone) -> Severity:
    if one.death.word in ("OOM-killed", "probably OOM"):
        return "crit"
    if one.death.word == "stopped by us" or one.death.exit_code == 0:
        return "info"
    return "warn"


def _sentence(one: Gone) -> str:
    pid = f" (pid {one.pid})" if one.pid is not None else ""
    return f"{one.who}{pid} is gone: {one.death.text}; {one.death.evidence}"
