"""Checks the values of a valid configuration against each other. Only `config check` and `doctor` ask for it.

Does not: look at files or the network; `adapters.state.config_world` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from metabonk_tui.core.config.mistakes import Mistake, found
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.config.slurm import PLACEHOLDERS as OF_A_WORKER
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.similar import most_similar

LAST_PORT = 65535
SEVERITIES = ("info", "warn", "crit")
LONGEST_TIMEOUT_S = 60.0
"""A longer deadline hides a worker that hangs."""
LONGEST_START_S = 86400.0
PLACEHOLDERS = ("workers", "base_port")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%\w+)?")


def inconsistencies(config: Config) -> Iterator[Mistake]:
    """Yield every value that cannot work, alone or beside another one."""
    yield from _addresses(config)
    yield from _commands(config)
    yield from _memory(config)
    yield from _times(config)
    for name, rule in config.alerts.rule.items():
        if SEVERITIES.index(rule.raised) < SEVERITIES.index(rule.severity):
            yield Mistake(
                f"alerts.rule.{name}.raised", f'"{rule.raised}" is less severe than severity = "{rule.severity}"'
            )
    for index, component in enumerate(config.component):
        least, most = component.expected_min, component.expected_max
        if least is not None and most is not None and least > most:
            yield Mistake(f"component[{index}].expected_max", f"{most:g} is below expected_min = {least:g}")


def is_host(text: str) -> bool:
    """Return whether the text has the form of a host name or of an address."""
    return _HOST.fullmatch(text) is not None


def url_problem(url: str) -> str:
    """Return what is wrong with the form of an http URL; "" for nothing."""
    expected = "expected a URL like http://127.0.0.1:8040"
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError as error:
        return f"{expected}: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_host(parts.hostname) or not has_port:
        return f"{expected}, found {found('url', url)}"
    return ""


def _addresses(config: Config) -> Iterator[Mistake]:
    pool = config.pool
    if not is_host(pool.host):
        what = "empty" if not pool.host else f"{found('pool.host', pool.host)} is not a host name or an address"
        yield Mistake("pool.host", f'{what}; the default is "127.0.0.1"')
    for key, url in (("pool.orchestrator", pool.orchestrator), ("preflight.ollama", config.preflight.ollama)):
        if url and (problem := url_problem(url)):
            yield Mistake(key, f'{problem}; "" for none')
    last = pool.base_port + pool.workers - 1
    if last > LAST_PORT:
        yield Mistake(
            "pool.base_port", f"worker {pool.workers - 1} would answer on port {last}; the last port is {LAST_PORT}"
        )
    if config.metrics.port and pool.base_port <= config.metrics.port <= last:
        yield Mistake(
            "metrics.port", f"{config.metrics.port} is the port of worker {config.metrics.port - pool.base_port}"
        )


def _commands(config: Config) -> Iterator[Mistake]:
    launcher = config.pool.launcher
    if config.pool.has_launcher and not launcher.launch:
        yield Mistake("pool.launcher.launch", 'empty: nothing can be launched; pool.backend = "none" only monitors')
    for key, command, known in (
        ("pool.launcher.launch", launcher.launch, PLACEHOLDERS),
        ("pool.launcher.stop", launcher.stop, PLACEHOLDERS),
        ("pool.slurm.command", config.pool.slurm.command, OF_A_WORKER),
    ):
        for name in dict.fromkeys(re.findall(r"\{(\w+)\}", " ".join(command))):
            if name not in known:
                near = most_similar(name, known, 0.4)
                hint = f"did you mean {{{near}}}?" if near else f"known: {', '.join(f'{{{each}}}' for each in known)}"
                yield Mistake(key, f"unknown placeholder {{{name}}}; {hint}")
    for name in launcher.environment:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            yield Mistake("pool.launcher.environment", f'"{clean_text(name, 80)}" is no name of a variable')


def _memory(config: Config) -> Iterator[Mistake]:
    watch, memory = config.memory_watch, config.memory
    if watch.warn_gb < watch.critical_gb:
        yield Mistake(
            "memory_watch.warn_gb",
            f"{watch.warn_gb:g} is below critical_gb = {watch.critical_gb:g}: it would be critical before it warns",
        )
    for key, warn_s, critical_s in (
        ("memory_watch.warn_forecast_s", watch.warn_forecast_s, watch.critical_forecast_s),
        ("memory.forecast_warn_s", memory.forecast_warn_s, memory.forecast_critical_s),
    ):
        if warn_s < critical_s:
            other = key.rpartition(".")[2].replace("warn", "critical")
            yield Mistake(key, f"{warn_s:g} is below {other} = {critical_s:g}: it would be critical before it warns")


def _times(config: Config) -> Iterator[Mistake]:
    if config.observe.timeout_s > LONGEST_TIMEOUT_S:
        yield Mistake(
            "observe.timeout_s",
            f"{config.observe.timeout_s:g} s is too long to notice a worker that hangs; use at most "
            f"{LONGEST_TIMEOUT_S:g}",
        )
    launcher = config.pool.launcher
    for key, seconds in (("start_timeout_s", launcher.start_timeout_s), ("stop_grace_s", launcher.stop_grace_s)):
        if seconds > LONGEST_START_S:
            yield Mistake(f"pool.launcher.{key}", f"{seconds:g} s is longer than a day")
    clock = config.clock
    if clock.validation_s > clock.long_run_s:
        yield Mistake("clock.validation_s", f"{clock.validation_s:g} is longer than long_run_s = {clock.long_run_s:g}")
