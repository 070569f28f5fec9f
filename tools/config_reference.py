"""Writes the reference of the configuration from its declarations: `config.toml` and the types of its keys.

Run by `python -m tools.config_reference`; a test compares the page with the declarations.
Does not: explain what a table is for; its comment in `config.toml` does.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from metabonk_tui.cli.schemas.generate import json_schema

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configuration-reference.md"
HEAD = """\
# Configuration reference

Every key with its default, its type and its meaning. `make reference` writes this page from `config.toml` and from the
types of the keys. `metabonk-tui config manual` prints the same file. [Configuration](configuration.md) says where your
own file is.
"""
KEYS = "Every command is a key of this table: [keys](keys.md#other-keys) lists them with their usual keys.\n"


class Key(Struct):
    """One key of a table as `config.toml` writes it."""

    name: str
    meaning: str
    inline: bool = True
    """Whether its comment stands behind it."""
    example: list[str] = field(default_factory=list)
    """Indented lines of its comment."""


class Table(Struct):
    """One table of `config.toml`."""

    name: str
    about: list[str] = field(default_factory=list)
    """Comment below its head that belongs to no key."""
    keys: list[Key] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """Its lines, as they are."""
    is_list_above: bool = False
    """Whether it is a list of tables that is empty, above the first table of the file."""


def tables(text: str) -> list[Table]:
    """Return the tables of the file in its order; the tables of a list come as one."""
    found: list[Table] = []
    comment: list[str] = []
    open_value = False
    for line in text.split("\n\n", 1)[1].splitlines():
        if head := re.fullmatch(r"\[+([\w.]+)\]+(?:\s+# (.*))?", line):
            if found and found[-1].is_list_above:
                found[-1].about += comment
                comment = []
            if not found or found[-1].name != head[1]:
                found.append(Table(head[1], [*comment, *filter(None, [head[2]])]))
            comment = []
        elif line.startswith("#"):
            comment.append(line[1:].removeprefix(" "))
        elif not line.strip():
            pass  # A comment above an empty line explains what follows it.
        elif entry := re.match(r"(\w+) = (.*)", line):
            name, rest = entry[1], entry[2]
            if not found or found[-1].is_list_above:
                # An empty list above every table: its tables are the reader's own.
                found.append(Table(name, [rest.rpartition(" # ")[2]], is_list_above=True))
                continue
            _, _, inline = rest.rpartition(" # ") if " # " in rest else ("", "", "")
            plain = [part for part in comment if not part.startswith(" ")]
            key = Key(
                name, inline or " ".join(plain), bool(inline), [part[2:] for part in comment if part.startswith(" ")]
            )
            found[-1].keys.append(key)
            if inline:
                found[-1].about += comment
            comment, open_value = [], rest.rstrip().endswith("[")
        elif (more := re.match(r"\s+# (.*)", line)) and not open_value:
            found[-1].keys[-1].meaning += f" {more[1]}"
        elif line.startswith("]"):
            open_value = False
        if found and (found[-1].lines or not line.startswith("#")):
            found[-1].lines.append(line)
    for table in found:
        _move_comments_of_groups(table)
    return found


def _move_comments_of_groups(table: Table) -> None:
    """Make a comment above several keys the table's: the keys below it have none of their own."""
    for key, below in pairwise(table.keys):
        if key.meaning and not key.inline and not below.meaning:
            table.about.append(key.meaning)
            key.meaning = ""


def type_of(schema: Mapping[str, Any]) -> str:
    """Return the type of a key in words: "integer, 1 to 65535"."""
    if "$ref" in schema:
        return "table"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(type_of(option) for option in options))
    name = {"object": "table", "array": "list", "number": "number", "integer": "integer", "boolean": "true or false"}
    kind = name.get(schema.get("type", ""), "text" if schema.get("type") == "string" else "value")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < 1e8:
        return f"{kind}, {low:g} to {high:g}" if kind == "number" else f"{kind}, {low} to {high}"
    if schema.get("exclusiveMinimum") is not None:
        return f"{kind} above {schema['exclusiveMinimum']:g}"
    return kind if low is None or abs(low) >= 1e8 else f"{kind}, {low:g} or more"


def page(text: str) -> str:
    """Return the page for the text of `config.toml`."""
    schema = json_schema("config", text)
    defs = schema["$defs"]
    defaults = tomllib.loads(text)
    parts = [HEAD]
    for table in tables(text):
        parts.append("\n".join(_section(table, defaults, defs)))
    return "\n".join(parts).rstrip() + "\n"


def _section(table: Table, defaults: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[str]:
    yield f"## [{table.name}]\n"
    yield from _about(table)
    if table.name == "alerts.rule":
        yield from _rules(table, defaults)
        return
    values: Any = defaults
    for part in table.name.split("."):
        values = values[0] if isinstance(values, list) else values
        values = values.get(part, {})
    properties = _definition(table.name, defs).get("properties", {})
    if table.is_list_above:
        yield from _types(properties)
        yield ""
        return
    if table.name == "component":
        yield from _component(properties, table)
        return
    if table.keys:
        yield "| key | default | type | meaning |\n|---|---|---|---|"
    for key in table.keys:
        kind = type_of(properties[key.name]) if key.name in properties else "text"
        yield f"| `{key.name}` | {_default(values[key.name])} | {kind} | {_cell(key.meaning)} |".replace("|  |", "| |")
    if table.keys:
        yield ""
    for key in table.keys:
        if key.example:
            yield "\n".join(["```toml", *(line.strip() for line in key.example), "```\n"])
    if table.name == "keys":
        yield KEYS


def _about(table: Table) -> Iterator[str]:
    """Yield the comment of a table: sentences, and its indented lines as they are."""
    for indented, group in groupby(table.about, lambda line: line.startswith(" ")):
        lines = [line.strip() for line in group]
        yield "\n".join(["```", *lines, "```\n"]) if indented else f"{_prose(' '.join(lines))}\n"


def _rules(table: Table, defaults: Mapping[str, Any]) -> Iterator[str]:
    yield "| alert | condition | `for_s` | `severity` | `raised` | `rest_s` |\n|---|---|---|---|---|---|"
    for key in table.keys:
        rule = defaults["alerts"]["rule"][key.name]
        rest = f"{rule['rest_s']:g}" if "rest_s" in rule else ""
        cells = (f"`{key.name}`", _cell(key.meaning), f"{rule['for_s']:g}", rule["severity"], rule["raised"], rest)
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |")
    yield ""


def _component(properties: Mapping[str, Any], table: Table) -> Iterator[str]:
    yield from _types(properties)
    yield "\nThe five that the packaged file has:\n"
    yield "\n".join(["```toml", "[[component]]", *"\n".join(table.lines[1:]).strip().splitlines(), "```"])


def _types(properties: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | type |\n|---|---|"
    for name, schema in properties.items():
        yield f"| `{name}` | {type_of(schema)} |"


def _definition(name: str, defs: Mapping[str, Any]) -> Mapping[str, Any]:
    place: Mapping[str, Any] = defs["Config"]
    for part in name.split("."):
        schema = place.get("properties", {}).get(part, {})
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref") or ""
        place = defs.get(reference.rpartition("/")[2], {})
    return place


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{}`" if not value else f"`{json.dumps(value, ensure_ascii=False)}`"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    """Return prose for a cell of a table: a pipe does not end it."""
    return _prose(text).replace("|", "\\|")


def _prose(text: str) -> str:
    """Return a comment as Markdown: what looks like a link or a tag is text."""
    return re.sub(r"(?<!`)\[(?=\[?[a-z])", r"\\[", text.replace("<", "&lt;"))


def main() -> None:
    PAGE.write_text(page((ROOT / "config.toml").read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
