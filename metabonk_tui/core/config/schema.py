"""Types every table and key of `config.toml`.

The packaged `config.toml` contains every default and is the manual. Does not: read files, merge, explain errors.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from metabonk_tui.core.config.section import MOST, ConfigSection, Count, ExpectedValue, NotNegative, Port, Positive
from metabonk_tui.core.text.mask import mask_text

GB = 1_000_000_000

PoolBackendName = Literal["launcher", "slurm", "ray", "none"]
"""What can launch and stop the workers; `cli.wiring.BACKENDS` has one entry for each."""


class LauncherConfig(ConfigSection, frozen=True, kw_only=True):
    """How the launcher backend starts and stops MetaBonk."""

    directory: str
    launch: list[str]
    stop: list[str]
    env_file: str
    environment: dict[str, str]
    log_file: str
    start_timeout_s: Positive
    stop_grace_s: Positive


class SlurmConfig(ConfigSection, frozen=True, kw_only=True):
    """How the slurm backend runs the workers, one task of a job array each."""

    command: list[str]
    folder: str
    job_name: str
    partition: str
    account: str
    memory_gb: NotNegative
    """0: `memory.worker_gb`."""
    gpus: str
    time: str
    options: list[str]
    program: list[str]
    """What runs this program on a node; empty: the Python of this monitor."""


class RayConfig(ConfigSection, frozen=True, kw_only=True):
    """How the ray backend runs the workers, one detached actor each."""

    command: list[str]
    address: str
    namespace: str
    python: str
    token_file: str
    cpus: NotNegative
    gpus: NotNegative
    memory_gb: NotNegative
    program: list[str]


class PoolConfig(ConfigSection, frozen=True, kw_only=True):
    """Which workers the monitor polls, and what launches them."""

    host: str
    base_port: Port
    workers: Count
    orchestrator: str
    backend: PoolBackendName
    profile: str
    launcher: LauncherConfig
    slurm: SlurmConfig
    ray: RayConfig

    @property
    def can_launch(self) -> bool:
        """Whether workers can be started and stopped from here at all."""
        return self.backend != "none"

    @property
    def is_placed(self) -> bool:
        """Whether the engine of a cluster places the workers on its nodes."""
        return self.backend in ("slurm", "ray")

    @property
    def has_launcher(self) -> bool:
        """Whether a command of the checkout on this machine launches them."""
        return self.backend == "launcher"


class ProcessesConfig(ConfigSection, frozen=True, kw_only=True):
    """Patterns that find processes: what a process runs is one text of a pattern, its arguments contain the others."""

    worker: list[list[str]]
    launcher: list[list[str]]
    orchestrator: list[list[str]]
    vision: list[list[str]]
    learner: list[list[str]]
    ollama: list[list[str]]


class ObserveConfig(ConfigSection, frozen=True, kw_only=True):
    """How often the monitor polls the workers, and when an answer is late, too large or missing."""

    interval_s: NotNegative
    timeout_s: Positive
    max_body_bytes: Annotated[int, Meta(ge=1024, le=1 << 26)]
    stale_intervals: Positive
    gap_intervals: Positive


class MemoryConfig(ConfigSection, frozen=True, kw_only=True):
    """The memory floor, the sizes assumed until measured, and the forecast limits. 1 GB is 10^9 bytes."""

    floor_gb: Positive
    worker_gb: Positive
    ollama_gb: NotNegative
    window_s: Positive
    forecast_warn_s: Positive
    forecast_critical_s: Positive

    @property
    def floor_bytes(self) -> int:
        """Bytes that must stay available."""
        return int(self.floor_gb * GB)


class MemoryWatchConfig(ConfigSection, frozen=True, kw_only=True):
    """When the memory watch warns or acts, and what it may do."""

    enabled: bool
    dry_run: bool
    warn_gb: Positive
    warn_forecast_s: NotNegative
    warn_hold_s: NotNegative
    critical_gb: Positive
    critical_forecast_s: NotNegative
    critical_hold_s: NotNegative
    on_critical: Literal["alarm", "stop-highest", "resize", "stop"]
    otherwise: Literal["alarm", "stop-highest", "resize", "stop"]
    cooldown_s: Positive


class ClockConfig(ConfigSection, frozen=True, kw_only=True):
    """Length of each phase of a run in seconds, and the number of checks."""

    startup_grace_s: Positive
    validation_s: Positive
    checks: Annotated[int, Meta(ge=1, le=60)]
    gameplay_s: Positive
    long_run_s: Positive


class VerdictConfig(ConfigSection, frozen=True, kw_only=True):
    """Thresholds of the decision matrix."""

    active_window_s: Positive
    early_silence_s: Positive
    hold_evaluations: Annotated[int, Meta(ge=1, le=100)]
    rate_jump: Annotated[float, Meta(gt=1, le=MOST)]
    still_s: Positive
    idle_s: Positive
    frames_s: Positive
    loop_generations: Annotated[int, Meta(ge=1, le=100)]
    loop_window_s: Positive
    tune_keys: list[str]


class EnvironmentConfig(ConfigSection, frozen=True, kw_only=True):
    """Variables that every worker process must have, besides those that the components require."""

    required: dict[str, str]
    prefixes: list[str]
    secret_words: list[str]
    source: str
    instead: dict[str, str]
    """For a key that MetaBonk ignores, the key that it reads; "" for none."""


class StoreConfig(ConfigSection, frozen=True, kw_only=True):
    """What the recorder keeps, and for how long."""

    enabled: bool
    raw_hours: Positive
    max_gb: Positive
    min_free_gb: NotNegative


class TestConfig(ConfigSection, frozen=True, kw_only=True):
    """One component test: a command that exits with 0 when its component works."""

    __test__ = False

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    command: Annotated[list[str], Meta(min_length=1)]
    component: str = ""
    timeout_s: Positive = 60.0


class PreflightConfig(ConfigSection, frozen=True, kw_only=True):
    """What the preflight checks before a launch."""

    ollama: str
    """URL at which Ollama must answer; "" when Ollama is not needed."""
    disk_gb: NotNegative
    tests_valid_s: Positive
    test: list[TestConfig]


Motion = Literal["full", "reduced"]
""""reduced": nothing on the screen reverses for a moment."""


class UiConfig(ConfigSection, frozen=True, kw_only=True):
    """Theme, motion, glyphs, bell and desktop notifications of the screen."""

    theme: str
    motion: Motion
    glyphs: Literal["auto", "unicode", "ascii"]
    slow: bool
    """The terminal is slow: sixteen colours, no tints, a picture every 2 s."""
    mouse: bool
    bell: bool
    notify: Literal["off", "osc9", "osc777", "both"]


class ComponentConfig(ConfigSection, frozen=True, kw_only=True):
    """One component, and the metric in `/status` that must move."""

    id: str
    label: Annotated[str, Meta(max_length=9)]
    title: str
    field: str
    kind: Literal["counter", "level", "transitions"]
    aliases: list[str] = msgspec.field(default_factory=list)
    also: list[str] = msgspec.field(default_factory=list)
    proof: str = ""
    due: Literal["validation", "gameplay"] = "validation"
    moves: Literal["menu", "always", "gameplay"] = "always"
    """Where its worker must be for it to move; elsewhere it rests."""
    stands: bool = False
    """It stands by design once it has shown: no alert fires because it stands."""
    launcher_sets: bool = False
    """The launcher switches it on by itself, whatever the env file sets."""
    expected_min: ExpectedValue | None = None
    expected_max: ExpectedValue | None = None
    expected_by_s: Positive = 1800.0
    decimals: Annotated[int, Meta(ge=0, le=6)] = 0
    jump: Positive | None = None
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    head: tuple[str, str, str] | None = None
    """Heads of its column: short, middle, long. None: derived from label and title."""
    short: Annotated[str, Meta(max_length=4)] = ""
    """Its name in the legend of the grid. "": the first letters of the label."""


class AlertRuleConfig(ConfigSection, frozen=True, kw_only=True):
    """One alert: how long its condition must last, and its severity."""

    enabled: bool
    for_s: NotNegative
    severity: Literal["info", "warn", "crit"]
    raised: Literal["info", "warn", "crit"]
    rest_s: NotNegative | None = None
    """None: the value of `keep_firing_s`."""


class NotifierConfig(ConfigSection, frozen=True, kw_only=True):
    """Which alerts a command or a webhook receives, and how often."""

    timeout_s: Annotated[float, Meta(gt=0, le=600)]
    severity: Literal["info", "warn", "crit"]
    """The lowest severity that it receives."""
    resolved: bool
    again_s: NotNegative
    per_minute: Annotated[int, Meta(ge=1, le=60)]


class HookConfig(NotifierConfig, frozen=True, kw_only=True):
    """A command of the user that receives alerts."""

    command: list[str]
    """Empty: no command."""


WebhookKind = Literal["slack", "discord", "ntfy", "json"]


class WebhookConfig(NotifierConfig, frozen=True, kw_only=True):
    """A URL that receives alerts by POST. The URL is a secret."""

    kind: WebhookKind
    """The form of the message; "json": what the command receives."""
    url: str = ""
    url_env: str = ""
    """The variable of the monitor's environment that has the URL, instead of `url`."""
    allow_http: bool = False
    """Permits http to another machine; the message and the URL are then readable on the way."""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0
    severity: Literal["info", "warn", "crit"] = "warn"
    resolved: bool = True
    again_s: NotNegative = 60.0
    per_minute: Annotated[int, Meta(ge=1, le=60)] = 6


class AlertsConfig(ConfigSection, frozen=True, kw_only=True):
    """Rules of the alerts, how long alerts keep firing, and what receives them."""

    keep_firing_s: NotNegative
    rule: dict[str, AlertRuleConfig]
    """Keyed by the name of the alert; the packaged config.toml has a line for every rule of `core.alerts`."""
    hook: HookConfig
    webhook: dict[str, WebhookConfig]
    """Keyed by a name, which stands for the URL wherever the webhook is mentioned."""


class MetricsConfig(ConfigSection, frozen=True, kw_only=True):
    """Where the Prometheus endpoint listens."""

    port: Annotated[int, Meta(ge=0, le=65535)]
    """0: no endpoint."""
    host: str


class HostConfig(ConfigSection, frozen=True, kw_only=True):
    """One host of a pool of several, which an agent reads."""

    name: str
    """Its name before the slot of its workers: node2/w3."""
    ssh: str = ""
    """What ssh connects to: "node2", "me@10.0.0.2"; "": the agent runs on this machine."""
    ssh_options: list[str] = msgspec.field(default_factory=list)
    command: list[str] = msgspec.field(default_factory=list)
    """What starts the agent there; empty: `metabonk-tui agent`."""
    base_port: Port | None = None
    """None: as in `[pool]`."""
    workers: Count | None = None
    """None: as in `[pool]`."""
    directory: str = ""
    env_file: str = ""
    read_only: bool = True
    """False: this monitor may launch, stop and resize there, if the configuration of that host allows it."""


class Config(ConfigSection, frozen=True, kw_only=True, dict=True):
    pool: PoolConfig
    host: list[HostConfig] = msgspec.field(default_factory=list)
    """Empty: the pool is on `pool.host` alone."""
    processes: ProcessesConfig
    observe: ObserveConfig
    memory: MemoryConfig
    memory_watch: MemoryWatchConfig
    clock: ClockConfig
    verdict: VerdictConfig
    environment: EnvironmentConfig
    store: StoreConfig
    preflight: PreflightConfig
    alerts: AlertsConfig
    metrics: MetricsConfig
    ui: UiConfig
    keys: dict[str, str | list[str]]
    """The keys of commands, by the command's name, and the `layout`; `ui.key_map` checks them."""
    component: list[ComponentConfig]

    @property
    def is_spread(self) -> bool:
        """Whether the workers are on hosts or nodes with names."""
        return bool(self.host) or self.pool.is_placed

    @cached_property
    def required_environment(self) -> dict[str, str]:
        """Every variable that each worker process must have, with its required value; a secret in it is masked."""
        required = dict(self.environment.required)
        for component in self.component:
            required.update(component.environment)
        return {key: mask_text(value) for key, value in required.items()}


class UiSettings(Struct, frozen=True):
    """What the operator changed by keys: kept for the next start, never in the configuration. Empty or 0: not changed.

    The command line counts before these settings, and these before the configuration.
    """

    theme: str = ""
    density: str = ""
    sort: str = ""
    inverted: bool = False
    interval_s: float = 0.0
    """Real seconds between two polls; 0: as configured."""


NO_SETTINGS = UiSettings()
