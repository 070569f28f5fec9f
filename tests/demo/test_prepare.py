"""What `prepare` writes: a config that the monitor accepts, patterns that fit this pool only, an env file for bash."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.roles import recognise
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.schema import Config
from metabonk_tui.demo.pool import PoolLocation, end, free_base_port, is_free, pool_at, send
from metabonk_tui.demo.scenarios import SCENARIOS
from tests.support.demo_pools import DEMO, DemoPool, MakePool, clean_environment
from tests.support.waiting import wait_for


def config_of(pool: DemoPool) -> Config:
    return parse_config(default_config_text(), Path(pool.facts["config"]).read_text())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_prepared_for_the_monitor(demo: MakePool, scenario: str) -> None:
    pool = demo(scenario, speed=60)
    row = SCENARIOS[scenario]
    config = config_of(pool)
    assert pool.facts["workers"] == row.workers
    assert config.pool.workers == (row.planned or row.workers)
    assert config.pool.base_port == pool.base_port
    assert config.pool.profile == f"demo: {scenario}"
    assert config.pool.launcher.env_file == pool.facts["env_file"]
    assert "{workers}" in config.pool.launcher.launch
    assert "--not-exported" not in config.pool.launcher.launch, "the monitor's own launches always export"
    assert ("--not-exported" in pool.facts["launch"]) is not row.exported
    assert bool(pool.facts["environment"]) is row.exported
    assert 0.01 < config.memory.worker_gb < 0.5
    assert pool.facts["speed"] == 60


def test_the_env_file_exports_only_when_bash_is_set_to(demo: MakePool) -> None:
    pool = demo("silent")
    show = ["-c", '. "$1"; env', "x", pool.facts["env_file"]]
    sourced = subprocess.run(["bash", *show], env=clean_environment(), capture_output=True, text=True, check=True)
    exported = subprocess.run(
        ["bash", "-a", *show], env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert "METABONK_INTRINSIC_REWARD" not in sourced.stdout
    assert "METABONK_INTRINSIC_REWARD=1\n" in exported.stdout
    assert "export" not in [line.split()[0] for line in Path(pool.facts["env_file"]).read_text().splitlines()]


def test_the_env_file_sets_what_the_monitor_requires(demo: MakePool) -> None:
    for scenario, enabled in (("seed", True), ("disabled", False)):
        pool = demo(scenario, folder=scenario)
        rows = dict(
            line.split("=", 1) for line in Path(pool.facts["env_file"]).read_text().splitlines() if "=" in line
        )
        required = config_of(pool).required_environment
        assert required.keys() <= rows.keys()
        assert all(rows[key] == value for key, value in required.items()) is enabled


def test_the_patterns_recognise_this_pools_processes_and_no_others(demo: MakePool) -> None:
    one = demo("healthy", workers=2, folder="p")
    one.launch()
    one.wait_up(2)
    # Only now: a pool's ports are chosen among those that are free.
    other = demo("healthy", workers=1, folder="p2")
    other.launch()
    other.wait_up(1)
    patterns = config_of(one).processes
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            arguments = (entry / "cmdline").read_text().rstrip("\0").split("\0")
        except OSError:
            continue
        # A real pool on this machine has services that no demo pool has.
        match = recognise(arguments, patterns, one.base_port) if "metabonk_tui" in " ".join(arguments) else None
        if match:
            found.append((match.role, match.slot))
    expected = [("launcher", None), ("ollama", None), ("orchestrator", None), ("worker", 0), ("worker", 1)]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_given_base_port_is_taken_as_it_is(tmp_path: Path) -> None:
    argv = [*DEMO, "prepare", "--dir", str(tmp_path), "--base-port", "23456", "--scenario", "leak", "--workers", "2"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(done.stdout)["base_port"] == 23456
    assert len(done.stdout.splitlines()) == 1
    floor_gb = parse_config(default_config_text(), (tmp_path / "config.toml").read_text()).memory.floor_gb
    assert floor_gb > 0


@pytest.mark.parametrize(
    "wrong",
    [
        ["--scenario", "sead"],
        ["--workers", "65"],
        ["--workers", "-1"],
        ["--speed", "0"],
        ["--base-port", "80"],
        ["--di", "x"],
    ],
)
def test_wrong_usage_is_refused(tmp_path: Path, wrong: list[str]) -> None:
    done = subprocess.run(
        [*DEMO, "prepare", "--dir", str(tmp_path), *wrong], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_picked_block_of_ports_is_free() -> None:
    base = free_base_port()
    assert all(is_free(port) for port in PoolLocation(Path("/"), base).ports(16))


def test_pools_are_named_by_folder_and_port(tmp_path: Path) -> None:
    names = {pool_at(str(tmp_path / folder), port).name for folder in "ab" for port in (5000, 50001)}
    assert len(names) == 4
    assert pool_at(f"{tmp_path}/a/../a", 5000).name == pool_at(str(tmp_path / "a"), 5000).name


def test_a_stranger_is_never_signalled(tmp_path: Path) -> None:
    pool = pool_at(str(tmp_path), 5000)
    with subprocess.Popen(["sleep", "60"], env=clean_environment()) as stranger:
        try:
            assert send(stranger.pid, pool, 9) is False
            assert end(pool, print) == []
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert send(os.getpid(), pool, 9) is False


def test_a_member_is_ended_by_its_token_alone(tmp_path: Path) -> None:
    pool = pool_at(str(tmp_path), 5000)
    with subprocess.Popen(["sleep", "60"], env=clean_environment(METABONK_DEMO_POOL=pool.name)) as member:
        try:
            # Between fork and exec the child still shows its parent's environment.
            wait_for(lambda: pool.name.encode() in Path(f"/proc/{member.pid}/environ").read_bytes(), "it runs")
            logged: list[str] = []
            assert end(pool, logged.append) == []
            assert member.wait(10) == -15
            assert logged == [f"[stop] SIGTERM -> pid {member.pid}"]
        finally:
            member.kill()
