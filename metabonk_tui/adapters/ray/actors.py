"""Reads the actors of a pool from an answer of the sidecar; says why one waits and how one ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.process_exit import ExitReason
from metabonk_tui.core.model.refs import HOST_NAME, MAX_WORKERS, WorkerRef
from metabonk_tui.core.text.clean import clean_text, without_colours
from metabonk_tui.core.text.numbers import gigabytes

WAITING = frozenset({"DEPENDENCIES_UNREADY", "PENDING_CREATION", "RESTARTING"})
PREFIX = "metabonk-tui."
_ID = re.compile(r"[0-9a-f]{15,64}")
_START = re.compile(r"w(\d{1,5})\.(\d{1,9})")
REASONS: dict[str, ExitReason] = {
    "OOM": "killed by Ray",
    "NODE_DIED": "node failed",
    "RAY_KILL": "cancelled",
    "PREEMPTED": "preempted",
}
"""What an actor's death cause says of its worker. Others leave only the exit code, or nothing."""
_PREEMPTED = frozenset({"AUTOSCALER_DRAIN_PREEMPTED", "PREEMPTED"})
"""Ray counts a node that is stopped in order as one of these."""
_IN_ORDER = _PREEMPTED | {"AUTOSCALER_DRAIN_IDLE", "EXPECTED_TERMINATION"}
_OF_MEMORY = re.compile(r"was (\d+(?:\.\d+)?)GB used / (\d+(?:\.\d+)?)GB limit")
_OF_NODE = re.compile(r"the actor's node was [^:\n]{0,60}: ([^\n]+)")
_OF_EXIT = re.compile(r"Worker exit type: (\w{1,40})")
_SAID = {
    "OWNER_DIED": "its owner died",
    "OUT_OF_SCOPE": "its handle went out of scope",
    "CREATION_TASK_FAILURE": "could not start",
    "RUNTIME_ENV_FAILED": "its runtime environment failed",
    "ACTOR_UNSCHEDULABLE": "cannot be placed",
}


class NodeAnswer(Struct, frozen=True):
    """One node as Ray lists it. `total` and `free` have the amounts of CPU, GPU and memory."""

    id: str
    name: str
    alive: bool
    total: Mapping[str, float]
    free: Mapping[str, float]


class CauseAnswer(Struct, frozen=True):
    """Why an actor died, in the words of Ray."""

    kind: str
    text: str
    node: str


class ActorAnswer(Struct, frozen=True):
    """One actor as Ray lists it. Times are Unix seconds, 0: not yet."""

    name: str
    id: str
    state: str
    node: str
    starts: bool
    """Whether a node has a process for it."""
    needs: Mapping[str, float]
    began: float
    ended: float
    cause: CauseAnswer | None


class AtAnswer(Struct, frozen=True):
    """Where a worker is, as its actor announced it."""

    name: str
    node: str
    port: int
    pid: int
    start_ticks: int
    boot_id: str


class EndAnswer(Struct, frozen=True):
    """How a worker's process ended, as its actor saw it; `code` None: its keeper was killed first."""

    name: str
    node: str
    code: int | None
    t: float
    tail: str


class Record(Struct, frozen=True):
    """What the cluster keeps of the pool of one namespace."""

    token: str
    workers: int | None = None
    """How many are wanted; None: the pool was stopped, or never launched."""
    launched_at: float | None = None

    def name(self, slot: int, start: int) -> str:
        """Return the name of the actor of one start of a worker."""
        return f"{PREFIX}{self.token}.w{slot}.{start}"


class ActorLook(Struct, frozen=True):
    """One answer of the sidecar about the pool."""

    record: Record | None
    actors: tuple[ActorAnswer, ...]
    nodes: tuple[NodeAnswer, ...]
    at: Mapping[str, AtAnswer] = field(default_factory=dict)
    end: Mapping[str, EndAnswer] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()


class Actor(Struct, frozen=True):
    """The actor of one start of a worker, with all that is known of it."""

    slot: int
    start: int
    """The number of this start of the slot; the first is 1."""
    name: str
    actor_id: str
    state: str
    node: str
    """The host's name; "": it has no place."""
    needs: Mapping[str, float]
    reason: str
    """Why it waits; "": it does not."""
    starts: bool
    """Whether it waits no more for a place, only for its process."""
    began_at: float | None
    cause: CauseAnswer | None
    at: AtAnswer | None
    end: EndAnswer | None

    @property
    def label(self) -> str:
        return f"w{self.slot}.{self.start}"

    @property
    def number(self) -> int:
        """A number for the actor: the part of its id that differs between actors of a pool."""
        return int(self.actor_id[:15], 16)

    @property
    def waits(self) -> bool:
        return self.state in WAITING and not self.has_ended

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a place, and not only for its process."""
        return self.waits and not self.starts

    @property
    def has_ended(self) -> bool:
        """Whether its worker is over: the actor is dead, or has seen its process end."""
        return self.state == "DEAD" or self.end is not None

    @property
    def lives(self) -> bool:
        """Whether it runs or will run; an unknown state is not known to be over."""
        return not self.has_ended

    @property
    def runs(self) -> bool:
        return not self.waits and not self.has_ended

    @property
    def takes_agent(self) -> bool:
        return self.runs

    @property
    def is_lost(self) -> bool:
        """Whether Ray lost its node, so that its worker may still run."""
        cause = self.cause if self.end is None else None
        return cause is not None and cause.kind == "NODE_DIED" and cause.node not in _IN_ORDER


def look_of(answer: object) -> ActorLook:
    """Read an answer of the sidecar. Raises ValueError."""
    return msgspec.convert(answer, ActorLook, strict=False)


def actors_of(look: ActorLook) -> dict[int, Actor]:
    """Return the actor of each slot: the one that lives, else the one that started last."""
    if look.record is None:
        return {}
    nodes = {node.id: node for node in look.nodes}
    prefix = f"{PREFIX}{look.record.token}."
    found: list[Actor] = []
    for each in look.actors:
        start = _START.fullmatch(each.name.removeprefix(prefix)) if each.name.startswith(prefix) else None
        if start is None or int(start[1]) >= MAX_WORKERS or not _ID.fullmatch(each.id):
            continue
        at, end = look.at.get(start[1]), look.end.get(start[1])
        waits = each.state in WAITING
        node = None if waits else nodes.get(each.node)
        found.append(
            Actor(
                int(start[1]),
                int(start[2]),
                each.name,
                each.id,
                clean_text(each.state, 30),
                node.name if node is not None and HOST_NAME.fullmatch(node.name) else "",
                each.needs,
                _reason(each, look.nodes) if waits else "",
                each.starts and waits,
                each.began or None,
                each.cause,
                at if at is not None and at.name == each.name else None,
                end if end is not None and end.name == each.name else None,
            )
        )
    found.sort(key=lambda actor: (actor.lives, actor.start))
    return dict(sorted({actor.slot: actor for actor in found}.items()))


def _reason(actor: ActorAnswer, nodes: Sequence[NodeAnswer]) -> str:
    return (
        f"{clean_text(actor.state, 30)}, its process starts"
        if actor.starts
        else waiting_text(actor.state, actor.needs, nodes)
    )


def waiting_text(state: str, needs: Mapping[str, float], nodes: Sequence[NodeAnswer]) -> str:
    """Say why an actor waits: Ray names only the state, so what it asks for stands beside what the nodes have."""
    state = clean_text(state, 30)
    living = [node for node in nodes if node.alive]
    never = _short(needs, [node.total for node in living], "a node has at most")
    if never:
        return f"{state}: {never}"
    now = _short(needs, [node.free for node in living], "a node has at most")
    if now:
        return f"{state}: {now} free"
    if not any(all(node.free.get(key, 0.0) >= amount for key, amount in needs.items()) for node in living):
        return f"{state}: no node has {_amounts(needs)} free together"
    return state


def _short(needs: Mapping[str, float], there: Sequence[Mapping[str, float]], most: str) -> str:
    """Name the amounts that no node has."""
    missing = {key: amount for key, amount in needs.items() if all(has.get(key, 0.0) < amount for has in there)}
    if not missing:
        return ""
    best = {key: max((has.get(key, 0.0) for has in there), default=0.0) for key in missing}
    return f"needs {_amounts(missing)}, {most} {_amounts(best)}"


def _amounts(amounts: Mapping[str, float]) -> str:
    shown = [
        f"{gigabytes(amount)} GB memory" if key == "memory" else f"{amount:g} {clean_text(key, 20)}"
        for key, amount in sorted(amounts.items())
    ]
    return ", ".join(shown) or "nothing"


def state_text(actor: Actor) -> str:
    """Say in words how an actor's worker ended: "process exited with 3", "killed by Ray's memory monitor"."""
    end, cause = actor.end, actor.cause
    if end is not None and end.code is not None:
        return f"process killed by signal {-end.code}" if end.code < 0 else f"process exited with {end.code}"
    if cause is None:
        return "its keeper ended first" if end is not None else actor.state
    match cause.kind:
        case "OOM":
            used = _OF_MEMORY.search(cause.text)
            at = f" at {used[1]} GB of {used[2]} GB" if used is not None else ""
            return f"killed by Ray's memory monitor{at}"
        case "NODE_DIED":
            what = "its node was preempted or stopped" if cause.node in _IN_ORDER else "its node died"
            why = _OF_NODE.search(cause.text)
            return what + (f" ({clean_text(why[1].strip().rstrip('.'), 120)})" if why is not None else "")
        case "RAY_KILL":
            return "ended by ray.kill"
        case "WORKER_DIED":
            # The detail that follows is a list of guesses.
            kind = _OF_EXIT.search(cause.text)
            return "its actor's process was killed or crashed" + (f" ({kind[1]})" if kind is not None else "")
        case _:
            said = _error(cause.text)
            return _SAID.get(cause.kind, "its actor died") + (f": {said}" if said else "")


def _error(text: str) -> str:
    """Return what an error of Ray says: the last line of its traceback, else the first one."""
    lines = [line.strip() for line in without_colours(text).splitlines() if line.strip()]
    if not lines:
        return ""
    said = lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]
    return clean_text(said.removeprefix("RuntimeError: ").rstrip("."), 160)


def end_text(actor: Actor) -> str:
    return f"Ray: actor {actor.label}" + (f" on {actor.node}" if actor.node else "") + f": {state_text(actor)}"


def exit_of(actor: Actor) -> ExitReading | None:
    """Return how the worker of an ended actor ended; None: nothing is known but that it is gone."""
    code = actor.end.code if actor.end is not None else None
    reason = None
    if code is None and actor.cause is not None:
        reason = REASONS.get("PREEMPTED" if actor.cause.node in _PREEMPTED else actor.cause.kind)
        if reason is None:
            return None
    worker = WorkerRef(actor.node, actor.slot)
    pid = actor.at.pid if actor.at is not None else None
    return ExitReading("worker", "" if code is None else str(code), worker, pid, reason=reason, engine=end_text(actor))
