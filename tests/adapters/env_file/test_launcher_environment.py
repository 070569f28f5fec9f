"""What the launcher's script sets whatever the env file says: by its source and its profile, without running it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.launcher_environment import NO_SCRIPT, launcher_environment

KEY = "METABONK_SYSTEM2_ENABLED"
LAUNCH = ("python3", "launch.py", "--workers", "3")
REAL = """
class Launcher:
    def _apply_training_env(self, env):
        sys2 = self.cfg.get("system2", {}) or {}
        env["METABONK_SYSTEM2_ENABLED"] = "1" if bool(sys2.get("enabled", True)) else "0"
        if sys2.get("backend") is not None:
            env["METABONK_SYSTEM2_BACKEND"] = str(sys2.get("backend") or "").strip()
"""


def sets(folder: Path, script: str, argv: tuple[str, ...] = LAUNCH) -> dict[str, str | None]:
    (folder / "launch.py").write_text(script)
    return dict(launcher_environment(folder, argv).values)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('env["METABONK_SYSTEM2_ENABLED"] = "1"', {KEY: "1"}),
        ('import os\nos.environ["METABONK_SYSTEM2_ENABLED"] = "0"', {KEY: "0"}),
        ('def f(child_env):\n    child_env["METABONK_SYSTEM2_ENABLED"] = "1"', {KEY: "1"}),
        ('if x:\n    env["METABONK_SYSTEM2_ENABLED"] = "1"', {KEY: None}),
        ('env["METABONK_SYSTEM2_ENABLED"] = str(x)', {KEY: None}),
        ('values["METABONK_SYSTEM2_ENABLED"] = "1"', {}),
        ('env.setdefault("METABONK_SYSTEM2_ENABLED", "1")', {}),
        ('print(env["METABONK_SYSTEM2_ENABLED"])', {}),
        ("", {}),
        ("x = = 1", {}),
    ],
)
def test_a_script(tmp_path: Path, script: str, expected: dict[str, str | None]) -> None:
    assert sets(tmp_path, script) == expected


@pytest.mark.parametrize(
    ("profile", "more", "expected"),
    [
        ({"system2": {"enabled": True, "backend": "ollama"}}, (), ("1", "ollama")),
        ({"system2": {"enabled": False}}, (), ("0", None)),
        ({"system2": {}}, (), (None, None)),
        ({"system2": 3}, (), (None, None)),
        (None, (), (None, None)),
        ({"system2": {"enabled": True}}, ("--config", "absent"), (None, None)),
    ],
)
def test_the_profile_has_the_value(
    tmp_path: Path, profile: object, more: tuple[str, ...], expected: tuple[str | None, str | None]
) -> None:
    (tmp_path / "configs").mkdir()
    if profile is not None:
        (tmp_path / "configs" / "launch_default.json").write_text(json.dumps(profile))
    found = sets(tmp_path, REAL, (*LAUNCH, *more))
    assert (found[KEY], found["METABONK_SYSTEM2_BACKEND"]) == expected


def test_the_command_names_the_profile(tmp_path: Path) -> None:
    (tmp_path / "launch_night.json").write_text('{"system2": {"enabled": false}}')
    assert sets(tmp_path, REAL, (*LAUNCH, "--config", "night"))[KEY] == "0"
    (tmp_path / "own.json").write_text('{"system2": {"enabled": true}}')
    assert sets(tmp_path, REAL, (*LAUNCH, "--config-file=own.json"))[KEY] == "1"
    (tmp_path / "own.json").write_text("{ no json")
    assert sets(tmp_path, REAL, (*LAUNCH, "--config-file=own.json"))[KEY] is None


def test_what_is_no_python_script_sets_nothing_that_is_known(tmp_path: Path) -> None:
    assert not launcher_environment(tmp_path, LAUNCH).values, "there is no launch.py"
    assert launcher_environment(tmp_path, ("./launch",)) == NO_SCRIPT
    assert launcher_environment(tmp_path, ("python3", "-m", "pool")) == NO_SCRIPT
