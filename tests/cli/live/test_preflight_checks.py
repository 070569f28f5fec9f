"""What the preflight asks: where the workers will ask, of processes that still run, of tests that are there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace

from metabonk_tui.cli.live.preflight_checks import PoolChecks
from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support import snapshots as scenes
from tests.support.children import Children, config
from tests.support.ports import free_port

MODELS = json.dumps({"models": [{"name": "llava:7b"}]})


@pytest.fixture
def answer() -> Iterator[tuple[int, list[str]]]:
    """An HTTP server on a port, and the one text that it answers with."""
    body = [MODELS]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body[0].encode())

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1], body
    server.shutdown()
    thread.join()
    server.server_close()


def item(
    folder: Path, item_id: str, env: str = "", preflight: str = "", snapshot: Snapshot | None = None
) -> ChecklistItem:
    (folder / "pool.env").write_text(env)
    toml = f'[pool.launcher]\ndirectory = "{folder}"\nenv_file = "pool.env"\n[preflight]\n{preflight}\n'
    checks = PoolChecks(config(toml), folder / "state").checks(1, snapshot)
    check = next(check for check in checks if check.id == item_id)
    return check.run(lambda lines: None, threading.Event())


def test_ollama_is_asked_where_the_environment_says(
    tmp_path: Path, answer: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    port, body = answer
    configured = f'ollama = "http://127.0.0.1:{port}"'
    assert item(tmp_path, "ollama", "", configured).standing == "PASS"
    dead = item(tmp_path, "ollama", f"OLLAMA_HOST=127.0.0.1:{free_port()}\n", configured)
    assert dead.standing == "FAIL", "the configured one answers, and no worker asks it"
    assert "OLLAMA_HOST of the environment" in dead.evidence[0]
    assert item(tmp_path, "ollama", f"OLLAMA_HOST=127.0.0.1:{port}\n").standing == "PASS"
    assert item(tmp_path, "ollama", "OLLAMA_HOST=h:none\n").standing == "FAIL"
    assert item(tmp_path, "ollama", "OLLAMA_HOST=h:1\n", 'ollama = ""').standing == "SKIPPED"
    assert item(tmp_path, "ollama", "exit 3\n", configured).standing == "UNKNOWN"
    for text in ("<html>hello</html>", "[]", '{"models": 1}'):
        body[0] = text
        other = item(tmp_path, "ollama", "", configured)
        assert other.standing == "FAIL", text
        assert "no Ollama" in other.evidence[0]


def test_the_model_of_system2_is_asked_for_where_the_environment_says(
    tmp_path: Path, answer: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("OLLAMA_HOST", "METABONK_SYSTEM2_MODEL", "METABONK_SYSTEM2_ENABLED", "METABONK_VLM_HINT_MODEL"):
        monkeypatch.delenv(key, raising=False)
    port, body = answer
    # As Ollama 0.12 answers: a name, the model, and what it is made of.
    details = {"parent_model": "", "format": "gguf", "family": "llama", "parameter_size": "7B"}
    tags = [
        {"name": name, "model": name, "size": 4_733_363_377, "details": details}
        for name in ("llava:7b", "moon:latest")
    ]
    body[0] = json.dumps({"models": tags})
    here = f"METABONK_SYSTEM2_ENABLED=1\nOLLAMA_HOST=127.0.0.1:{port}\n"
    found = item(tmp_path, "ollama-model", f"{here}METABONK_SYSTEM2_MODEL=qwen2.5vl:7b\n")
    assert found.standing == "FAIL"
    assert "does not serve qwen2.5vl:7b (METABONK_SYSTEM2_MODEL); it serves llava:7b, moon:latest" in found.evidence[0]
    assert "ollama pull qwen2.5vl:7b" in found.fix
    assert item(tmp_path, "ollama-model", f"{here}METABONK_SYSTEM2_MODEL=llava:7b\n").standing == "PASS"
    assert item(tmp_path, "ollama-model", f"{here}METABONK_SYSTEM2_MODEL=moon\n").standing == "PASS"
    dead = f"METABONK_SYSTEM2_ENABLED=1\nOLLAMA_HOST=127.0.0.1:{free_port()}\n"
    assert item(tmp_path, "ollama-model", dead, f'ollama = "http://127.0.0.1:{port}"').standing == "UNKNOWN"
    assert item(tmp_path, "ollama-model", "METABONK_SYSTEM2_ENABLED=1\nOLLAMA_HOST=h:none\n").standing == "UNKNOWN"
    assert item(tmp_path, "ollama-model", "exit 3\n").standing == "UNKNOWN"
    assert item(tmp_path, "ollama-model", here, 'ollama = ""').standing == "SKIPPED"
    assert item(tmp_path, "ollama-model", f"OLLAMA_HOST=127.0.0.1:{port}\n").standing == "SKIPPED", "System2 is off"
    body[0] = "[]"
    assert item(tmp_path, "ollama-model", here).standing == "UNKNOWN"


def test_the_model_that_the_launcher_sets_counts(tmp_path: Path, answer: tuple[int, list[str]]) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "launch_default.json").write_text('{"system2": {"enabled": true, "model": "big:70b"}}')
    lines = 'env["METABONK_SYSTEM2_ENABLED"] = "1"\nenv["METABONK_SYSTEM2_MODEL"] = system2["model"]\n'
    (tmp_path / "launch.py").write_text(lines)
    env = f"OLLAMA_HOST=127.0.0.1:{answer[0]}\nMETABONK_SYSTEM2_MODEL=llava:7b\n"
    found = item(tmp_path, "ollama-model", env)
    assert found.standing == "FAIL", "the file names a model that Ollama serves, and the launcher another one"
    assert "big:70b (METABONK_SYSTEM2_MODEL as the launcher sets it)" in found.evidence[0]


def test_a_process_that_is_gone_is_not_judged(tmp_path: Path) -> None:
    children = Children()
    try:
        alive = children.python("import sys; sys.stdin.read()", ready=False)
        gone = children.python("pass", ready=False)
        gone.wait(20)
        scene = scenes.healthy()
        first, second = scene.workers[:2]

        def standing(pid: int | None, environment: dict[str, str] | None) -> str:
            worker = replace(first, pid=pid, environment=environment)
            return item(tmp_path, "env-processes", snapshot=replace(scene, workers=(worker,))).standing

        assert standing(alive.pid, {}) == "FAIL", "it runs without the flags"
        assert standing(gone.pid, {}) == "SKIPPED", "no worker runs"
        assert standing(gone.pid, None) == "UNKNOWN", "it answers, and its process is not visible here"
        both = (replace(first, pid=gone.pid, environment={}), replace(second, pid=None, environment=None))
        assert item(tmp_path, "env-processes", snapshot=replace(scene, workers=both)).standing == "UNKNOWN"
    finally:
        children.close()


def test_tests_of_the_checkout_are_offered(tmp_path: Path) -> None:
    assert item(tmp_path, "tests").standing == "SKIPPED"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_meta_learner.py").write_text("")
    found = item(tmp_path, "tests")
    assert found.standing == "UNKNOWN"
    assert any("tests/test_meta_learner.py" in line for line in found.evidence)


def test_the_monitors_own_variables_count_as_in_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    required = config().required_environment
    key = "METABONK_META_LEARNING"
    env = "".join(f"{name}={value}\n" for name, value in required.items() if name != key)
    monkeypatch.delenv(key, raising=False)
    assert item(tmp_path, "env-file", env).evidence[0] == f"{key} is not set"
    monkeypatch.setenv(key, "1")
    found = item(tmp_path, "env-file", env)
    assert found.standing == "PASS"
    assert f"from the monitor's own environment: {key}" in found.evidence
    assert item(tmp_path, "env-file", f"{env}unset {key}\n").standing == "FAIL"
