"""The env file from what bash says of it to what no worker reads: exports, secrets, changes, unread keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metabonk_tui.adapters.env_file.source import read_env_file
from metabonk_tui.adapters.env_file.watch import EnvFileWatch
from metabonk_tui.adapters.process.environ import Masking
from metabonk_tui.core.model.sample import EnvFileReading
from metabonk_tui.core.text.mask import MASK
from tests.support.children import config

BASE = {"PATH": os.environ["PATH"], "HOME": "/home/someone"}
A, B = "METABONK_A", "METABONK_B"


def reading(tmp_path: Path, text: str, timeout_s: float = 10.0, **ours: str) -> EnvFileReading:
    path = tmp_path / "pool.env"
    path.write_text(text)
    return read_env_file(path, Masking(config()), BASE | ours, timeout_s)


@pytest.mark.parametrize(
    ("text", "values", "exported"),
    [
        ("METABONK_A=1\n", {A: "1"}, set()),
        ("export METABONK_A=1\n", {A: "1"}, {A}),
        ("METABONK_A=1\nexport METABONK_A\nMETABONK_B=2\n", {A: "1", B: "2"}, {A}),
        ("set -a\nMETABONK_A=1\nset +a\n", {A: "1"}, {A}),
        ("declare -x METABONK_A=1\n", {A: "1"}, {A}),
        ('if [ -n "$HOME" ]; then export METABONK_A=1; else METABONK_A=2; fi\n', {A: "1"}, {A}),
        ('[ -n "$NOTHING" ] && export METABONK_A=1\nMETABONK_B=2\n', {B: "2"}, set()),
        ("export METABONK_A=1\nexport -n METABONK_A\nMETABONK_A=2\n", {A: "2"}, set()),
        ("METABONK_A=$(env | grep -c METABONK_B)\nexport METABONK_B=1\n", {A: "0", B: "1"}, {B}),
        ("PRIVATE=x\nexport HOME=/elsewhere\nMETABONK_A=$HOME\n", {A: "/elsewhere"}, set()),
        ("", {}, set()),
    ],
)
def test_what_a_plain_source_exports(tmp_path: Path, text: str, values: dict[str, str], exported: set[str]) -> None:
    found = reading(tmp_path, text)
    assert found.error is None
    assert dict(found.values) == values
    assert found.exported == exported


def test_what_we_have_ourselves_is_not_taken_for_the_files(tmp_path: Path) -> None:
    found = reading(tmp_path, "METABONK_A=1\n", METABONK_A="1", METABONK_B="2")
    assert dict(found.values) == {A: "1"}
    assert found.exported == frozenset(), "our own environment exports it, the file does not"


def test_secrets_are_masked_and_what_is_required_never_is(tmp_path: Path) -> None:
    masking = Masking(config('[environment]\nrequired = { METABONK_MAX_TOKENS = "256" }'))
    path = tmp_path / "pool.env"
    path.write_text("METABONK_API_KEY=s3cret\nMETABONK_MAX_TOKENS=256\nOLLAMA_HOST=http://me:s3cret@h:1\n")
    found = read_env_file(path, masking, BASE)
    assert dict(found.values) == {
        "METABONK_API_KEY": MASK,
        "METABONK_MAX_TOKENS": "256",
        "OLLAMA_HOST": f"http://{MASK}@h:1",
    }
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [("if [ ; then\n", "no valid shell"), ("exit 3\n", "exit code 3"), ("sleep 300\n", "did not end within")],
)
def test_a_file_that_cannot_be_read_sets_nothing_and_says_why(tmp_path: Path, text: str, message: str) -> None:
    found = reading(tmp_path, text, timeout_s=0.5 if "sleep" in text else 10.0)
    assert found.error is not None
    assert message in found.error
    assert not found.values


def watched(tmp_path: Path, toml: str = "", **over: object) -> EnvFileWatch:
    launcher = f'[pool.launcher]\ndirectory = "{tmp_path}"\nenv_file = "pool.env"\n'
    return EnvFileWatch(config(launcher + toml), BASE, **over)  # type: ignore[arg-type]


def test_it_is_run_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "pool.env"
    path.write_text("METABONK_A=1\necho ran >> ran\n")
    watch = watched(tmp_path)
    first = watch.read()
    assert first is not None
    assert watch.read() == first
    assert (tmp_path / "ran").read_text() == "ran\n" * 2, "once with `set -a` and once without"
    path.write_text("METABONK_A=2 # changed\n")
    second = watch.read()
    assert second is not None
    assert dict(second.values) == {A: "2"}
    path.unlink()
    third = watch.read()
    assert third is not None
    assert "does not exist" in (third.error or "")


def test_without_an_env_file_there_is_nothing_to_say() -> None:
    assert EnvFileWatch(config(), BASE).read() is None


def test_keys_that_the_source_never_names_are_reported(tmp_path: Path) -> None:
    (tmp_path / "src" / "worker").mkdir(parents=True)
    (tmp_path / "src" / "worker" / "main.py").write_text('os.environ.get("METABONK_A")\n')
    (tmp_path / "pool.env").write_text("METABONK_A=1\nMETABONK_B=2\nOLLAMA_HOST=x\n")
    found = watched(tmp_path).read()
    assert found is not None
    assert found.unread == (B,)
    assert found.source == f"1 file of {tmp_path}"
    elsewhere = watched(tmp_path, '[environment]\nsource = "nowhere"\n').read()
    assert elsewhere is not None
    assert elsewhere.unread is None, "a source that is not there names nothing"
    assert elsewhere.source == f"{tmp_path / 'nowhere'} does not exist"
