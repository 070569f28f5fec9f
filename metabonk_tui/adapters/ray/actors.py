"""Reads the actors of a pool from an answer of the sidecar; says why one waits and how one ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.process_exit import ExitReason
from metabonk_tui.core.model.refs import MAX_WORKERS, WorkerRef
from metabonk_tui.core.text.clean import clean_text, without_colours
from metabonk_tui.core.text.numbers import gigabytes

WAITING = frozenset({"DEPENDENCIES_UNREADY", "PENDING_CREATION", "RESTARTING"})
PREFIX = "metabonk-tui."
NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_START = re.compile(r"w(\d{1,5})\.(\d{1,9})")
REASONS: dict[str, ExitReason] = {
    "OOM": "OOM-killed",
    "NODE_DIED": "node failed",
    "RAY_KILL": "cancelled",
    "PREEMPTED": "preempted",
}
"""What an actor's death cause says of its worker. Others leave only the exit code, or nothing."""
_PREEMPTED = frozenset({"AUTOSCALER_DRAIN_PREEMPTED", "PREEMPTED"})
_SAID = {
    "RAY_KILL": "ended by ray.kill",
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
    why: str
    expected: bool
    """Whether it was drained or stopped in order."""
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


class Look(Struct, frozen=True):
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
    is_node_alive: bool
    needs: Mapping[str, float]
    reason: str
    """Why it waits; "": it does not."""
    starts: bool
    """Whether it waits no more for a place, only for its process."""
    began_at: float | None
    cause: CauseAnswer | None
    at: AtAnswer | None
    end: EndAnswer | None
    is_node_gone: bool = False
    """Whether the node left in order: what ran there is gone."""

    @property
    def label(self) -> str:
        return f"w{self.slot}.{self.start}"

    @property
    def number(self) -> int:
        """A number for the actor: the part of its id that differs between actors of a pool."""
        return int(self.actor_id[:15] or "0", 16)

    @property
    def waits(self) -> bool:
        return self.state in WAITING and not self.has_ended

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
    def is_lost(self) -> bool:
        """Whether Ray lost its node, so that its worker may still run."""
        died = self.cause is not None and self.cause.kind == "NODE_DIED"
        return self.end is None and died and not self.is_node_gone and self.cause.node not in _PREEMPTED  # type: ignore[union-attr]


def look_of(answer: object) -> Look:
    """Read an answer of the sidecar. Raises ValueError."""
    return msgspec.convert(answer, Look, strict=False)


def actors_of(look: Look) -> dict[int, Actor]:
    """Return the actor of each slot: the one that lives, else the one that started last."""
    if look.record is None:
        return {}
    nodes = {node.id: node for node in look.nodes}
    found: list[Actor] = []
    for each in look.actors:
        start = _START.fullmatch(each.name.removeprefix(f"{PREFIX}{look.record.token}."))
        if start is None or int(start[1]) >= MAX_WORKERS:
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
                node.name if node is not None and NODE.fullmatch(node.name) else "",
                node is not None and node.alive,
                each.needs,
                _reason(each, look.nodes) if waits else "",
                each.starts and waits,
                each.began or None,
                each.cause,
                at if at is not None and at.name == each.name else None,
                end if end is not None and end.name == each.name else None,
                node is not None and not node.alive and node.expected,
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
    if cause.node in _PREEMPTED:
        return "its node was preempted"
    said = _first_words(cause.text)
    if cause.kind == "OOM":
        return f"killed by Ray's memory monitor{_of_memory(cause.text)}"
    if cause.kind == "NODE_DIED":
        return f"its node {'was stopped' if actor.is_node_gone else 'died'}" + (f" ({said})" if said else "")
    if cause.kind == "RAY_KILL":
        return _SAID["RAY_KILL"]
    what = _SAID.get(cause.kind, "its actor died")
    return f"{what}: {said}" if said else what


def _of_memory(text: str) -> str:
    """Return the amount of memory that Ray found used: " (9.50GB / 10.00GB)"; "" where it does not say."""
    found = re.search(r"\(?(\d+(?:\.\d+)?GB / \d+(?:\.\d+)?GB)\)?", text)
    return f" ({found[1]})" if found is not None else ""


_BOILERPLATE = re.compile(
    r"^The actor (is dead|died) (unexpectedly before finishing this task|because (its worker process has died|"
    r"its node has died|its owner has died|all references to the actor were removed))\.?\s*"
)


def _first_words(text: str) -> str:
    """Return what an error of Ray says, without its standing sentences and traceback."""
    lines = [line.strip() for line in without_colours(text).splitlines() if line.strip()]
    if not lines:
        return ""
    # A traceback ends with the error itself.
    said = lines[-1] if any(line.startswith("Traceback") or line.startswith("ray::") for line in lines) else lines[0]
    return clean_text(_BOILERPLATE.sub("", said).removeprefix("RuntimeError: ").rstrip("."), 160)


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
