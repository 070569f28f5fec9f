"""Types the JSON of the verbs other than `check` and `report`, of `status`, and of the alert hook.

Does not: write documents; a test compares what the verbs write with these types.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.cli.schemas.report_documents import AlertFields, JsonDocument, RunDocument, VerdictDocument


class AcknowledgedDocument(JsonDocument, frozen=True, kw_only=True):
    t: float
    by: str


class AlertDocument(AlertFields, frozen=True, kw_only=True):
    """An alert; every `*_t` is in Unix seconds."""

    since_t: float
    firing_t: float | None
    resolved_t: float | None
    acknowledged: AcknowledgedDocument | None


class AlertRunDocument(JsonDocument, frozen=True, kw_only=True):
    name: str
    started_at: float
    elapsed_s: float | UnsetType = UNSET


class AlertsDocument(JsonDocument, frozen=True, kw_only=True):
    """`alerts --json`."""

    schema: int
    run: AlertRunDocument
    alerts: list[AlertDocument]


class WebhookTestDocument(JsonDocument, frozen=True, kw_only=True):
    name: str
    kind: str
    ok: bool
    how: str
    seconds: float
    output: list[str]


class AlertTestDocument(JsonDocument, frozen=True, kw_only=True):
    """`alerts test --json`; `ok` is of the command and of every webhook."""

    schema: int
    command: list[str]
    ok: bool
    how: str
    seconds: float
    output: list[str]
    webhooks: list[WebhookTestDocument]


class HookDocument(JsonDocument, frozen=True, kw_only=True):
    """What the alert hook receives on stdin, and a webhook of the kind json."""

    schema: int
    turn: str
    alert: AlertDocument
    run: AlertRunDocument
    verdict: dict[str, Any]
    pool: dict[str, str | int | None]
    memory: dict[str, int | None]
    left_out: int


class StoredRunDocument(JsonDocument, frozen=True, kw_only=True):
    name: str
    started_at: float
    duration_s: float
    verdict: str
    ended: str | None
    workers: int | None
    bytes: int
    source: str


class RunsDocument(JsonDocument, frozen=True, kw_only=True):
    """`runs --json`, the newest run first."""

    schema: int
    runs: list[StoredRunDocument]


class ComparedRunDocument(JsonDocument, frozen=True, kw_only=True):
    run: RunDocument
    verdict: VerdictDocument


class DivergenceDocument(JsonDocument, frozen=True, kw_only=True):
    metric: str
    at_s: float
    a: Any
    b: Any


class ComparedMetricDocument(JsonDocument, frozen=True, kw_only=True):
    metric: str
    title: str
    compared: bool
    diverges_at_s: float | None
    a: list[Any]
    b: list[Any]


class CompareDocument(JsonDocument, frozen=True, kw_only=True):
    """`compare --json`; every `*_s` is seconds after the start of each run."""

    schema: int
    a: ComparedRunDocument
    b: ComparedRunDocument
    common_s: float
    comparable: bool
    first_divergence: DivergenceDocument | None
    divergences: list[DivergenceDocument]
    marks_s: list[float]
    metrics: list[ComparedMetricDocument]


class PeakDocument(JsonDocument, frozen=True, kw_only=True):
    bytes: int
    source: str
    measured: bool
    measured_at: float | None
    running: bool | UnsetType = UNSET


class FitDocument(JsonDocument, frozen=True, kw_only=True):
    """`fit --json`. Without `verdict` only `problem` is present besides `workers`."""

    schema: int
    workers: int
    verdict: str | None
    problem: str | UnsetType = UNSET
    fits: int | UnsetType = UNSET
    total_bytes: int | UnsetType | None = UNSET
    available_bytes: int | UnsetType = UNSET
    limited_by: str | UnsetType | None = UNSET
    held_bytes: int | UnsetType | None = UNSET
    unseen_ports: list[int] | UnsetType = UNSET
    budget_bytes: int | UnsetType = UNSET
    floor_bytes: int | UnsetType = UNSET
    shared_bytes: int | UnsetType = UNSET
    worker: PeakDocument | UnsetType = UNSET
    ollama: PeakDocument | UnsetType = UNSET
    what_if: list[dict[str, Any]] | UnsetType = UNSET


class FieldDocument(JsonDocument, frozen=True, kw_only=True):
    name: str
    needed: bool
    needed_by: list[str]
    standing: str
    workers: list[str | int]
    nearest: str | None
    by_alias: str | None


class ContractDocument(JsonDocument, frozen=True, kw_only=True):
    """`contract --json`."""

    schema: int
    workers: list[str | int]
    expected: list[FieldDocument]
    never_seen: list[str]
    unexpected: list[str]
    unexpected_more: bool


class ChecklistItemDocument(JsonDocument, frozen=True, kw_only=True):
    id: str
    title: str
    standing: str
    evidence: list[str]
    fix: str
    output: list[str]


class PreflightDocument(JsonDocument, frozen=True, kw_only=True):
    """`preflight --json`."""

    schema: int
    workers: int
    exit: int
    items: list[ChecklistItemDocument]
    tests: list[dict[str, Any]]


class DoctorDocument(JsonDocument, frozen=True, kw_only=True):
    """`doctor --json`."""

    schema: int
    version: str
    python: str
    system: str
    environment: dict[str, str]
    exit: int
    findings: list[Finding]


class StatusDocument(JsonDocument, frozen=True, kw_only=True):
    """`status --format json`. With `problem`, no monitor runs, and the state is absent."""

    schema: int
    stale: bool
    age_s: float | None
    pools: int
    problem: str | UnsetType = UNSET
    written_at: float | UnsetType = UNSET
    interval_s: float | UnsetType = UNSET
    ended: bool | UnsetType = UNSET
    pid: int | UnsetType = UNSET
    host: str | UnsetType = UNSET
    base_port: int | UnsetType = UNSET
    t: float | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    run: dict[str, Any] | UnsetType = UNSET
    verdict: dict[str, Any] | UnsetType = UNSET
    workers: dict[str, int] | UnsetType = UNSET
    memory: dict[str, Any] | UnsetType = UNSET
    gate: dict[str, Any] | UnsetType = UNSET
    next: dict[str, str | None] | UnsetType | None = UNSET
    recording: bool | UnsetType | None = UNSET
    demo: str | UnsetType | None = UNSET
