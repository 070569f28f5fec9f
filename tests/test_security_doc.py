"""docs/security.md names exactly the proofs that the code accepts, and tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from metabonk_tui.adapters.process.keepers import KEEPERS
from metabonk_tui.adapters.process.ownership import Proof
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()


def test_the_table_of_proofs_is_the_codes() -> None:
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == ["launcher", "token", "cgroup", "listens", "adopted"]
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == {proof.value for proof in Proof}


def test_the_keepers_that_it_names_are_kept() -> None:
    assert {"tmux", "screen", "sshd", "systemd", "dbus-daemon", "jupyter-lab", "ssh-agent", "dockerd"} <= KEEPERS


MODEL = TEXT.split("## Threat model")[1].split("\n## ")[0]
ROWS = [line for line in MODEL.splitlines() if line.startswith("| ") and line.count("|") == 5][1:]
"""The rows of actors: actor, what it tries, what stops it, test."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[2].strip()[:60])
def test_each_attack_names_a_test_that_is_there(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert all(cells)
    (named,) = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cells[3])
    path, name = named
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_actor_is_there() -> None:
    actors = {row.strip("|").split("|")[0].strip() for row in ROWS}
    assert {"hostile worker", "hostile file", "another user of the machine", "hostile network"} <= actors
    assert any("terminal" in actor for actor in actors)
    assert len(ROWS) >= 25
