"""Types the JSON of `check` and `report`. Every `*_s` is seconds after the start of the run.

Does not: write documents; `core.report.json_report` does, and a test compares them with these types.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

Seconds = float | None


class JsonDocument(Struct, frozen=True, kw_only=True):
    """A JSON object. A later version may add keys; `schema` grows when one changes or goes."""


class RunDocument(JsonDocument, frozen=True, kw_only=True):
    name: str
    started_at: float
    """Unix seconds."""
    ended_at: float
    duration_s: float
    desired: int | None
    source: str


class VerdictDocument(JsonDocument, frozen=True, kw_only=True):
    word: str
    since_s: Seconds
    because: list[str]


class VerdictChangeDocument(JsonDocument, frozen=True, kw_only=True):
    at_s: Seconds
    word: str
    because: list[str]


class HostDocument(JsonDocument, frozen=True, kw_only=True):
    """One host of a pool on several, at the end of the report."""

    name: str
    state: Literal["UP", "STALE", "LOST"]
    since_s: Seconds | None
    """Since when it answers, or when it answered last; null: never."""
    reason: str
    available_bytes: int | None
    min_available_bytes: int | None
    oom_kills: int | None


class WaitingDocument(JsonDocument, frozen=True, kw_only=True):
    """A wanted worker that waits for a place on the cluster, at the end of the report."""

    slot: int
    job: str
    """As the engine names it: "12_3"."""
    state: str
    """The engine's word: "PENDING"; "": an older recorder did not write it."""
    reason: str
    """Why it waits, in the engine's word: "Resources"."""
    since_s: Seconds
    """When it was submitted or requeued; null: not known."""


class EndDocument(JsonDocument, frozen=True, kw_only=True):
    """How the run ended."""

    reason: str
    text: str
    missing_s: Seconds
    last_seen_s: Seconds


class FirstSeenDocument(JsonDocument, frozen=True, kw_only=True):
    """When a problem was first visible."""

    id: str
    at_s: Seconds
    before_end_s: float
    severity: str
    components: list[str]
    workers: list[str | int]
    text: str


class GateDocument(JsonDocument, frozen=True, kw_only=True):
    kind: str
    began_s: Seconds
    passed: int


class CheckDocument(JsonDocument, frozen=True, kw_only=True):
    """One check of the gate."""

    n: int
    at_s: Seconds
    result: str
    because: str


class DeathDocument(JsonDocument, frozen=True, kw_only=True):
    at_s: Seconds
    generation: int
    pid: int | None
    word: str
    text: str
    exit_code: int | None
    signal: int | str | None
    evidence: str | None


class ConductDocument(JsonDocument, frozen=True, kw_only=True):
    word: str
    since_s: Seconds
    why: str


class GameplayDocument(JsonDocument, frozen=True, kw_only=True):
    started: bool | None
    corroborated: bool | None
    reached_s: Seconds


class ComponentValuesDocument(JsonDocument, frozen=True, kw_only=True):
    value: float | None
    last_value: float | None
    change_5m: float | None
    bad: str | None
    last_grew_s: Seconds
    companion: dict[str, Any] | None


class WorkerDocument(JsonDocument, frozen=True, kw_only=True):
    slot: str | int
    generations: int
    deaths: list[DeathDocument]
    resets_at_s: list[float]
    observed: float
    """Fraction of the run in which it was observed, 0 to 1."""
    components: dict[str, str]
    conduct: ConductDocument | None
    reach: str
    error: str | None
    port: int | None
    pid: int | None
    ui_state: str | None
    last_good_s: Seconds
    gameplay: GameplayDocument
    metrics: dict[str, float | None]
    values: dict[str, ComponentValuesDocument]


class ForecastDocument(JsonDocument, frozen=True, kw_only=True):
    state: str
    since_s: Seconds
    text: str
    falling_since_s: Seconds
    bytes_per_min: int | None
    zero_s: Seconds
    zero_band_s: list[Seconds]
    floor_s: Seconds
    floor_band_s: list[Seconds]


class ForecastWarningDocument(JsonDocument, frozen=True, kw_only=True):
    """A warning of the forecast and its outcome."""

    at_s: Seconds
    state: str
    gpu: int | None
    zero_s: Seconds
    zero_band_s: list[Seconds]
    outcome: str
    ended_s: Seconds
    floor_s: Seconds
    lead_s: float | None
    error_s: float | None
    within_band: bool | None


class ForecastRecordDocument(JsonDocument, frozen=True, kw_only=True):
    note: str
    raised: list[ForecastWarningDocument]
    missed_kills_s: list[float]


class SwapDocument(JsonDocument, frozen=True, kw_only=True):
    level: str
    used_bytes: int | None
    total_bytes: int | None
    bytes_per_min: int | None
    text: str


class GpuDocument(JsonDocument, frozen=True, kw_only=True):
    index: int
    used_bytes: int
    total_bytes: int
    forecast: ForecastDocument | None


class GrowthDocument(JsonDocument, frozen=True, kw_only=True):
    name: str
    bytes: int
    bytes_per_min: int | None
    since_s: Seconds


class BlackBoxPointDocument(JsonDocument, frozen=True, kw_only=True):
    at_s: Seconds
    available_bytes: int | None
    held: dict[str, int]


class BlackBoxDocument(JsonDocument, frozen=True, kw_only=True):
    """Memory in the minutes before a kill."""

    kill_s: Seconds
    points: list[BlackBoxPointDocument]


class RunMemoryDocument(JsonDocument, frozen=True, kw_only=True):
    min_available_bytes: int | None
    oom_kills: int | None
    first_warning_s: Seconds
    first_critical_s: Seconds
    forecast: ForecastDocument | None
    forecasts: ForecastRecordDocument
    swap: SwapDocument | None
    gpus: list[GpuDocument] | None
    growth: list[GrowthDocument]
    kernel_log: Any
    black_box: BlackBoxDocument | None


class SeenDocument(JsonDocument, frozen=True, kw_only=True):
    """Who acknowledged an alert, and when."""

    at_s: Seconds
    by: str


class AlertFields(JsonDocument, frozen=True, kw_only=True):
    """What every document says of an alert; the times differ."""

    id: str
    name: str
    about: str
    severity: str
    state: str
    text: str
    duration_s: float
    workers: list[str | int]
    value: float | None
    least: float | None
    most: float | None
    unit: str
    times: int


class RunAlertDocument(AlertFields, frozen=True, kw_only=True):
    """An alert with times after the start of the run."""

    since_s: Seconds
    firing_s: Seconds
    resolved_s: Seconds
    acknowledged: SeenDocument | None


class EventDocument(JsonDocument, frozen=True, kw_only=True):
    at_s: Seconds
    kind: str
    severity: str
    worker: str | int | None
    text: str


class GapDocument(JsonDocument, frozen=True, kw_only=True):
    """A time that was not observed."""

    from_s: Seconds
    to_s: Seconds


class CauseDocument(JsonDocument, frozen=True, kw_only=True):
    id: str
    name: str
    workers: list[str | int]
    confidence: float
    because: str | list[str]
    confirm: str | list[str] | None
    fix: str | list[str] | None


class ReportDocument(JsonDocument, frozen=True, kw_only=True):
    """One run; with several runs the last one, and all of them under `runs`."""

    schema: int
    run: RunDocument
    verdict: VerdictDocument
    end: EndDocument | UnsetType = UNSET
    """Absent while the run is not over."""
    verdicts: list[VerdictChangeDocument]
    in_short: list[str]
    first_seen: list[FirstSeenDocument]
    nodes: dict[str, str | bool | None]
    gate: GateDocument
    checks: list[CheckDocument]
    workers: list[WorkerDocument]
    obituaries: list[dict[str, Any]]
    """A page for each death: docs/report.md."""
    earlier_obituaries: int
    memory: RunMemoryDocument
    hosts: list[HostDocument] | UnsetType = UNSET
    """Absent where the pool is on one host."""
    waiting: list[WaitingDocument] | UnsetType | None = UNSET
    """Absent where no engine places the workers; null: the engine did not answer."""
    alerts: list[RunAlertDocument]
    events: list[EventDocument]
    gaps: list[GapDocument]
    causes: list[CauseDocument]
    runs: list[dict[str, Any]] | UnsetType = UNSET
    """Objects of this same shape, oldest first; absent for a single run."""
