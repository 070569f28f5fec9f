"""What doctor says of a pool on Ray."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metabonk_tui.cli.doctor.ray import ray_findings, token_finding
from tests.adapters.ray.test_sidecar import ray_config


@pytest.mark.parametrize(
    ("mode", "level", "text"),
    [(0o600, "PASS", "is private"), (0o640, "MISSING", "may be read"), (None, "WRONG", "No such")],
)
def test_the_token(tmp_path: Path, mode: int | None, level: str, text: str) -> None:
    file = tmp_path / "token"
    if mode is not None:
        file.write_text("x")
        file.chmod(mode)
    found = token_finding(str(file))
    assert found.standing == level
    assert text in found.found
    assert token_finding("").standing == "MISSING"


def test_a_python_that_is_missing_or_has_no_ray(tmp_path: Path) -> None:
    missing = list(ray_findings(ray_config(tmp_path)))
    assert [each.standing for each in missing] == ["MISSING", "WRONG"]
    text = ray_config(tmp_path)
    from msgspec.structs import replace

    with_python = replace(text, pool=replace(text.pool, ray=replace(text.pool.ray, python=sys.executable)))
    found = list(ray_findings(with_python))[-1]
    assert (found.standing, "No module named 'ray'" in found.found) == ("WRONG", True)
