"""What the launcher's Python answered, and what follows: a module that is not there never passes."""

from __future__ import annotations

import pytest

from metabonk_tui.core.launch.checklist import CheckState
from metabonk_tui.core.launch.imports import ImportLevel, ImportProbe, MissingModule, imports_item


def module(level: ImportLevel) -> MissingModule:
    return MissingModule("torch", level, "missing", "src/worker/trainer.py:17")


def probe(*missing: MissingModule, whole: bool = True) -> ImportProbe:
    return ImportProbe("python3 3.11.7", 34, whole, missing)


@pytest.mark.parametrize(
    ("answer", "standing", "expected"),
    [
        (probe(), "PASS", "python3 3.11.7 has all that 34 files import"),
        (probe(module("optional")), "PASS", "goes on without"),
        (probe(module("kept")), "UNKNOWN", "the error is kept for later"),
        (probe(module("kept"), module("needed")), "FAIL", "torch is missing (src/worker/trainer.py:17)"),
        (probe(module("needed"), whole=False), "FAIL", "python3 3.11.7 cannot import"),
        (probe(whole=False), "UNKNOWN", "only the first 34 files"),
        ("uv is no Python", "UNKNOWN", "uv is no Python"),
    ],
)
def test_each_answer(answer: ImportProbe | str, standing: CheckState, expected: str) -> None:
    item = imports_item(answer)
    assert item.standing == standing
    assert expected in " ".join(item.evidence)
    if standing == "FAIL":
        assert item.fix
