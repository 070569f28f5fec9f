"""Finds the variables that the launcher's own script sets for the workers, whatever the env file says.

Reads the script and MetaBonk's JSON profile. Does not: run either, or guess a value that is not written there.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from metabonk_tui.adapters.files.kind import is_file
from metabonk_tui.adapters.process.command_line import option, parse_command

MAX_BYTES = 2_000_000
_FLAG = {True: "1", False: "0"}
_PROFILE_KEYS: Mapping[str, tuple[str, str]] = {
    "METABONK_PURE_VISION_MODE": ("training", "pure_vision_mode"),
    "METABONK_EXPLORATION_REWARDS": ("training", "exploration_rewards"),
    "METABONK_RL_LOGGING": ("training", "rl_logging"),
    "METABONK_STRATEGY_FREQUENCY": ("training", "strategy_frequency"),
    "METABONK_SYSTEM2_ENABLED": ("system2", "enabled"),
    "METABONK_SYSTEM2_BACKEND": ("system2", "backend"),
    "METABONK_SYSTEM2_MODEL": ("system2", "model"),
}
"""Variable → section and key of `configs/launch_NAME.json` from which launch.py sets it."""


class LauncherEnvironment(Struct, frozen=True):
    """The variables that the launcher sets after it has read its own environment."""

    values: Mapping[str, str | None] = field(default_factory=dict)
    """None: set, to a value that is not known from outside."""
    script: str = ""
    """The script that sets them, as the launch command names it."""


NO_SCRIPT = LauncherEnvironment()


def launcher_environment(directory: Path, argv: Sequence[str]) -> LauncherEnvironment:
    """Read the Python script of a launch command; one that cannot be read or parsed sets nothing that is known."""
    program = parse_command(argv)
    if program.kind != "script":
        return NO_SCRIPT
    text = _read(directory / program.entry)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return NO_SCRIPT
    profile = _profile(directory, argv)
    values: dict[str, str | None] = {}
    for key, value, is_sure in _assignments(tree.body, is_sure=True):
        known = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
        if not is_sure and known is not None:
            known = None
        values[key] = known if known is not None else _from_profile(profile, key)
    return LauncherEnvironment(values, program.entry)


def _assignments(body: Sequence[ast.stmt], *, is_sure: bool) -> Iterator[tuple[str, ast.expr, bool]]:
    """Yield each `env["KEY"] = value` with whether it runs under no condition of its function."""
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if (key := _key_of(target)) is not None:
                    yield key, node.value, is_sure
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(node, name, None)
            if isinstance(inner, list):
                opens = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.With)
                yield from _assignments(inner, is_sure=is_sure and opens)


def _key_of(target: ast.expr) -> str | None:
    """Return KEY of `env["KEY"]`, `os.environ["KEY"]`, `child_env["KEY"]`."""
    if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Constant):
        return None
    owner, key = target.value, target.slice.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return key if isinstance(key, str) and "env" in name.lower() else None


def _profile(directory: Path, argv: Sequence[str]) -> Mapping[str, Any]:
    """Read the profile that the command names, else "default"; empty when there is none that can be read."""
    named = option(argv, "--config-file")
    profile = option(argv, "--config") or "default"
    places = ("configs", "config", ".")
    paths = [directory / named] if named else [directory / place / f"launch_{profile}.json" for place in places]
    path = next((path for path in paths if is_file(path)), None)
    try:
        found = json.loads(_read(path)) if path is not None else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _from_profile(profile: Mapping[str, Any], key: str) -> str | None:
    section, name = _PROFILE_KEYS.get(key, ("", ""))
    part = profile.get(section)
    value = part.get(name) if isinstance(part, dict) else None
    if isinstance(value, bool):
        return _FLAG[value]
    return str(value).strip() if isinstance(value, str | int | float) else None


def _read(path: Path) -> str:
    try:
        if not is_file(path) or path.stat().st_size > MAX_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
