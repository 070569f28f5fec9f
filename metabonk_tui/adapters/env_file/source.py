"""Reads the variables that an env file sets, by sourcing it in bash with and without `set -a`.

Does not: parse shell, or interpret a variable. Sourcing runs the file, so only a configured path is sourced.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.env_file.dialect import dialect_hints, encoding_faults, read_head, why_unreadable
from metabonk_tui.adapters.env_file.shell import MARK_VARIABLE, run_script
from metabonk_tui.adapters.files.kind import why_no_file
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.core.text.clean import clean_text

TIMEOUT_S = 5.0
_SCRIPT = (
    'bash -n "$1" || exit 121; set -a; . "$1" >/dev/null </dev/null; __metabonk_tui=$?; set +a; '
    '/usr/bin/env -0 && printf "ENV %s\\0" "$2"; exit $__metabonk_tui'
)
"""$1 is the file. $2 is a random word: after it the environment is whole."""
_PLAIN_SCRIPT = _SCRIPT.replace("set -a; ", "").replace("set +a; ", "")
_SYNTAX_ERROR = 121
_SHELL_OWN = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV", "__metabonk_tui", MARK_VARIABLE})
"""Variables that bash or the script above sets; they are never counted as set by the file."""


class Sourced(Struct, frozen=True):
    """The changes that sourcing a file made to the environment."""

    values: Mapping[str, str]
    """The variables that the file added or changed; child processes get all of them."""
    removed: frozenset[str] = frozenset()
    """The names that the file unset."""
    warning: str = ""
    """The complaint of a file that is usable all the same; "": none."""

    @property
    def count(self) -> int:
        """The number of variables that the file sets."""
        return len(self.values)


class EnvFileError(Struct, frozen=True):
    """The reason why a file cannot be used, for people."""

    text: str


def source_env_file(
    path: Path, base_env: Mapping[str, str], timeout_s: float = TIMEOUT_S, *, export_all: bool = True
) -> Sourced | EnvFileError:
    """Source a file with bash as if every line were exported. Blocks up to `timeout_s`; leaves no process behind.

    Without `export_all` only variables that the file itself exports count, as after a plain `source`.
    """
    path = path.absolute()
    if why := why_no_file(path):
        return EnvFileError(f"{path} {why}")
    if not os.access(path, os.R_OK):
        return EnvFileError(f"{path} cannot be read: not permitted")
    text = read_head(path)
    unreadable = why_unreadable(text)
    if unreadable:
        return EnvFileError(f"{path} {unreadable}")
    # BASH_ENV would make bash run another file first.
    before = {key: value for key, value in base_env.items() if key != "BASH_ENV"}
    stamp = _stamp(path)
    try:
        run = run_script(_SCRIPT if export_all else _PLAIN_SCRIPT, path, before, timeout_s)
    except OSError as error:
        return EnvFileError(f"bash cannot be run: {error.strerror or error}")
    # bash names the first word that it took for a command; the hints name the lines and what to write.
    complaint = "; ".join((_first_line(run.err), *dialect_hints(text))) if run.err.strip() else ""
    because = f": {complaint}" if complaint else ""
    if run.code is None:
        return EnvFileError(f"{path} {run.problem}{because}")
    if run.code == _SYNTAX_ERROR:
        return EnvFileError(f"{path} is no valid shell: {complaint}")
    if not run.out:
        return EnvFileError(f"{path} ended the shell with exit code {run.code}, so it is not whole{because}")
    if run.code != 0 and complaint:
        return EnvFileError(f"{path} failed with exit code {run.code}{because}")
    if _stamp(path) != stamp:
        return EnvFileError(f"{path} was changed while it was read: try again")
    after = _variables(run.out)
    # A last line like `[ -n "$X" ] && Y=1` ends with 1 and prints nothing: operators rely on that being harmless.
    code_text = f"its last command ended with {run.code}" if run.code else ""
    with_cr = sorted(key for key, value in after.items() if value.endswith("\r") and before.get(key) != value)
    left = f"left running: pid {', '.join(map(str, run.left))}" if run.left else ""
    warning = "; ".join(filter(None, (*encoding_faults(text, with_cr), complaint or code_text, left)))
    values = {k: v for k, v in after.items() if k not in _SHELL_OWN and before.get(k) != v}
    removed = frozenset(k for k in before if k not in _SHELL_OWN and k not in after)
    return Sourced(values, removed, warning)


def read_env_file(
    path: Path, masking: Masking, base_env: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> EnvFileReading:
    """Read the watched variables that a file sets, and which of them a plain `source` exports.

    Blocks up to twice `timeout_s`. `base_env` is used without the watched variables, so that only the file counts.
    """
    base = {key: value for key, value in base_env.items() if not masking.wants(key)}
    every = source_env_file(path, base, timeout_s)
    if isinstance(every, EnvFileError):
        return EnvFileReading(str(path), {}, frozenset(), clean_text(every.text))
    plain = source_env_file(path, base, timeout_s, export_all=False)
    if isinstance(plain, EnvFileError):
        return EnvFileReading(str(path), {}, frozenset(), clean_text(plain.text))
    values = {clean_text(key): masking.shown(key, value) for key, value in every.values.items() if masking.wants(key)}
    exported = frozenset(clean_text(key) for key in plain.values if every.values.get(key) == plain.values[key])
    warning = clean_text(every.warning) or None
    return EnvFileReading(str(path), values, exported & frozenset(values), warning=warning)


def _variables(out: bytes) -> dict[str, str]:
    """Parse the output of `env -0`."""
    pairs = (entry.partition(b"=") for entry in out.split(b"\0") if b"=" in entry)
    return {os.fsdecode(key): os.fsdecode(value) for key, _, value in pairs}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _first_line(err: bytes) -> str:
    text = err[:4096].decode(errors="replace").strip()
    return clean_text(text.splitlines()[0]) if text else ""
