"""What a checkout reads: code, scripts, the launcher; what only mentions or sets a name does not read it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file import source_keys
from metabonk_tui.adapters.env_file.source_keys import SourceKeys, SourceNames, SourceNotRead, unread

A, B = "METABONK_A", "METABONK_B"


def names(root: Path, **limits: int) -> frozenset[str]:
    found = SourceKeys(root, **limits).read()
    assert isinstance(found, SourceNames), found
    return found.names


def why_not(root: Path, **limits: int) -> str:
    found = SourceKeys(root, **limits).read()
    assert isinstance(found, SourceNotRead), found
    return found.why


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({A, B}, ()),
        ({A}, (B,)),
        ({"METABONK_"}, (A, B)),  # taking every name by its prefix reads none in particular
        ({A, "METABONK_B_"}, (B,)),
        ({"METABONK_A_MORE"}, (A, B)),
    ],
)
def test_unread(known: set[str], expected: tuple[str, ...]) -> None:
    assert unread([B, A, "OLLAMA_HOST"], frozenset(known)) == expected


def test_names_that_the_code_puts_together_count_as_read() -> None:
    assert unread(["METABONK_STATE_TEXT"], frozenset({"METABONK_STATE_"})) == ()


@pytest.mark.parametrize(
    ("name", "text", "is_read"),
    [
        ("src/worker/main.py", 'os.environ.get("METABONK_A")', True),
        ("scripts/start_omega.py", 'env.setdefault("METABONK_A", "1")', True),
        ("launch.py", "METABONK_A", True),
        ("src/a.py", 'os.environ[f"METABONK_{name}"]', False),
        ("src/a.py", 'os.environ["METABONK_" + name]', False),
        ("src/a.py", "METABONK_A_MORE", False),
        ("src/a.py", "METABONK_AB", False),
        ("rust/src/main.rs", 'env::var("METABONK_A")', True),
        ("ui/src/a.ts", "process.env.METABONK_A", True),
        ("scripts/run.sh", 'echo "${METABONK_A:-300}"', True),
        ("scripts/run.sh", "wait $METABONK_A", True),
        ("scripts/run.sh", "printenv METABONK_A", True),
        ("scripts/run.sh", "[[ -v METABONK_A ]]", True),
        ("scripts/run.sh", "python3 -c 'import os; os.environ[\"METABONK_A\"]'", True),
        ("scripts/run.sh", "export METABONK_A=1", False),
        ("scripts/run.sh", "# $METABONK_A is not read any more", False),
        ("scripts/run.sh", 'echo "METABONK_A and METABONK_* are not used"', False),
        ("launch", "#!/bin/sh\nexec python3 launch.py $METABONK_A", True),
        ("start", "#!/usr/bin/env python3\nos.environ['METABONK_A']", True),
        ("notes", "METABONK_A $METABONK_A", False),
        ("docker-compose.yml", "x: ${METABONK_A}", True),
        ("docker-compose.yml", "environment:\n  METABONK_A: 1", False),
        ("Dockerfile", "RUN echo $METABONK_A", True),
        ("pool.env", "METABONK_A=1\nX=$METABONK_A", False),
        ("docs/old.py", "METABONK_A", False),
        ("README.md", "METABONK_A", False),
        ("tests/test_a.py", "METABONK_A", False),
        (".venv/a.py", "METABONK_A", False),
        ("runs/r1/copy.py", "METABONK_A", False),
    ],
)
def test_what_reads_a_name(tmp_path: Path, name: str, text: str, is_read: bool) -> None:
    put(tmp_path, "src/other.py", "METABONK_OTHER")
    put(tmp_path, name, text + "\n")
    assert unread([A], names(tmp_path)) == (() if is_read else (A,))


def test_a_virtual_environment_under_any_name_is_not_the_checkouts(tmp_path: Path) -> None:
    put(tmp_path, "a.py", A)
    put(tmp_path, "py311/pyvenv.cfg", "home = /usr")
    put(tmp_path, "py311/lib/b.py", B)
    assert names(tmp_path) == {A}


def test_it_says_what_was_read(tmp_path: Path) -> None:
    put(tmp_path, "a.py", A)
    put(tmp_path, "scripts/b.sh", f"${B}")
    assert SourceKeys(tmp_path).read() == SourceNames(frozenset({A, B}), f"2 files of {tmp_path}")
    assert SourceKeys(tmp_path / "a.py").read() == SourceNames(frozenset({A}), f"1 file of {tmp_path / 'a.py'}")


def test_half_of_a_checkout_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(3):
        put(tmp_path, f"m{i}.py", f"METABONK_{i}\n")
    assert names(tmp_path) == {"METABONK_0", "METABONK_1", "METABONK_2"}
    assert "more than 2 source files" in why_not(tmp_path, max_files=2)
    assert "MB of source" in why_not(tmp_path, max_bytes=20)
    assert "does not exist" in why_not(tmp_path / "absent")
    monkeypatch.setattr(source_keys, "MAX_ENTRIES", 2)
    assert "more than 2 entries" in why_not(tmp_path)


def test_a_folder_without_source_says_so(tmp_path: Path) -> None:
    put(tmp_path, "pool.env", "METABONK_A=1")
    assert why_not(tmp_path) == f"no source is in {tmp_path}"


def test_links_without_a_target_and_pipes_stop_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.py", A)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    os.mkfifo(tmp_path / "pipe.py")
    assert names(tmp_path) == {A}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_nothing_of_any_key(tmp_path: Path) -> None:
    put(tmp_path, "a.py", A).chmod(0)
    assert "cannot be read" in why_not(tmp_path)


def test_source_that_changed_is_read_again(tmp_path: Path) -> None:
    file = put(tmp_path, "m.py", "METABONK_A\n")
    keys = SourceKeys(tmp_path)
    first = keys.read()
    assert isinstance(first, SourceNames)
    assert first.names == {A}
    file.write_text("METABONK_B and more\n")
    os.utime(file, (time.time() + 10, time.time() + 10))
    second = keys.read()
    assert isinstance(second, SourceNames)
    assert second.names == {B}
