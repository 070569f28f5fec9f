"""Declares every kind of event, and the draft from which the event log makes an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import Event


class EventKind(StrEnum):
    """Every dotted kind that the monitor emits. A recording may hold other kinds: `Event.kind` is any text."""

    RUN_START = "run.start"
    RUN_END = "run.end"
    WORKER_UP = "worker.up"
    WORKER_DOWN = "worker.down"
    WORKER_GENERATION = "worker.generation"
    WORKER_UNCONFIRMED = "worker.unconfirmed"
    WORKER_HEALTH = "worker.conduct"
    WORKER_RATE = "worker.rate"
    WORKER_GAMEPLAY = "worker.gameplay"
    WORKER_ERROR = "worker.error"
    WORKER_TRACEBACK = "worker.traceback"
    PROCESS_EXIT = "process.gone"
    COMPONENT_ACTIVE = "component.active"
    COMPONENT_SILENT = "component.silent"
    CHECK = "check"
    GATE_AGAIN = "gate.again"
    GATE_LATE = "gate.late"
    VERDICT = "verdict"
    HOST_LOST = "host.lost"
    HOST_BACK = "host.back"
    JOB_WAITING = "job.waiting"
    JOB_STARTED = "job.started"
    JOB_ENDED = "job.ended"
    JOB_REQUEUED = "job.requeued"
    JOB_UNSEEN = "job.unseen"
    MEMORY_LOW = "memory.low"
    MEMORY_CRITICAL = "memory.critical"
    MEMORY_FORECAST = "memory.forecast"
    MEMORY_SWAP = "memory.swap"
    MEMORY_OOM = "memory.oom"
    MEMORY_OOM_ELSEWHERE = "memory.oom_elsewhere"
    GPU_FAULT = "gpu.fault"
    WATCH_ARMED = "watch.armed"
    WATCH_DISARMED = "watch.disarmed"
    WATCH_REFUSED = "watch.refused"
    WATCH_WARN = "watch.warn"
    WATCH_CRITICAL = "watch.critical"
    WATCH_RECOVERED = "watch.recovered"
    WATCH_ACT = "watch.act"
    WATCH_DRY_RUN = "watch.dry_run"
    WATCH_STAND_DOWN = "watch.stand_down"
    POOL_LAUNCH = "pool.launch"
    POOL_STOP = "pool.stop"
    POOL_RESIZE = "pool.resize"
    POOL_REFUSED = "pool.refused"
    POOL_OVERRIDE = "pool.override"
    POOL_CONTROL = "pool.control"
    ENV_MISMATCH = "env.mismatch"
    ENV_OK = "env.ok"
    CONTRACT_NEVER_SEEN = "contract.never_seen"
    CONTRACT_VANISHED = "contract.vanished"
    CONTRACT_RENAMED = "contract.renamed"
    RECORDER_GAP = "recorder.gap"
    RECORDER_ERROR = "recorder.error"
    RECORDER_HOUR = "recorder.hour"
    RECORDER_NAMES = "recorder.names"
    RECORDER_CLOCK = "recorder.clock"
    RECORDER_LEFT_OUT = "recorder.left_out"
    ALERT_FIRING = "alert.firing"
    ALERT_RESOLVED = "alert.resolved"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    MONITOR_ERROR = "monitor.error"


class EventDraft(Struct, frozen=True):
    """A change that a tracker found in this tick. The event log makes events of drafts."""

    kind: EventKind
    severity: Severity
    text: str
    """Without the names of workers: the log puts them in front."""
    workers: tuple[WorkerRef, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    t: float | None = None
    """None: the time of the tick."""
    detail: str = ""
    """Follows the text when the event is about one worker only."""
    plural: str = ""
    """Replaces the text when the event is about several workers; "": the text fits both."""


def without_duplicates(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events without alerts whose start another event already reports (fact "twin")."""
    return tuple(event for event in events if "twin" not in event.facts)
