"""The configuration of alerts: what must hold for how long, and who is told."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from metabonk_tui.core.config.config_section import ConfigSection, NotNegative


class AlertRuleConfig(ConfigSection, frozen=True, kw_only=True):
    """One alert: how long its condition must hold, and how loud it is."""

    enabled: bool
    for_s: NotNegative
    severity: Literal["info", "warn", "crit"]
    raised: Literal["info", "warn", "crit"]
    rest_s: NotNegative | None = None
    """None: `keep_firing_s`."""


class HookConfig(ConfigSection, frozen=True, kw_only=True):
    """A command of the user's that is told of alerts."""

    command: list[str]
    """Empty: none."""
    timeout_s: Annotated[float, Meta(gt=0, le=600)]
    severity: Literal["info", "warn", "crit"]
    """At least so loud."""
    resolved: bool
    again_s: NotNegative
    per_minute: Annotated[int, Meta(ge=1, le=60)]


class AlertsConfig(ConfigSection, frozen=True, kw_only=True):
    """What must hold for how long to be told, and who is told."""

    keep_firing_s: NotNegative
    rule: dict[str, AlertRuleConfig]
    """By the name of the alert; the packaged config.toml has a line for every rule of `core.alerts`."""
    hook: HookConfig


class MetricsConfig(ConfigSection, frozen=True, kw_only=True):
    """Where Prometheus can read what is known."""

    port: Annotated[int, Meta(ge=0, le=65535)]
    """0: nowhere."""
    host: str
