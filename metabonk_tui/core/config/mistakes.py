"""Finds every mistake of a configuration against its types, in TOML's words.

Does not: check values against each other; `consistency` does. Only an invalid configuration needs it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from metabonk_tui.core.config.lines import line_of
from metabonk_tui.core.config.load import unknown_alerts
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import MASK, mask_value
from metabonk_tui.core.text.similar import most_similar

FOUND_CHARACTERS = 80
"""Characters of a wrong value that are shown."""
WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "a table",
    "null": "nothing",
}
"""How TOML calls a type of msgspec."""


class Mistake(Struct, frozen=True):
    """One mistake: the dotted key, "" for the whole file, and what is wrong with it."""

    path: str
    text: str

    def at(self, name: str, text: str | None) -> str:
        """Write it for the file `name` with the line in its `text`; without a text there is no line."""
        line = line_of(text, self.path) if text else None
        where = f"line {line}: " if line is not None else ""
        return clean_text(f"{name}: {where}{self.path or 'the file'}: {self.text}", 2000)


def by_line(mistakes: list[Mistake], name: str, text: str | None) -> list[str]:
    """Write mistakes in the order of their lines; those without a line come last."""
    lines = {mistake: line_of(text, mistake.path) if text else None for mistake in mistakes}
    ordered = sorted(lines, key=lambda mistake: (lines[mistake] is None, lines[mistake] or 0))
    return [mistake.at(name, text) for mistake in ordered]


def in_tree(tree: dict[str, Any], default: dict[str, Any]) -> list[Mistake]:
    """List the mistakes of a merged tree: of its types, and alerts that the packaged file lacks."""
    unknown = [
        unknown_key("alerts.rule", name, list(default["alerts"]["rule"])) for name in unknown_alerts(tree, default)
    ]
    names = {mistake.path for mistake in unknown}
    return [mistake for mistake in type_mistakes(tree) if mistake.path not in names] + unknown


def type_mistakes(value: Any, expected: Any = Config, path: str = "") -> Iterator[Mistake]:
    """Yield every key that is unknown or missing, and every value of a wrong type or outside its bounds."""
    if isinstance(expected, type) and issubclass(expected, Struct):
        yield from _of_table(value, expected, path)
    elif get_origin(expected) in (list, dict) and isinstance(value, get_origin(expected)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            inner = f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}"
            yield from type_mistakes(item, get_args(expected)[-1], inner)
    else:
        yield from _of_value(value, expected, path)


def without(tree: dict[str, Any], mistakes: list[Mistake]) -> dict[str, Any]:
    """Return a copy of the user's tree without the keys that have mistakes: the rest can then be checked too."""
    cleaned = _copy(tree)
    for mistake in mistakes:
        parts = [part for part in re.split(r"\.|\[|\]", mistake.path) if part]
        at: Any = cleaned
        for depth, part in enumerate(parts):
            # A list is replaced as a whole: without one of its items it would mean something else.
            if not isinstance(at, dict) or part not in at:
                break
            if depth == len(parts) - 1 or not isinstance(at[part], dict):
                del at[part]
                break
            at = at[part]
    return cleaned


def _copy(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in tree.items()}


def _of_table(value: Any, expected: type[Struct], path: str) -> Iterator[Mistake]:
    if not isinstance(value, dict):
        yield Mistake(path, f"expected a table, found {found(path, value)}")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(expected)}
    for key, inner in value.items():
        full = f"{path}.{key}" if path else key
        if key in fields:
            yield from type_mistakes(inner, fields[key].type, full)
        else:
            yield unknown_key(path, key, list(fields))
    for key, field in fields.items():
        if field.required and key not in value:
            yield Mistake(path, f"the key `{key}` is missing")


def unknown_key(path: str, key: str, known: list[str]) -> Mistake:
    """Return the mistake of an unknown key: it names the table that has this key, or the nearest known key."""
    elsewhere = [table for table, keys in _tables().items() if key in keys and table]
    near = most_similar(key, known, 0.4)
    if not path and elsewhere:
        hint = f"did you mean `{elsewhere[0]}.{key}`?"
    elif near:
        hint = f"did you mean `{near}`?"
    elif path and path not in elsewhere and elsewhere:
        hint = f"did you mean `{elsewhere[0]}.{key}`?"
    else:
        hint = f"known keys here: {', '.join(known)}"
    return Mistake(f"{path}.{key}" if path else key, f"unknown key; {hint}")


def _tables(expected: type[Struct] = Config, path: str = "") -> dict[str, list[str]]:
    """Return the known keys of every plain table, by its path."""
    fields = msgspec.structs.fields(expected)
    tables = {path: [field.encode_name for field in fields]}
    for field in fields:
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            tables |= _tables(field.type, f"{path}.{field.encode_name}".lstrip("."))
    return tables


def _of_value(value: Any, expected: Any, path: str) -> Iterator[Mistake]:
    choices = _choices(expected)
    if choices and value not in choices:
        near = most_similar(str(value), choices)
        hint = f"; did you mean {json.dumps(near)}?" if near else ""
        names = ", ".join(json.dumps(choice) for choice in choices)
        yield Mistake(path, f"expected one of {names}, found {found(path, value)}{hint}")
        return
    try:
        msgspec.convert(value, expected, strict=True)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        what, inner = _in_words(str(error))
        yield Mistake(f"{path}{inner}", f"{what}, found {found(path, value)}")
        return
    if isinstance(value, float) and not math.isfinite(value):
        yield Mistake(path, f"expected a finite number, found {found(path, value)}")


def _choices(expected: Any) -> list[str]:
    """List the values of a Literal, also inside Annotated or a union with None."""
    if get_origin(expected) is Literal:
        return [str(choice) for choice in get_args(expected)]
    if get_origin(expected) in (Annotated, Union, UnionType):
        return [choice for inner in get_args(expected) for choice in _choices(inner)]
    return []


def _in_words(message: str) -> tuple[str, str]:
    """Translate a message of msgspec; returns (text, path inside the value)."""
    what, _, where = message.partition(" - at `$")
    what = re.sub(r", got `\w+`$", "", what)
    what = re.sub(r"`([\w| ]+)`", lambda match: _type_words(match[1]), what)
    return what[:1].lower() + what[1:], where.removesuffix("`")


def _type_words(types: str) -> str:
    return " or ".join(WORDS.get(name.strip(), name.strip()) for name in types.split("|") if name.strip() != "null")


def found(path: str, value: Any) -> str:
    """Write a wrong value as TOML does: short, and without a secret."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str):
        if path.startswith("alerts.webhook.") and (path.endswith(".url") or "://" in value):
            return f'"{MASK}"'
        shown = clean_text(mask_value(re.split(r"[.\]]", path)[-1], value), FOUND_CHARACTERS)
        return f'"{shown}"'
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "an array"
    return str(value)
