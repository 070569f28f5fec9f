"""Merges the user's TOML with the packaged default and decodes it strictly.

An error names the file, the key, the expected value and the nearest known key. Pure: text in, Config out.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import re
import tomllib
from collections.abc import Iterable
from typing import Any, get_origin

import msgspec

from metabonk_tui.core.config.schema import AlertRuleConfig, Config
from metabonk_tui.core.text.mask import mask_arguments, mask_text, mask_value, secret_words

_FOUND_CHARACTERS = 80


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
    return decode_config(merge(default, user), user_name, default)


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
    line = text.splitlines()[int(where[1]) - 1].strip()
    key = (line if line.startswith("[") else line.partition("=")[0]).strip()[:60]
    return f"`{key}` is there twice: {problem}"


def decode_config(tree: dict[str, Any], name: str, default: dict[str, Any]) -> Config:
    """Decode a merged tree. Errors name the file `name`; `default` is the tree of the packaged file.

    Raises ConfigError, also for duplicate ids and names, and for a metrics host outside the loopback.
    """
    _check_alert_names(tree, default, name)
    try:
        config = msgspec.convert(tree, Config, strict=True)
        _check_finite(tree)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(_with_alert_name(str(error), tree), tree)}") from None
    except (OverflowError, RecursionError) as error:
        raise ConfigError(f"{name}: a value is too large or nested too deeply: {error}") from None
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
    """Reject an alert that the packaged file lacks: no rule evaluates it."""
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
    """Merge `over` onto `under`: tables merge key by key, other values are replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _explain(message: str, tree: dict[str, Any]) -> str:
    """Translate an error of msgspec: dotted key, expectation, found value, nearest known key."""
    where = re.search(r" - at `\$(?P<path>.*)`$", message)
    path = where["path"].lstrip(".") if where else ""
    what = message[: where.start()] if where else message
    unknown = re.search(r"unknown field `(?P<key>[^`]*)`", what)
    if unknown:
        return _unknown_key(path, unknown["key"], _known_keys(path))
    got = _value_at(tree, path)
    found = f", found {_found(path, got)}" if got is not None else ""
    return f"{path or 'the file'}: {what[0].lower()}{what[1:]}{found}"


def _unknown_key(path: str, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    hint = f"; did you mean `{near[0]}`?" if near else f"; known keys here: {', '.join(known)}"
    full = f"{path}.{key}" if path else key
    return f"{full}: unknown key{hint}"


def _with_alert_name(message: str, tree: dict[str, Any]) -> str:
    """Insert the name of the alert into a path: msgspec writes `[...]` for the key of any mapping."""
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
    """List the valid keys of the table at a msgspec path like `pool.launcher` or `component[0]`."""
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


def _found(path: str, value: str | int | float | bool) -> str:
    """Format a wrong value: short, and without a secret."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str):
        return repr(mask_value(re.split(r"[.\]]", path)[-1], value)[:_FOUND_CHARACTERS])
    return repr(value)


def _check_finite(tree: Any, path: str = "$") -> None:
    """Raise ValidationError for NaN and infinity: a comparison with NaN passes every bound."""
    if isinstance(tree, float) and not math.isfinite(tree):
        raise msgspec.ValidationError(f"Expected a finite number - at `{path}`")
    entries: Iterable[tuple[str, Any]] = ()
    if isinstance(tree, dict):
        entries = ((f"{path}.{key}", value) for key, value in tree.items())
    elif isinstance(tree, list):
        entries = ((f"{path}[{index}]", value) for index, value in enumerate(tree))
    for where, value in entries:
        _check_finite(value, where)


def _value_at(tree: Any, path: str) -> Any:
    for part in filter(None, re.split(r"\.|\[|\]", path)):
        try:
            tree = tree[int(part)] if isinstance(tree, list) else tree[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return tree if isinstance(tree, str | int | float | bool) else None


def printable(config: Config) -> dict[str, Any]:
    """Return every key in effect as TOML can express it: no key without a value, secret environment values masked."""
    return _printable(msgspec.to_builtins(config), secret_words(config.environment.secret_words))


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
