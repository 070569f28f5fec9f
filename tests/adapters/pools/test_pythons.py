"""Which Python runs MetaBonk: candidates in order, real interpreters asked, this program's own never by default."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.pythons import (
    AskedPython,
    PythonCandidate,
    ask_pythons,
    best_python,
    python_candidates,
)
from metabonk_tui.core.launch.imports import ImportProbe, MissingModule
from tests.support.children import config
from tests.support.metabonk_layout import make_checkout


def program(path: Path, text: str = "#!/bin/sh\nexit 3\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def candidate(name: str, own: bool = False) -> PythonCandidate:
    return PythonCandidate(name, "on PATH", own)


def test_candidates_are_those_of_the_pool_the_checkout_conda_and_path_each_once(tmp_path: Path) -> None:
    home, checkout = tmp_path / "home", tmp_path / "MetaBonk"
    running = program(checkout / "venv/bin/python")
    program(checkout / ".venv/bin/python")
    program(home / "miniconda3/envs/metabonk-gpu/bin/python")
    program(home / "miniconda3/envs/other/bin/python")
    program(home / "elsewhere/metabonk/bin/python")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text(f"{home}/elsewhere/metabonk\n{home}/gone/metabonk\n")
    program(tmp_path / "bin/python3")
    environ = {"PATH": str(tmp_path / "bin"), "CONDA_PREFIX": f"{home}/elsewhere/metabonk"}
    found = python_candidates(checkout, str(running), home, environ)
    assert [(c.command.replace(str(tmp_path), ""), c.origin) for c in found] == [
        ("/MetaBonk/venv/bin/python", "runs the pool now"),
        ("/MetaBonk/.venv/bin/python", ".venv of the checkout"),
        ("/home/elsewhere/metabonk/bin/python", "the active conda"),
        ("/home/miniconda3/envs/metabonk-gpu/bin/python", "a conda environment of this name"),
        ("python3", "on PATH"),
    ]


def test_the_own_python_is_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "pipx"))
    program(tmp_path / "pipx/bin/python")
    program(tmp_path / "bin/python3")
    environ = {"PATH": str(tmp_path / "bin"), "VIRTUAL_ENV": str(tmp_path / "pipx")}
    found = python_candidates(tmp_path, "", tmp_path, environ)
    assert [(c.command.rpartition("/")[2], c.is_own) for c in found] == [("python3", False), ("python", True)]


def test_real_pythons_are_asked_until_one_has_all(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path, {"src/worker/main.py": "import json\n"})
    broken = program(tmp_path / "broken/python3")
    asked = list(ask_pythons(config(), checkout, [candidate(str(p)) for p in (broken, sys.executable, "never")]))
    assert [each.is_complete for each in asked] == [False, True]
    assert "could not be asked: exit code 3" in asked[0].text
    assert asked[1].text.endswith("has all that the workers import")
    assert best_python(asked) is asked[1]


def test_the_best_lacks_nothing_else_it_is_not_the_own() -> None:
    lacks = ImportProbe("x 3.11.7", 2, True, tuple(MissingModule(name, "needed", "missing", "a:1") for name in "abcd"))
    own, other = AskedPython(candidate("p", own=True), lacks), AskedPython(candidate("q"), lacks)
    assert best_python([own, other]) is other
    assert best_python([own]) is own
    assert best_python([]) is None
    assert other.text == "a is missing, b is missing, c is missing and 1 more"
