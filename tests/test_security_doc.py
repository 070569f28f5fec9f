"""docs/security.md names exactly the proofs that the code accepts."""

from __future__ import annotations

import re

from metabonk_tui.adapters.process.ownership import KEEPERS, Proof
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()


def test_the_table_of_proofs_is_the_codes() -> None:
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == ["launcher", "token", "cgroup", "listens", "adopted"]
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == {proof.value for proof in Proof}


def test_the_keepers_that_it_names_are_kept() -> None:
    assert {"tmux", "screen", "sshd", "systemd", "dbus-daemon", "jupyter-lab", "ssh-agent", "dockerd"} <= KEEPERS
