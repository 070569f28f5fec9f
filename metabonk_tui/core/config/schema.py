"""TOML to Config, strictly: an error names the file, the key, what was expected and the nearest known key.

Pure: text comes in, a Config comes out. `config.toml` is the manual; every default lives there, not here.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from typing import Annotated, Any, Literal, get_origin

import msgspec
from msgspec import Meta

from metabonk_tui.core.config.alert_config import AlertRuleConfig, AlertsConfig, MetricsConfig
from metabonk_tui.core.config.config_section import ConfigSection, Count, NotNegative, Port, Positive

GB = 1_000_000_000


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


class PoolConfig(ConfigSection, frozen=True, kw_only=True):
    """Which workers, and what launches them."""

    host: str
    base_port: Port
    workers: Count
    orchestrator: str
    backend: Literal["launcher", "none"]
    profile: str
    launcher: LauncherConfig


class ProcessesConfig(ConfigSection, frozen=True, kw_only=True):
    """How processes are recognised: every text of one pattern must occur in the command line."""

    worker: list[list[str]]
    launcher: list[list[str]]
    orchestrator: list[list[str]]
    ollama: list[list[str]]


class ObserveConfig(ConfigSection, frozen=True, kw_only=True):
    """How the workers are looked at."""

    interval_s: NotNegative
    timeout_s: Positive
    max_body_bytes: Annotated[int, Meta(ge=1024)]
    stale_intervals: Positive
    gap_intervals: Positive


class MemoryConfig(ConfigSection, frozen=True, kw_only=True):
    """The floor and what is assumed until it is measured."""

    floor_gb: Positive
    worker_gb: Positive
    ollama_gb: NotNegative
    window_s: Positive
    forecast_warn_s: Positive
    forecast_critical_s: Positive

    @property
    def floor_bytes(self) -> int:
        """The memory that must stay available."""
        return int(self.floor_gb * GB)


class MemoryWatchConfig(ConfigSection, frozen=True, kw_only=True):
    """When the memory watch speaks up, and what it may do."""

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
    """The clock of a run."""

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
    rate_jump: Annotated[float, Meta(gt=1)]
    still_s: Positive
    idle_s: Positive
    frames_s: Positive
    loop_generations: Annotated[int, Meta(ge=1, le=100)]
    loop_window_s: Positive
    tune_keys: list[str]


class EnvironmentConfig(ConfigSection, frozen=True, kw_only=True):
    """What must stand in the environment of every worker process, besides what the components require."""

    required: dict[str, str]
    prefixes: list[str]
    secret_words: list[str]
    source: str
    instead: dict[str, str]
    """What is read instead of a key that nobody reads; "" for nothing."""


class StoreConfig(ConfigSection, frozen=True, kw_only=True):
    """What is kept of what was seen, and for how long."""

    enabled: bool
    raw_hours: Positive
    max_gb: Positive
    min_free_gb: NotNegative


class TestConfig(ConfigSection, frozen=True, kw_only=True):
    """One component test: a command that ends with 0 when its component works."""

    __test__ = False

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    command: Annotated[list[str], Meta(min_length=1)]
    component: str = ""
    timeout_s: Positive = 60.0


class PreflightConfig(ConfigSection, frozen=True, kw_only=True):
    """What is looked at before a launch."""

    ollama: str
    """Where Ollama must answer; "" where it is not needed."""
    disk_gb: NotNegative
    tests_valid_s: Positive
    test: list[TestConfig]


class UiConfig(ConfigSection, frozen=True, kw_only=True):
    """How it looks."""

    theme: str
    glyphs: Literal["auto", "unicode", "ascii"]
    bell: bool
    notify: Literal["off", "osc9", "osc777", "both"]


class ComponentConfig(ConfigSection, frozen=True, kw_only=True):
    """One component whose metric must move."""

    id: str
    label: Annotated[str, Meta(max_length=9)]
    title: str
    field: str
    kind: Literal["counter", "level", "transitions"]
    aliases: list[str] = msgspec.field(default_factory=list)
    also: list[str] = msgspec.field(default_factory=list)
    proof: str = ""
    due: Literal["validation", "gameplay"] = "validation"
    expected_min: float | None = None
    expected_max: float | None = None
    expected_by_s: Positive = 1800.0
    decimals: Annotated[int, Meta(ge=0, le=6)] = 0
    jump: Annotated[float, Meta(gt=0)] | None = None
    environment: dict[str, str] = msgspec.field(default_factory=dict)


class Config(ConfigSection, frozen=True, kw_only=True):
    """All of it."""

    pool: PoolConfig
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
    component: list[ComponentConfig]

    @property
    def required_environment(self) -> dict[str, str]:
        """Every key that each worker process must have, with the value that counts as right."""
        required = dict(self.environment.required)
        for component in self.component:
            required.update(component.environment)
        return required


class ConfigError(Exception):
    """A configuration that cannot be used; its text says what, where and what to do."""


def parse_config(default_toml: str, user_toml: str | None, user_name: str = "config.toml") -> Config:
    """Lay the user's file over the packaged default and decode both strictly.

    Tables are merged key by key; a list (also `[[component]]`) replaces the default's whole list.
    Raises ConfigError, naming `user_name`, the key, what was expected and the nearest known key.
    """
    default = tomllib.loads(default_toml)
    user: dict[str, Any] = {}
    if user_toml is not None:
        try:
            user = tomllib.loads(user_toml)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{user_name}: not valid TOML: {error}") from None
    return decode_config(merge(default, user), user_name, default)


def decode_config(tree: dict[str, Any], name: str, default: dict[str, Any]) -> Config:
    """Decode a merged tree; `name` is the file that an error blames, `default` the tree of the packaged file."""
    _check_alert_names(tree, default, name)
    try:
        config = msgspec.convert(tree, Config, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(_with_alert_name(str(error), tree), tree)}") from None
    seen: set[str] = set()
    for component in config.component:
        if component.id in seen:
            raise ConfigError(f"{name}: component.id: `{component.id}` is declared twice; ids must differ")
        seen.add(component.id)
    names = [test.name for test in config.preflight.test]
    for test in config.preflight.test:
        if names.count(test.name) > 1:
            raise ConfigError(f"{name}: preflight.test.name: `{test.name}` is declared twice; names must differ")
    if not _on_loopback(config.metrics.host):
        raise ConfigError(
            f"{name}: metrics.host: `{config.metrics.host}` is not an address of the loopback, like 127.0.0.1; "
            "the endpoint asks nobody who they are"
        )
    return config


def _check_alert_names(tree: dict[str, Any], default: dict[str, Any], name: str) -> None:
    """Refuse an alert that the packaged file does not have: no rule evaluates it."""
    alerts = tree["alerts"]
    rules = alerts.get("rule") if isinstance(alerts, dict) else None
    known = list(default["alerts"]["rule"])
    for key in rules if isinstance(rules, dict) else ():
        if key not in known:
            raise ConfigError(f"{name}: {_unknown_key('alerts.rule', key, known)}")


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay one tree over another: tables are merged, everything else is replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _explain(message: str, tree: dict[str, Any]) -> str:
    """Say msgspec's finding in our words: dotted key, expectation, nearest known key."""
    where = re.search(r" - at `\$(?P<path>.*)`$", message)
    path = where["path"].lstrip(".") if where else ""
    what = message[: where.start()] if where else message
    unknown = re.search(r"unknown field `(?P<key>[^`]*)`", what)
    if unknown:
        return _unknown_key(path, unknown["key"], _known_keys(path))
    got = _value_at(tree, path)
    found = f", found {got!r}" if got is not None else ""
    return f"{path or 'the file'}: {what[0].lower()}{what[1:]}{found}"


def _unknown_key(path: str, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    hint = f"; did you mean `{near[0]}`?" if near else f"; known keys here: {', '.join(known)}"
    full = f"{path}.{key}" if path else key
    return f"{full}: unknown key{hint}"


def _with_alert_name(message: str, tree: dict[str, Any]) -> str:
    """Put the name of the alert into a path: msgspec writes `[...]` for the key of any mapping."""
    at = "$.alerts.rule[...]"
    if at not in message:
        return message
    for name, rule in tree["alerts"]["rule"].items():
        try:
            msgspec.convert(rule, AlertRuleConfig, strict=True)
        except msgspec.ValidationError:
            return message.replace(at, f"$.alerts.rule.{name}")
    return message


def _known_keys(path: str) -> list[str]:
    """List the keys that may stand in the table at a msgspec path like `pool.launcher` or `component[0]`."""
    struct: Any = Config
    for part in filter(None, re.split(r"\.|\[[^\]]*\]", path)):
        if get_origin(struct) is dict:
            struct = struct.__args__[1]
            continue
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(struct)}
        struct = fields.get(part)
        args = getattr(struct, "__args__", None)
        if args and get_origin(struct) is not dict:
            struct = args[0]
    try:
        return [f.encode_name for f in msgspec.structs.fields(struct)]
    except TypeError:
        return []


def _value_at(tree: Any, path: str) -> Any:
    for part in filter(None, re.split(r"\.|\[|\]", path)):
        try:
            tree = tree[int(part)] if isinstance(tree, list) else tree[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return tree if isinstance(tree, str | int | float | bool) else None
