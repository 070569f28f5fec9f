"""`preflight` and the interlock on the command line: real tests, a real stranger on a port, real refusals."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.verbs import preflight
from tests.cli.conftest import Metabonk, answers
from tests.support.forks import PROGRAM, Forked
from tests.support.ports import free_port

SMALL = "[memory]\nworker_gb = 0.001\nollama_gb = 0\nfloor_gb = 0.001\n"


def written(folder: Path, port: int, *tests: str, memory: str = SMALL, environment: str = "") -> str:
    (folder / "launch.py").write_text("print('no GPU'); raise SystemExit(3)\n")
    (folder / "right.env").write_text(environment)
    tables = "".join(
        f'[[preflight.test]]\nname = "t{i}"\ncommand = ["{sys.executable}", "-c", "{test}"]\n'
        for i, test in enumerate(tests)
    )
    (folder / "own.toml").write_text(
        f'[pool]\nbase_port = {port}\norchestrator = ""\nworkers = 1\n'
        f'[pool.launcher]\ndirectory = "{folder}"\nlaunch = ["{sys.executable}", "launch.py"]\n'
        f'env_file = "right.env"\n'
        f'[preflight]\nollama = ""\ndisk_gb = 0.0\n{memory}{tables}'
    )
    return str(folder / "own.toml")


def right() -> str:
    from metabonk_tui.adapters.state.package_data import default_config_text
    from metabonk_tui.core.config.load import parse_config

    required = parse_config(default_config_text(), None).required_environment
    return "".join(f"export {key}={value}\n" for key, value in required.items())


def standings(text: str) -> dict[str, str]:
    return {item["id"]: item["standing"] for item in json.loads(text)["items"]}


def test_all_well_is_0_and_data_is_on_stdout(metabonk: Metabonk, tmp_path: Path) -> None:
    config = written(
        tmp_path, free_port(), "import os; print(os.environ['METABONK_META_LEARNING'])", environment=right()
    )
    done = metabonk("preflight", "--json", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    found = standings(done.stdout)
    assert found["test t0"] == found["env-file"] == found["ports"] == found["launcher"] == found["memory"] == "PASS"
    assert found["ollama"] == found["env-processes"] == "SKIPPED"
    assert "PASS      test t0" in done.stderr
    assert json.loads(done.stdout)["tests"][0]["tail"] == ["1"]


def test_a_failing_test_and_a_stranger_are_2(metabonk: Metabonk, tmp_path: Path) -> None:
    port = free_port()
    config = written(tmp_path, port, "print('no frames'); raise SystemExit(4)", environment=right())
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        done = metabonk("preflight", "--config", config)
    assert done.returncode == 2
    assert "FAIL      test t0: failed: exit code 4" in done.stdout
    assert "| no frames" in done.stdout
    assert f"FAIL      ports: {port} is held by" in done.stdout


def test_what_is_not_known_is_1(metabonk: Metabonk, tmp_path: Path) -> None:
    config = written(tmp_path, free_port())
    text = Path(config).read_text().replace('env_file = "right.env"\n', "")
    Path(config).write_text(text)
    done = metabonk("preflight", "--json", "--config", config)
    assert done.returncode == 1
    assert (standings(done.stdout)["env-file"], standings(done.stdout)["tests"]) == ("UNKNOWN", "SKIPPED")


def test_a_pool_that_is_only_looked_at_has_no_preflight(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "look.toml").write_text('[pool]\nbackend = "none"\nbase_port = 2\n')
    done = metabonk("preflight", "--config", "look.toml")
    assert done.returncode == 64
    assert 'nothing can be launched from here: pool.backend is "none"' in done.stderr


def test_a_host_without_an_address_is_named_where_nothing_can_be_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(None, {"pool": {"host": "trainer-9.lan"}}, {}).config
    monkeypatch.setattr(preflight, "why_unresolved", lambda host: f"{host} cannot be resolved: unknown")
    assert preflight.why_no_launch(config) == "trainer-9.lan cannot be resolved: unknown"
    monkeypatch.setattr(preflight, "why_unresolved", lambda host: "")
    assert (
        preflight.why_no_launch(config) == "the workers are on trainer-9.lan, and only this machine's can be launched"
    )


def test_a_launch_that_does_not_fit_is_refused_with_the_arithmetic(metabonk: Metabonk, tmp_path: Path) -> None:
    port = free_port()
    config = written(tmp_path, port, memory="[memory]\nworker_gb = 900000.0\n", environment=right())
    done = metabonk("launch", "1", "--yes", "--config", config)
    assert done.returncode == 2
    assert "1 x 900000.00 (assumed)" in done.stderr
    assert "--override" in done.stderr
    assert not (tmp_path / "state" / f"pool-{port}.json").exists()


@pytest.mark.parametrize("reason", ["x", "do it", "1 2 3 4"])
def test_an_override_needs_a_reason(metabonk: Metabonk, tmp_path: Path, reason: str) -> None:
    config = written(tmp_path, free_port(), environment=right())
    done = metabonk("launch", "1", "--yes", "--override", reason, "--config", config)
    assert done.returncode == 64


def test_a_test_that_failed_stops_a_launch_until_it_is_overridden_and_that_is_kept(
    metabonk: Metabonk, tmp_path: Path
) -> None:
    port = free_port()
    config = written(tmp_path, port, "raise SystemExit(1)", environment=right())
    assert metabonk("preflight", "--config", config).returncode == 2
    done = metabonk("launch", "1", "--yes", "--config", config)
    assert done.returncode == 2
    assert "component tests pass FAIL: t0 failed" in done.stderr
    done = metabonk("launch", "1", "--yes", "--override", "to read its log", "--config", config)
    assert done.returncode == 1, "it was launched, and this launcher fails"
    record = json.loads((tmp_path / "state" / f"pool-{port}.json").read_text())
    assert record["override"] == "to read its log"
    assert "component tests pass FAIL" in record["overridden"][0]
    assert not answers(port)


def test_a_long_launch_shows_the_checklist_and_is_refused(metabonk: Metabonk, tmp_path: Path) -> None:
    config = written(tmp_path, free_port(), environment=right())
    done = metabonk("launch", "1", "--hours", "24", "--yes", "--config", config)
    assert done.returncode == 2
    for line in (
        "FAIL      recorder on",
        "metabonk-tui record",
        "FAIL      memory watch on",
        "SKIPPED   component tests pass",
    ):
        assert line in done.stderr


def test_on_a_terminal_each_item_is_printed_once(home: dict[str, str], tmp_path: Path) -> None:
    master, terminal = os.openpty()
    command = [*PROGRAM, "preflight", "--base-port", str(free_port()), "--workers", "1"]
    process = Forked(command, env=home, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    printed = b""
    try:
        while chunk := os.read(master, 65536):
            printed += chunk
    except OSError:  # the terminal was closed with the process
        pass
    finally:
        os.close(master)
        process.wait(30)
    lines = printed.decode().splitlines()
    assert sum("disk space" in line for line in lines) == 1, printed
    assert lines[-1].startswith("preflight for 1 worker: ")
