"""Finds the line of a key in a TOML text. Only an error needs it, so it may be slow.

Does not: parse values itself; the text has been parsed before.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Any

_HEAD = re.compile(r"\s*(\[\[?)([^\]\n]+)\]\]?\s*(?:#.*)?$")
LONGEST_VALUE = 400
"""Lines that one value may span; the keys after a longer one have no line."""


def line_of(text: str, path: str) -> int | None:
    """Return the line, from 1, of a path like `pool.launcher.launch` or `component[1].field`; None: not in the text.

    A key of an inline table and an item of a list have the line of the key that they belong to.
    """
    places = _places(text)
    parts = _parts(path)
    while parts:
        if (line := places.get(tuple(parts))) is not None:
            return line
        parts.pop()
    return None


@lru_cache(maxsize=1)
def _places(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of every table and every key, by its path; an index is a part of its own."""
    lines = text.split("\n")
    places: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    number = 0
    while number < len(lines):
        line = lines[number]
        head = _HEAD.match(line)
        if head:
            table = _table(head[1], _path_of(f"{head[2]} = 0"), counts)
            places.setdefault(table, number + 1)
            if head[1] == "[[":
                places.setdefault(table[:-1], number + 1)
            number += 1
            continue
        used, tree = _assignment(lines, number)
        for key in _keys(tree):
            places.setdefault((*table, *key), number + 1)
        number += used
    return places


def _table(brackets: str, name: tuple[str, ...], counts: dict[tuple[str, ...], int]) -> tuple[str, ...]:
    """Return the path of a table, with the index of each array of tables on the way."""
    path: tuple[str, ...] = ()
    for i, part in enumerate(name):
        path = (*path, part)
        if brackets == "[[" and i == len(name) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, str(counts[path]))
    return path


def _assignment(lines: list[str], start: int) -> tuple[int, dict[str, Any]]:
    """Return how many lines the key at `start` takes, and its tree; (1, {}) for a comment or an empty line."""
    if "=" in lines[start] and not lines[start].lstrip().startswith("#"):
        for end in range(start + 1, min(start + LONGEST_VALUE, len(lines)) + 1):
            try:
                return end - start, tomllib.loads("\n".join(lines[start:end]) + "\n")
            except (ValueError, RecursionError):
                continue
    return 1, {}


def _path_of(assignment: str) -> tuple[str, ...]:
    try:
        return max(_keys(tomllib.loads(assignment)), key=len, default=())
    except ValueError:
        return ()


def _keys(tree: dict[str, Any]) -> list[tuple[str, ...]]:
    """List the paths of a tree: of every table and every value in it."""
    found: list[tuple[str, ...]] = []
    for key, value in tree.items():
        found.append((key,))
        if isinstance(value, dict):
            found += [(key, *rest) for rest in _keys(value)]
    return found


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"\.|\[|\]", path) if part]
