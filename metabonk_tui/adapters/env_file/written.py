"""Finds the env files of a folder, and which required keys their lines set. Runs nothing.

Sourcing a file runs it, so a file that no person has chosen is only read. Does not: expand variables or commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.env_file.dialect import why_unreadable
from metabonk_tui.adapters.files.kind import is_file
from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.core.worker.environment import is_same_value, shown_value

MOST_FILES = 40
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"\\$`]*)\"|([^\s'\"\\$`;&|<>()]*)")


class WrittenEnvFile(Struct, frozen=True):
    """An env file, judged by its lines alone."""

    name: str
    right: int = 0
    """The number of required keys that it sets as required."""
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    """The required keys that have another value, for people: "METABONK_X is 0, not 1"; secrets are masked."""
    unknown: tuple[str, ...] = ()
    """The required keys whose value is not written there: another variable, a command."""
    error: str = ""
    """Why it cannot be read; "" when it can."""


def written_env_files(folder: Path, required: Mapping[str, str], masking: Masking) -> tuple[WrittenEnvFile, ...]:
    """Read the `*.env` files of a folder, the one with most required keys first. An unreadable folder has none."""
    try:
        names = sorted(path.name for path in folder.glob("*.env") if is_file(path))[:MOST_FILES]
    except OSError:
        names = []
    found = [_judged(folder, name, required, masking) for name in names]
    return tuple(sorted(found, key=lambda file: (bool(file.error), -file.right)))


def _judged(folder: Path, name: str, required: Mapping[str, str], masking: Masking) -> WrittenEnvFile:
    try:
        text = read_small_text(folder / name)
    except OSError as error:
        return WrittenEnvFile(name, error=error.strerror or str(error))
    except UnicodeDecodeError:
        return WrittenEnvFile(name, error="is no UTF-8 text")
    if why := why_unreadable(text[:4].encode()):
        return WrittenEnvFile(name, error=why)
    values = written_values(text)
    given = {key: values[key] for key in required if key in values}
    wrong = {
        key: value for key, value in given.items() if value is not None and not is_same_value(value, required[key])
    }
    unknown = tuple(key for key, value in given.items() if value is None)
    return WrittenEnvFile(
        name,
        right=len(given) - len(wrong) - len(unknown),
        missing=tuple(key for key in required if key not in given),
        wrong=tuple(
            f"{key} is {shown_value(masking.shown(key, value))}, not {required[key]}" for key, value in wrong.items()
        ),
        unknown=unknown,
    )


def written_values(text: str) -> dict[str, str | None]:
    """Return what each `KEY=value` line sets; None: a value that only the shell knows. The last line of a key wins."""
    values: dict[str, str | None] = {}
    for line in text.removeprefix("\ufeff").split("\n"):
        if found := _LINE.match(line):
            quoted = _QUOTED.match(found[2])
            rest = found[2][quoted.end() :] if quoted else found[2]
            is_whole = quoted is not None and re.fullmatch(r"(?:\s*|\s+#.*)", rest) is not None
            values[found[1]] = next((t for t in quoted.groups() if t is not None), "") if quoted and is_whole else None
    return values
