"""CONTRIBUTING names places that exist, and `.git-blame-ignore-revs` names commits by their full hash."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATH = re.compile(r"`([\w.*/-]+(?:\.py|\.md|\.toml|/))`")


def missing_paths(text: str) -> list[str]:
    """List the paths in backticks that exist neither at the top nor in the package."""
    return [
        path
        for path in PATH.findall(text)
        if not any((base / path).exists() for base in (ROOT, ROOT / "metabonk_tui")) and not path.startswith("/")
    ]


def test_every_path_in_contributing_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(PATH.findall(text)) > 40
    assert missing_paths(text) == []


def test_a_path_that_is_gone_is_found() -> None:
    table = "| x | `core/gauges.py`, `core/step/stages.py`, `themes/`, `cli/tapes/`, `README.md`, `/status` |"
    assert missing_paths(table) == ["core/gauges.py", "cli/tapes/"]


def test_commits_that_blame_ignores_are_full_hashes_with_a_comment() -> None:
    lines = (ROOT / ".git-blame-ignore-revs").read_text(encoding="utf-8").splitlines()
    hashes = [index for index, line in enumerate(lines) if line and not line.startswith("#")]
    assert len(hashes) >= 2
    for index in hashes:
        assert re.fullmatch(r"[0-9a-f]{40}", lines[index])
        assert lines[index - 1].startswith("# ")
