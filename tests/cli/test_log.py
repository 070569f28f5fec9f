"""The program's own log: private, without secrets, and silent on the screen when its disk is full."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.cli.log import LogFile, MaskedFormatter, log_path, open_log
from metabonk_tui.core.text.mask import MASK


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Return the root logger; its handlers and level come back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [handler for handler in handlers if not isinstance(handler, LogFile)]
    yield root
    for handler in root.handlers:
        if isinstance(handler, LogFile) and handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_log_and_folder_are_private(state: Path, root: logging.Logger, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert open_log() == ""
    finally:
        os.umask(before)
    assert state.stat().st_mode & 0o777 == 0o700
    assert log_path().stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_write_gets_no_log(state: Path, root: logging.Logger) -> None:
    state.mkdir()
    state.chmod(0o777)
    problem = open_log()
    assert "has mode 0777, so other users may change it" in problem
    assert not log_path().exists()


def test_a_link_is_not_followed(state: Path, root: logging.Logger, tmp_path: Path) -> None:
    state.mkdir(mode=0o700)
    (tmp_path / "victim").write_text("")
    log_path().symlink_to(tmp_path / "victim")
    assert "is a link" in open_log()
    assert (tmp_path / "victim").read_text() == ""


def test_records_and_tracebacks_have_no_secret(state: Path, root: logging.Logger) -> None:
    open_log()
    try:
        raise ValueError("http://me:pw9@host refused")
    except ValueError:
        logging.getLogger("metabonk_tui").exception("Authorization: Bearer pw9, %s", {"token": "pw9"})
    text = log_path().read_text()
    assert "ValueError" in text
    assert MASK in text
    assert "pw9" not in text


def test_what_cannot_be_encoded_is_logged(tmp_path: Path) -> None:
    handler = LogFile(tmp_path / "log")
    logger = logging.Logger("test")  # without a parent: pytest's own handler could not report such a text
    logger.addHandler(handler)
    logger.info("a path: %s", os.fsdecode(b"\xff"))
    handler.close()
    assert "\\udcff" in (tmp_path / "log").read_text()


def test_a_full_disk_is_silent_and_counted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    handler = LogFile(tmp_path / "log")
    handler.setFormatter(MaskedFormatter("%(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.info("before")
    handler.close()
    (tmp_path / "log").rename(tmp_path / "kept")
    (tmp_path / "log").mkdir()  # a write fails, for root as well
    for _ in range(3):
        logger.info("lost")
    assert handler.lost_records == 3
    (tmp_path / "log").rmdir()
    logger.info("after")
    logger.info("more")
    handler.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == "after"
    assert lines[1].startswith("3 log records before this one are lost: ")
    assert lines[2:] == ["more"]
    assert capfd.readouterr() == ("", "")


def test_a_device_that_is_full_is_silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """/dev/full opens and refuses every write, as a full disk does."""
    handler = LogFile(tmp_path / "log")
    monkeypatch.setattr(handler, "_open", lambda: os.fdopen(os.open("/dev/full", os.O_WRONLY), "w"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.info("x" * 100_000)
    logger.info("y")
    assert handler.lost_records == 2
    handler.close()
