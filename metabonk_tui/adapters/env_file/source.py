"""Reads the variables that an env file sets, by sourcing it in bash with and without `set -a`.

Does not: parse shell, or interpret a variable. Sourcing runs the file, so only a configured path is sourced.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.adapters.process.run_command import run_into_files
from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.core.text.clean import clean_text

TIMEOUT_S = 5.0
_MAX_OUTPUT_BYTES = 1 << 20
_SCRIPT = (
    'bash -n "$1" || exit 121; set -a; . "$1" >/dev/null </dev/null; __metabonk_tui=$?; set +a; '
    "/usr/bin/env -0; exit $__metabonk_tui"
)
_PLAIN_SCRIPT = _SCRIPT.replace("set -a; ", "").replace("set +a; ", "")
_SYNTAX_ERROR = 121
_SHELL_OWN = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV", "__metabonk_tui"})
"""Variables that bash or the script above sets; they are never counted as set by the file."""


@dataclass(frozen=True, slots=True)
class Sourced:
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


@dataclass(frozen=True, slots=True)
class EnvFileError:
    """The reason why a file cannot be used, for people."""

    text: str


def source_env_file(
    path: Path, base_env: Mapping[str, str], timeout_s: float = TIMEOUT_S, *, export_all: bool = True
) -> Sourced | EnvFileError:
    """Source a file with bash as if every line were exported. Blocks up to `timeout_s`; leaves no process behind.

    Without `export_all` only variables that the file itself exports count, as after a plain `source`.
    """
    path = path.absolute()
    if not path.is_file():
        return EnvFileError(f"{path} does not exist" if not path.exists() else f"{path} is no file")
    if not os.access(path, os.R_OK):
        return EnvFileError(f"{path} cannot be read: not permitted")
    # BASH_ENV would make bash run another file first.
    before = {key: value for key, value in base_env.items() if key != "BASH_ENV"}
    argv = ("bash", "--noprofile", "--norc", "-c", _SCRIPT if export_all else _PLAIN_SCRIPT, "env-file", str(path))
    # Files, not pipes: a background job of the env file would keep a pipe open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            code = run_into_files(argv, path.parent, before, timeout_s, out, err)
        except OSError as error:
            return EnvFileError(f"bash cannot be run: {error.strerror or error}")
        complaint = _first_line(err)
        if code is None:
            return EnvFileError(f"{path} did not end within {timeout_s:g} s")
        if code == _SYNTAX_ERROR:
            return EnvFileError(f"{path} is no valid shell: {complaint}")
        after = _variables(out)
    if after is None:
        return EnvFileError(f"{path} prints more than {_MAX_OUTPUT_BYTES} bytes of environment")
    if not after:
        return EnvFileError(f"{path} ended the shell with exit code {code}" + (f": {complaint}" if complaint else ""))
    if code != 0 and complaint:
        return EnvFileError(f"{path} failed with exit code {code}: {complaint}")
    # A last line like `[ -n "$X" ] && Y=1` ends with 1 and prints nothing: operators rely on that being harmless.
    warning = complaint or (f"its last command ended with {code}" if code else "")
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
    return EnvFileReading(str(path), values, exported & frozenset(values))


def _variables(out: IO[bytes]) -> dict[str, str] | None:
    """Parse the output of `env -0`; None: more than `_MAX_OUTPUT_BYTES`."""
    out.seek(0)
    body = out.read(_MAX_OUTPUT_BYTES + 1)
    if len(body) > _MAX_OUTPUT_BYTES:
        return None
    pairs = (entry.partition(b"=") for entry in body.split(b"\0") if b"=" in entry)
    return {os.fsdecode(key): os.fsdecode(value) for key, _, value in pairs}


def _first_line(err: IO[bytes]) -> str:
    err.seek(0)
    text = err.read(4096).decode(errors="replace").strip()
    return clean_text(text.splitlines()[0]) if text else ""
