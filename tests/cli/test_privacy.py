"""One run whose worker, log, command lines and configuration contain secrets: none is printed, kept or sent.

All of it under umask 000: no file of the state directory is readable by others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from metabonk_tui.core.text.mask import MASK
from tests.support import forks

LEAK = re.compile(r"LEAK\d+")
LOG = """\
ERROR WANDB_KEY=LEAK01x
ERROR {"token": "LEAK02x"} failed
ERROR Authorization: Bearer LEAK03x
ERROR run --password LEAK04x
ERROR http://me:LEAK05x@host/?token=LEAK06x failed
"""
CONFIG = """\
[pool]
base_port = {port}
workers = 1
orchestrator = "http://me:LEAK07x@127.0.0.1:1"
[pool.launcher]
launch = ["python3", "launch.py", "--password", "LEAK08x", "{{workers}}"]
environment = {{ MY_SECRET = "LEAK09x" }}
[preflight]
ollama = "http://me:LEAK10x@127.0.0.1:1"
[alerts.hook]
command = ["sh", "-c", "cat >> hook.txt; echo token=LEAK11x; exit 1", "--token", "LEAK12x"]
[alerts.webhook.near]
kind = "ntfy"
url = "http://LEAK15x:LEAK16x@127.0.0.1:1/up/LEAK17x?auth=LEAK18x"
[alerts.webhook.far]
kind = "json"
url = "http://leak.example.org/LEAK19x"
[alerts.rule.ComponentAbsent]
for_s = 0.0
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Serve a worker's status; its log lies where the status says."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker_0.log").write_text(LOG)
    status = {
        "step": 1,
        "game_log_path": str(tmp_path),
        "last_error": "http://me:LEAK13x@host failed",
        "wandb_api_key": "LEAK14x",
    }

    class Worker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(status).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Worker)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_no_secret_leaves_and_no_file_is_open_to_others(home: dict[str, str], tmp_path: Path, port: int) -> None:
    config = tmp_path / "mine.toml"
    config.write_text(CONFIG.format(port=port))
    printed = ""

    def run(*argv: str) -> str:
        nonlocal printed
        done = forks.run(argv, env=home, cwd=tmp_path, timeout=120, umask=0)
        printed += done.stdout + done.stderr
        return done.stdout

    mine = ("--config", str(config))
    run("record", "--for", "4s", *mine)
    run("export", "last", "--jsonl", "x.jsonl")
    run("report", "last", "--html", "x.html")
    run("report", "last")
    for verb in (["preflight"], ["config", "show"], ["config", "check"], ["alerts", "test"]):
        run(*verb, *mine)
    run("launch", "1", "--yes", *mine)

    exported = (tmp_path / "x.jsonl").read_text()
    assert f"WANDB_KEY={MASK}" in exported, "the log was not read"
    assert f"{MASK}@host failed" in exported, "the status was not read"
    assert (tmp_path / "hook.txt").exists(), "the hook was not called"
    assert MASK in printed
    ours = [tmp_path / "x.jsonl", tmp_path / "x.html", tmp_path / "hook.txt"]
    state = list((tmp_path / "state").rglob("*"))
    for path in ours + [path for path in state if path.is_file()]:
        assert not LEAK.findall(path.read_bytes().decode("utf-8", "replace")), path
    assert not LEAK.findall(printed)
    assert "leak.example" not in printed
    wide = {str(path): oct(path.lstat().st_mode) for path in state if path.lstat().st_mode & 0o077}
    assert wide == {}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "x.jsonl").stat().st_mode & 0o777 == 0o600
