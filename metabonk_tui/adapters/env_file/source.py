"""Knows how to learn what an env file sets, by letting bash source it with `set -a`, and what it exports without.

Refuses to parse shell itself, and to know what any variable means. Sourcing runs the file: only for a configured path.
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
"""What bash itself sets or what we keep from it; never the file's."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """What sourcing a file changed."""

    values: Mapping[str, str]
    """Only what the file added or changed; all of it is exported to whoever is started with it."""
    removed: frozenset[str] = frozenset()
    """What the file unset."""
    warning: str = ""
    """What the file complained about although it could be used."""

    @property
    def count(self) -> int:
        """How many variables the file sets."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class EnvFileError:
    """Why a file cannot be used, for people."""

    text: str


def source_env_file(
    path: Path, base_env: Mapping[str, str], timeout_s: float = TIMEOUT_S, *, export_all: bool = True
) -> Sourced | EnvFileError:
    """Source a file with bash as if every line were exported. Blocks up to `timeout_s`; leaves no process behind.

    Without `export_all` only what the file itself exports counts: what a plain `source` hands to child processes.
    """
    path = path.absolute()
    if not path.is_file():
        return EnvFileError(f"{path} does not exist" if not path.exists() else f"{path} is no file")
    if not os.access(path, os.R_OK):
        return EnvFileError(f"{path} cannot be read: not permitted")
    # BASH_ENV would make bash run another file first.
    before = {key: value for key, value in base_env.items() if key != "BASH_ENV"}
    argv = ("bash", "--noprofile", "--norc", "-c", _SCRIPT if export_all else _PLAIN_SCRIPT, "env-file", str(path))
    # Files, not pipes: a job that the env file leaves in the background would hold a pipe open.
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
    # A last line like `[ -n "$X" ] && Y=1` ends with 1 and says nothing: people rely on that being harmless.
    warning = complaint or (f"its last command ended with {code}" if code else "")
    values = {k: v for k, v in after.items() if k not in _SHELL_OWN and before.get(k) != v}
    removed = frozenset(k for k in before if k not in _SHELL_OWN and k not in after)
    return Sourced(values, removed, warning)


def read_env_file(
    path: Path, masking: Masking, base_env: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> EnvFileReading:
    """Learn what a file sets of what is looked at, and what of it a plain `source` exports. Blocks up to twice
    `timeout_s`.

    What our own environment already has of it is left out, so that the file alone is seen.
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
    """Read `env -0`; None: too much of it."""
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
