"""Merges the user's TOML with the packaged default and decodes it strictly.

An error names the file and every mistake in it: `mistakes` writes them. Pure: text in, Config out.
"""

from __future__ import annotations

import ipaddress
import math
import re
import tomllib
from typing import Any

import msgspec

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import MASK, mask_arguments, mask_text, mask_value, secret_words


class ConfigError(Exception):
    """An unusable configuration. The text names the file, the key and the remedy."""


def parse_config(default_toml: str, user_toml: str | None, user_name: str = "config.toml") -> Config:
    """Merge the user's file over the packaged default and decode the result strictly.

    Tables merge key by key; a list, also `[[component]]`, replaces the whole list of the default.
    Raises ConfigError with `user_name`, the key, the expected value and the nearest known key.
    """
    default = tomllib.loads(default_toml)
    user: dict[str, Any] = {}
    if user_toml is not None:
        user = parse_toml(user_toml, user_name)
    return decode_config(merge(default, user), user_name, default, user_toml)


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Parse the text of the file `name`. Raises ConfigError with the line, and the key that is there twice."""
    try:
        return tomllib.loads(f"{text}\n")  # without the last line end the parser names no line
    except RecursionError:
        raise ConfigError(f"{name}: not valid TOML: its brackets are nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {explain_toml(text, str(error))}") from None
    except ValueError as error:
        found = re.search(r"^\s*([\w.\"\-]{1,80})\s*=[^\n]*?[\d_]{4301}", text, re.M)
        if found is None:
            raise ConfigError(f"{name}: not valid TOML: {error}") from None
        raise ConfigError(f"{name}: {found[1]}: a number of more than 4300 digits") from None


def explain_toml(text: str, problem: str) -> str:
    """Add the key to the parser's text about a key or a table that is there twice: the text has only its line."""
    where = re.search(r"at line (\d+), column", problem)
    if where is None or not re.match(r"Cannot (?:overwrite|declare|redefine|mutate)|Duplicate", problem):
        return problem
    line = text.split("\n")[int(where[1]) - 1].strip()
    key = clean_text((line if line.startswith("[") else line.partition("=")[0]).strip(), 60)
    return f"`{key}` is there twice: {problem}"


def decode_config(tree: dict[str, Any], name: str, default: dict[str, Any], text: str | None = None) -> Config:
    """Decode a merged tree. Errors name the file `name`; `default` is the tree of the packaged file.

    Raises ConfigError with a line for every mistake, with its line number in `text`; also for duplicate ids and
    names, unknown alerts, and for a metrics host outside the loopback.
    """
    _check_keys(tree["keys"], name)
    config, problem = None, ""
    try:
        config = msgspec.convert(tree, Config, strict=True)
        if unknown_alerts(tree, default) or not _is_finite(tree):
            config = None
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        problem = str(error)
    if config is None:
        from metabonk_tui.core.config import mistakes

        try:
            listed = mistakes.by_line(mistakes.in_tree(tree, default), name, text)
        except RecursionError:
            raise ConfigError(f"{name}: a value is nested too deeply") from None
        raise ConfigError("\n".join(listed) or f"{name}: {problem}")
    if contradicting := contradictions(config):
        from metabonk_tui.core.config import mistakes

        raise ConfigError("\n".join(mistakes.by_line([mistakes.Mistake(*c) for c in contradicting], name, text)))
    if config.pool.backend == "slurm":
        from metabonk_tui.core.config.slurm import of_cluster

        return of_cluster(config)
    if config.pool.backend == "ray":
        from metabonk_tui.core.config.ray import of_ray

        return of_ray(config)
    if not config.host:
        return config
    from metabonk_tui.core.config.hosts import of_several_hosts

    return of_several_hosts(config)


def contradictions(config: Config) -> list[tuple[str, str]]:
    """List (key, text) for what no run of the program may start with: an id or a name twice, an open endpoint."""
    listed: list[tuple[str, str]] = []
    for key, what, names in (
        ("component.id", "ids", [component.id for component in config.component]),
        ("preflight.test.name", "names", [test.name for test in config.preflight.test]),
        ("host.name", "names", [host.name for host in config.host]),
    ):
        twice = dict.fromkeys(name for name in names if names.count(name) > 1)
        listed += [(key, f"`{name}` is declared twice; {what} must differ") for name in twice]
    listed += [
        (f"alerts.webhook.{name}", "expected a name of at most 30 letters, digits, - and _; not hook")
        for name in config.alerts.webhook
        if name == "hook" or not re.fullmatch(r"[A-Za-z0-9_-]{1,30}", name)
    ]
    if config.host:
        from metabonk_tui.core.config.hosts import host_problems

        listed += host_problems(config)
    if config.pool.backend == "slurm":
        from metabonk_tui.core.config.slurm import slurm_problems

        listed += slurm_problems(config)
    if config.pool.backend == "ray":
        from metabonk_tui.core.config.ray import ray_problems

        listed += ray_problems(config)
    if not on_loopback(config.metrics.host):
        listed.append(
            (
                "metrics.host",
                f"`{config.metrics.host}` is not an address of the loopback, like 127.0.0.1; "
                "the endpoint has no password",
            )
        )
    return listed


def unknown_alerts(tree: dict[str, Any], default: dict[str, Any]) -> list[str]:
    """List the alerts that the packaged file lacks: no rule evaluates them."""
    alerts = tree["alerts"]
    rules = alerts.get("rule") if isinstance(alerts, dict) else None
    return [name for name in rules if name not in default["alerts"]["rule"]] if isinstance(rules, dict) else []


def _check_keys(keys: Any, name: str) -> None:
    """Reject what is no key: msgspec does not name the command."""
    for command, value in keys.items() if isinstance(keys, dict) else ():
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(key, str) for key in listed):
            raise ConfigError(f"{name}: keys.{command}: expected a key or a list of keys, found {value!r}"[:200])


def on_loopback(host: str) -> bool:
    """Return whether a host is `localhost` or an address of the loopback."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge `over` onto `under`: tables merge key by key, other values are replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _is_finite(tree: Any) -> bool:
    """Return False for NaN and infinity anywhere: a comparison with NaN passes every bound."""
    if isinstance(tree, dict):
        return all(map(_is_finite, tree.values()))
    if isinstance(tree, list):
        return all(map(_is_finite, tree))
    return not isinstance(tree, float) or math.isfinite(tree)


def printable(config: Config) -> dict[str, Any]:
    """Return every key in effect as TOML can express it: no key without a value, secrets masked."""
    tree = _printable(msgspec.to_builtins(config), secret_words(config.environment.secret_words))
    for webhook in tree["alerts"]["webhook"].values():
        webhook["url"] = MASK if webhook["url"] else ""
    return tree


def _printable(tree: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in tree.items():
        if value is None:
            continue
        if isinstance(value, dict):
            value = _printable(value, words)
        elif isinstance(value, list):
            value = _printable_list(value, words)
        elif isinstance(value, str):
            # Keys in capitals are variables of an environment; the others are the program's own.
            value = mask_value(key, value, words) if key.isupper() else mask_text(value, words)
        shown[key] = value
    return shown


def _printable_list(items: list[Any], words: tuple[str, ...]) -> list[Any]:
    """Mask a list as what most lists of texts are: the arguments of a command."""
    if all(isinstance(item, str) for item in items):
        return list(mask_arguments(items, words))
    return [
        _printable(item, words)
        if isinstance(item, dict)
        else _printable_list(item, words)
        if isinstance(item, list)
        else item
        for item in items
    ]
