"""`doctor`: what each finding is judged by, what the whole prints, and its exit code."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from metabonk_tui.adapters.host.cgroup import CgroupTree
from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli import main as cli
from metabonk_tui.cli.doctor.finding import Finding, exit_code
from metabonk_tui.cli.doctor.machine import cgroup_finding, clock_finding, kernel_log_finding, memory_findings
from metabonk_tui.cli.doctor.pool import environment_finding, workers_finding
from metabonk_tui.cli.doctor.terminal import clipboard_finding, notification_finding, size_finding, unicode_finding
from metabonk_tui.core.model.host import MemoryReading
from tests.cli.conftest import Metabonk

TMUX = {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "tmux-256color"}
XTERM = {"TERM": "xterm-256color"}


def ui(**values: Any) -> Any:
    return SimpleNamespace(**({"glyphs": "auto", "notify": "osc9"} | values))


@pytest.mark.parametrize(
    ("finding", "standing"),
    [
        (size_finding(0, 0), "MISSING"),
        (size_finding(79, 24), "MISSING"),
        (size_finding(80, 24), "PASS"),
        (unicode_finding(ui(), {"LANG": "C.UTF-8"}, "utf-8"), "PASS"),
        (unicode_finding(ui(), {}, "utf-8"), "MISSING"),
        (unicode_finding(ui(), {"LANG": "C.UTF-8", "LC_ALL": "C"}, "utf-8"), "MISSING"),
        (unicode_finding(ui(glyphs="ascii"), {}, "ascii"), "PASS"),
        (clipboard_finding(XTERM, None), "PASS"),
        (clipboard_finding({"TERM": "linux"}, None), "MISSING"),
        (clipboard_finding({"TERM": "screen", "STY": "1.x"}, None), "MISSING"),
        (clipboard_finding(TMUX, None), "MISSING"),
        (clipboard_finding(TMUX, {"set-clipboard": "external"}), "MISSING"),
        (clipboard_finding(TMUX, {"set-clipboard": "on"}), "PASS"),
        (notification_finding(ui(), TMUX, {"allow-passthrough": "off"}), "MISSING"),
        (notification_finding(ui(), TMUX, {"allow-passthrough": "on"}), "PASS"),
        (notification_finding(ui(), TMUX, None), "MISSING"),
        (notification_finding(ui(notify="off"), TMUX, None), "PASS"),
        (kernel_log_finding(None), "PASS"),
        (kernel_log_finding("not readable: Permission denied"), "MISSING"),
        (clock_finding(1000.0, []), "PASS"),
        (clock_finding(1000.0, [900.0, 1059.0]), "PASS"),
        (clock_finding(1000.0, [1061.0]), "WRONG"),
        (cgroup_finding(CgroupTree(Path("/nowhere"))), "MISSING"),
        *((finding, "WRONG") for finding in [*memory_findings(MemoryReading())][:1]),
        *((finding, "MISSING") for finding in [*memory_findings(MemoryReading(5, 3))][1:]),
        *((finding, "PASS") for finding in memory_findings(MemoryReading(5, 3, pressure_some_avg10=0.0))),
    ],
    ids=lambda value: value.title if isinstance(value, Finding) else value,
)
def test_a_finding_is_judged_by_what_was_seen(finding: Finding, standing: str) -> None:
    assert finding.standing == standing
    assert finding.found
    assert bool(finding.costs) == (standing != "PASS"), "what is lost is said"


def test_workers_that_are_silent_are_missing_and_named() -> None:
    config = load_config(environ={"METABONK_TUI_CONFIG": ""}).config
    assert workers_finding(config, {5000: "", 5001: ""}).standing == "PASS"
    some = workers_finding(config, {5000: "", 5001: "timeout"})
    assert (some.standing, some.found) == ("MISSING", "1 of 2 answer; 5001 timeout")
    assert workers_finding(config, {5000: "refused"}).found.startswith("none answers: 5000 refused")


def test_an_environment_that_no_worker_could_show_is_not_passed() -> None:
    config = load_config(environ={"METABONK_TUI_CONFIG": ""}).config
    assert environment_finding(config, ()).standing == "MISSING"


def test_the_exit_code_is_that_of_the_worst() -> None:
    found = {word: Finding("pool", "x", word, "seen") for word in ("PASS", "MISSING", "WRONG")}  # type: ignore[arg-type]
    assert [exit_code([found["PASS"]]), exit_code([found["MISSING"], found["PASS"]])] == [0, 1]
    assert exit_code(list(found.values())) == 2


def test_the_whole_checks_a_wrong_file_too_and_masks_secrets(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[pool]\nbase_port = 1\norchestrator = ""\n[ui]\ntheme = "drak"\n[preflight]\nollama = ""\n'
        '[pool.launcher]\nlaunch = ["sh", "--token=sk-abc123def456", "{n}"]\n'
    )
    done = metabonk("doctor", "--config", "x.toml", "--json", env={"TERM": "xterm"})
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit"], document["schema"]) == (2, 2, 1)
    by_title = {finding["title"]: finding for finding in document["findings"]}
    assert 'no theme "drak"' in by_title["configuration"]["found"]
    assert "{n}" in by_title["configuration"]["found"]
    assert by_title["size"]["found"] == "no terminal"
    assert by_title["orchestrator"]["standing"] == "PASS"
    assert "sk-abc123def456" not in done.stdout
    text = metabonk("--speed", "3", "doctor", "--config", "x.toml", "--workers", "1").stdout
    assert "WRONG    configuration" in text
    assert max(map(len, text.splitlines())) <= 100


def test_check_and_alerts_name_the_host_that_has_no_address_and_the_doctor(
    metabonk: Metabonk, capsys: pytest.CaptureFixture[str]
) -> None:
    done = metabonk("alerts", "--host", "no-such.invalid", "--base-port", "7")
    assert done.returncode == 3
    assert "no worker was seen, so no alert can fire" in done.stdout
    assert "no-such.invalid cannot be resolved" in done.stderr
    assert "doctor\n" in done.stderr
    assert cli.guarded(["check", "--host", "bad host"]) == 64
    assert "expected a host name or an address, found 'bad host'" in capsys.readouterr().err
