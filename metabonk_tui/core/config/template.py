"""Writes a user's configuration file from the manual: every key is there, and only the chosen ones are in effect.

The other keys are comments, so the file keeps following the packaged defaults. Does not: read or write files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

ChosenValue = str | int | list[str] | dict[str, str]
OPEN_TABLE = "alerts.webhook"
"""A table whose keys the user names: the manual has none of them."""
SCHEMA_FILE = "metabonk-tui.schema.json"
"""The JSON Schema beside the configuration: editors read its name from the first line."""
HEADER = f"""\
#:schema ./{SCHEMA_FILE}
# metabonk-tui: your configuration. A line that begins with # and a key shows the default: remove the # to change it.
#   metabonk-tui config check     lists every mistake
#   metabonk-tui config manual    prints all keys with the defaults of the installed version
# A key that stays a comment follows the default of the installed version.
"""
_HEAD = re.compile(r"\[([\w.]+)\]")
_KEY = re.compile(r"(\w+) = (.*)")
_COMMENT_COLUMN = 36


def config_template(manual: str, chosen: Mapping[str, ChosenValue]) -> str:
    """Return the file; `chosen` has dotted keys. Raises ValueError for a key that no table of the manual has.

    Raises ValueError also for a text that TOML cannot hold: the name of a file that is no valid UTF-8.
    """
    lines = list(_lines(_without_head(manual), chosen))
    missing = chosen.keys() - {key for key, _ in lines}
    if missing:
        raise ValueError(f"the manual has no key {', '.join(sorted(missing))}")
    return HEADER + "\n" + "\n".join(line for _, line in lines) + "\n"


def toml_value(value: ChosenValue) -> str:
    """Write a value as TOML. Raises ValueError for a text with a half of a surrogate pair."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{_bare(key)} = {toml_value(text)}" for key, text in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, int):
        return str(value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{value!r} is no valid UTF-8, so no configuration can hold it") from None
    # A JSON string is a basic string of TOML, but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def _without_head(manual: str) -> Iterator[str]:
    """Yield the lines after the first block of comments, which speaks about the manual itself."""
    lines = manual.splitlines()
    at = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    yield from lines[at + 1 :]


def _lines(manual: Iterator[str], chosen: Mapping[str, ChosenValue]) -> Iterator[tuple[str, str]]:
    """Yield each line with the dotted key that it sets in effect, "" for none."""
    table, is_list, inside = "", False, False
    for line in manual:
        if inside:
            inside = not line.startswith("]")
            yield "", f"#{line}"
        elif head := _HEAD.fullmatch(line.partition("#")[0].strip()):
            table, is_list = head[1], False
            yield "", line
            if table == OPEN_TABLE:
                yield from _named_by_user(chosen)
        elif line.startswith("[["):
            is_list = True
            yield "", f"#{line}"
        elif key := _KEY.match(line):
            name = f"{table}.{key[1]}"
            if name in chosen and not is_list:
                yield name, _filled(key[1], chosen[name], line)
            else:
                inside = key[2] == "["
                yield "", f"#{line}"
        else:
            yield "", line


def _named_by_user(chosen: Mapping[str, ChosenValue]) -> Iterator[tuple[str, str]]:
    for name, value in chosen.items():
        if name.startswith(f"{OPEN_TABLE}."):
            yield name, f"{_bare(name.removeprefix(f'{OPEN_TABLE}.'))} = {toml_value(value)}"


def _filled(key: str, value: ChosenValue, line: str) -> str:
    """Return the key with its chosen value and the comment of its line."""
    text = f"{key} = {toml_value(value)}"
    _, mark, comment = line.rpartition("  # ")
    return f"{text:<{_COMMENT_COLUMN - 2}}  # {comment}" if mark else text
