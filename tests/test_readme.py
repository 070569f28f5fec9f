"""Checks what the README and the first steps promise. `tests/test_docs.py` checks every page."""

import os
import re
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.watch import EnvFileWatch
from metabonk_tui.adapters.state.config_check import check_config
from metabonk_tui.core.launch.preflight import env_file_item
from metabonk_tui.core.model.event import EventKind
from tests.support.metabonk_layout import make_checkout

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_RUN = (ROOT / "docs" / "first-run.md").read_text(encoding="utf-8")


ONE_SCREEN = 80
"""Lines."""


def test_it_is_one_screen() -> None:
    assert len(README.splitlines()) <= ONE_SCREEN


LITERAL_KIND = re.compile(
    r"[\"']((?:run|worker|component|memory|pool|env|contract|recorder|monitor|watch|alert)\.[a-z_]+)[\"']"
)


def test_a_kind_of_event_is_written_once() -> None:
    kinds = {kind.value for kind in EventKind}
    declared = ROOT / "metabonk_tui" / "core" / "model" / "event.py"
    literals = {
        f"{path.relative_to(ROOT)}: {kind}"
        for path in (ROOT / "metabonk_tui").rglob("*.py")
        if path != declared and "demo" not in path.parts
        for kind in LITERAL_KIND.findall(path.read_text(encoding="utf-8"))
        if kind in kinds
    }
    assert literals == set()


def test_the_first_thing_is_how_to_see_it() -> None:
    assert README.index("make demo") < README.index("make test") < 1000
    assert re.search(r"^demo:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_example_works_on_the_public_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make_checkout(tmp_path / "MetaBonk")
    example = FIRST_RUN.split("```toml\n[pool]\n")[1].split("```")[0]
    (tmp_path / "config.toml").write_text(f"[pool]\n{example}")
    checked = check_config(str(tmp_path / "config.toml"), environ={})
    assert checked.mistakes == ()
    assert checked.config is not None
    item = env_file_item(checked.config, EnvFileWatch(checked.config, {"PATH": os.environ["PATH"]}).read())
    assert (item.standing, item.evidence[0]) == ("PASS", "6 of 6 right")
