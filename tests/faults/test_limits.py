"""The program where the machine gives it too little: address space, a home, /proc, a sane time zone."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from tests.faults.conditions import LONG, in_mounts, needs_mounts
from tests.faults.conftest import MakeWorld

pytestmark = [LONG, pytest.mark.timeout(180)]
MB = 1_000_000


@pytest.mark.parametrize("most", [600 * MB, 250 * MB, 120 * MB])
def test_with_little_address_space_it_works(make_world: MakeWorld, most: int) -> None:
    world = make_world()
    world.pool()
    done = world.run(
        *("check", "--for", "3s", "--json"),
        before=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        limit_s=40,
    )
    assert done.stdout or done.stderr
    assert "Traceback" not in done.stderr
    assert [worker["reach"] for worker in json.loads(done.stdout)["workers"]] == ["up", "up"]
    assert world.open_ports() == [0, 1]


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param(("HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "METABONK_TUI_STATE_DIR"), id="nothing is set"),
        pytest.param(("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "METABONK_TUI_STATE_DIR"), id="HOME is a file"),
    ],
)
def test_without_a_home_every_verb_answers_or_says_why(make_world: MakeWorld, missing: tuple[str, ...]) -> None:
    world = make_world(1)
    world.pool()
    home = world.folder / "no-folder"
    home.write_text("")
    for name in missing:
        del world.environment[name]
    if "HOME" not in missing:
        world.environment["HOME"] = str(home)
    else:
        # Python then asks the password database, which names the home of the user who runs this test.
        world.environment["METABONK_TUI_STATE_DIR"] = str(home / "state")
    for words in (("status",), ("runs",), ("config", "path"), ("check",)):
        done = world.run(*words, ours=words[0] == "check")
        assert "Traceback" not in done.stderr + done.stdout, words
        assert done.stdout or done.stderr, words
        assert done.returncode in (0, 1, 3, 64, 78), words


def test_without_proc_workers_are_polled_and_a_stop_is_refused(make_world: MakeWorld) -> None:
    needs_mounts()
    world = make_world()
    world.pool()
    wrap = in_mounts("mount -t tmpfs none /proc")
    done = world.run("check", "--for", "3s", "--json", wrap=wrap)
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert [worker["reach"] for worker in report["workers"]] == ["up", "up"]
    assert report["memory"] is None or report["memory"].get("available_bytes") is None
    done = world.run("stop", "--yes", wrap=wrap)
    assert done.returncode == 2, done.stderr
    assert world.open_ports() == [0, 1]


@pytest.mark.parametrize(
    "odd",
    [
        {"TZ": "../../etc/passwd"},
        {"TZ": ":\x01\xff no zone"},
        {"LC_ALL": "xx_YY.weird"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"COLUMNS": "-5", "LINES": "0"},
        {"TERM": ""},
    ],
    ids=lambda odd: " ".join(odd),
)
def test_an_odd_environment_ends_no_verb(make_world: MakeWorld, odd: dict[str, str]) -> None:
    world = make_world(1)
    world.pool()
    for words in (("status",), ("check",)):
        done = world.run(*words, env=odd)
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1, 2, 3), done.stderr
        assert done.stdout


def test_of_five_hundred_runs_the_list_and_the_line_come_in_seconds(make_world: MakeWorld) -> None:
    from bench.load import many_runs  # shares what `make load` measures

    world = make_world(1)
    many_runs(world.state, 500)
    done = world.run("runs", "--json", limit_s=30)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["runs"]) == 500
    assert world.run("status", limit_s=10).returncode == 3
    assert len(list(Path(world.state / "runs").glob("*.db"))) == 500
