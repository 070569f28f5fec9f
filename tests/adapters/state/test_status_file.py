"""The status file on disk: private, whole at every moment, best effort; and where the state directory is."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import platformdirs
import pytest

from metabonk_tui.adapters.files.private import write_private_json
from metabonk_tui.adapters.state import status_file as state_file
from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.adapters.state.paths import config_path, state_path
from metabonk_tui.adapters.state.status_file import (
    UnreadableStatusFile,
    file_name,
    find,
    folder_of,
    read,
    remove_old,
)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return folder_of(str(tmp_path))


def test_it_is_for_nobody_elses_eyes_and_no_draft_stays(folder: str) -> None:
    path = f"{folder}/{file_name('127.0.0.1', 5000)}"
    write_private_json(path, {"a": 1})
    write_private_json(path, {"a": 2})
    assert read(path) == {"a": 2}
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert os.listdir(folder) == ["127.0.0.1-5000.json"]


def test_a_reader_never_finds_half_of_one(folder: str) -> None:
    path = f"{folder}/{file_name('h', 1)}"
    write_private_json(path, {"text": "x" * 20_000})
    done = threading.Event()

    def renew() -> None:
        for n in range(300):
            write_private_json(path, {"text": "xyz"[n % 3] * 20_000})
        done.set()

    thread = threading.Thread(target=renew)
    thread.start()
    while not done.is_set():
        found = read(path)
        assert isinstance(found, dict)
        assert len(set(found["text"])) == 1
    thread.join()


def test_each_pool_has_its_own_and_the_newest_comes_first(folder: str) -> None:
    for age, (host, port) in enumerate([("127.0.0.1", 5000), ("127.0.0.1", 15000), ("gpu-box", 5000)]):
        path = f"{folder}/{file_name(host, port)}"
        write_private_json(path, {})
        os.utime(path, (1_800_000_000 - age, 1_800_000_000 - age))

    def names(*which: object) -> list[str]:
        return [os.path.basename(path) for path in find(folder, *which)]  # type: ignore[arg-type]

    assert names() == ["127.0.0.1-5000.json", "127.0.0.1-15000.json", "gpu_box-5000.json"]
    assert names(None, 5000) == ["127.0.0.1-5000.json", "gpu_box-5000.json"]
    assert names("gpu-box") == ["gpu_box-5000.json"]
    assert names("gpu") == names("gpu-box", 1) == names(None, 500) == []


def test_a_name_of_a_host_is_no_way_out_of_the_folder() -> None:
    assert file_name("../../etc/passwd", 1) == ".._.._etc_passwd-1.json"
    assert "/" not in file_name("::1/%", 1)


def test_where_nothing_was_written_there_is_nothing(folder: str) -> None:
    assert find(folder) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b" " * 70_000, "too large"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(UnreadableStatusFile, match=why):
        read(str(path))


def test_a_folder_that_is_a_file_is_reported(folder: str) -> None:
    Path(folder).write_text("in the way")
    with pytest.raises(OSError, match=r"exists|directory"):
        write_private_json(f"{folder}/a.json", {})
    with pytest.raises(UnreadableStatusFile, match="directory"):
        find(folder)


def test_a_full_disk_leaves_the_old_one_and_no_draft(folder: str) -> None:
    """In a child whose files may not grow beyond some bytes: what a full disk does to a write, without one."""
    path = f"{folder}/{file_name('h', 1)}"
    write_private_json(path, {"a": 1})
    program = (
        "import resource, signal, sys\n"
        "from metabonk_tui.adapters.files.private import write_private_json\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n    write_private_json(sys.argv[1], {'text': 'x' * 5000})\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("OSError\n", "")
    assert read(path) == {"a": 1}
    assert os.listdir(folder) == ["h-1.json"]


def test_no_link_is_followed(folder: str, tmp_path: Path) -> None:
    path = f"{folder}/{file_name('h', 1)}"
    write_private_json(path, {})
    precious = tmp_path / "precious"
    precious.write_text("keep")
    os.symlink(precious, f"{path}.{os.getpid()}.draft")
    with pytest.raises(OSError, match="is a link"):
        write_private_json(path, {})
    assert precious.read_text() == "keep"


def test_what_nobody_renews_is_forgotten_in_the_end(folder: str) -> None:
    for name in ("new.json", "old.json", "old.json.17.draft"):
        write_private_json(f"{folder}/{name}", {})
    for name in ("old.json", "old.json.17.draft"):
        os.utime(f"{folder}/{name}", (1, 1))
    remove_old(folder)
    assert os.listdir(folder) == ["new.json"]
    remove_old(folder, time.time() + state_file.MAX_AGE_S + 60)
    assert os.listdir(folder) == []
    remove_old(f"{folder}/nowhere")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"XDG_STATE_HOME": "/somewhere/else"},
        {"XDG_STATE_HOME": "/somewhere/else/"},
        {"XDG_STATE_HOME": ""},
        {"XDG_STATE_HOME": "relative/place"},
        {"XDG_STATE_HOME": "  "},
        {"XDG_CONFIG_HOME": "/somewhere/else"},
        {"XDG_CONFIG_HOME": " /somewhere"},
        {"HOME": "/home/somebody/"},
        {"HOME": "/"},
        {"HOME": ""},
    ],
    ids=str,
)
def test_the_short_way_finds_the_same_directory(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "METABONK_TUI_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    expected = Path(platformdirs.user_state_dir("metabonk-tui", appauthor=False))
    assert Path(state_path()) == state_dir() == expected
    assert Path(config_path()) == Path(platformdirs.user_config_dir("metabonk-tui", appauthor=False))


def test_a_directory_that_was_chosen_is_taken_as_it_is() -> None:
    assert state_path({"METABONK_TUI_STATE_DIR": "here", "XDG_STATE_HOME": "/x"}) == "here"


def test_it_is_a_line_of_plain_json(folder: str) -> None:
    path = f"{folder}/x.json"
    write_private_json(path, {"text": "→ ■"})
    assert json.loads(Path(path).read_bytes()) == {"text": "→ ■"}
