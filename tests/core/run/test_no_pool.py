"""What was looked for where no pool is: only what was observed, until a part of a pool is seen."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.pool import PoolSearch
from metabonk_tui.core.model.sample import Operation, PoolReading, WaitingWorker
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.run.no_pool import LookedFor, is_no_pool, looked_for, standing, text_lines
from tests.support.refs import w
from tests.support.samples import CONFIG, coarse, configured, down, header, healthy, last, phases, play, room, script

FIRST_SAMPLE = header(0.0, None, 10.0, how="first sample")
SEARCH = PoolSearch("~/.config/metabonk-tui/config.toml", has_file=False, is_local=True)
LAUNCHER = PoolReading(backend="launcher", problem="launch.py is not in /srv: set pool.launcher.directory")


def process(slot: int, started_at: float, role: Any = "worker") -> ProcessReading:
    return ProcessReading(
        role, 300_000_000, w(slot) if role == "worker" else None, pid=40 + slot, started_at=started_at
    )


def searched(life: Any = down, **how: Any) -> Snapshot:
    """Return the last Snapshot of a search: the process table has these processes, usually none."""
    observed: dict[str, Any] = {"processes": lambda _t: (), "memory": lambda _t: room(16), "pool": lambda _t: LAUNCHER}
    return last(script(life, **{"for_s": 60, "run": FIRST_SAMPLE} | observed | how))


def rows(snapshot: Snapshot, search: PoolSearch = SEARCH, config: Any = CONFIG) -> dict[str, LookedFor]:
    return {row.what: row for row in looked_for(snapshot, config, search)}


def test_everything_that_was_looked_for_is_named_with_its_place() -> None:
    seen = searched()
    assert is_no_pool(seen)
    found = rows(seen)
    assert found["worker processes"] == LookedFor(
        "worker processes", False, "none on this machine runs src.worker.main", "no worker process"
    )
    assert found["worker ports"].text == "127.0.0.1:5000 to 5002: all refuse"
    assert found["worker ports"].brief == "ports 5000 to 5002: all refuse"
    assert found["configuration"].text == "no file at ~/.config/metabonk-tui/config.toml"
    assert found["launcher"] == LookedFor("launcher", False, LAUNCHER.problem)
    assert found["Ollama"].found is False
    text = "\n".join(text_lines(seen, CONFIG, SEARCH))
    assert text.startswith("WAITING: no pool found: no worker process, no answer\n")
    for command in ("metabonk-tui demo", "metabonk-tui setup", "metabonk-tui --base-port PORT"):
        assert f"  {command}\n" in text


def test_what_was_found_is_said() -> None:
    ollama = ProcessReading("ollama", 2_000_000_000, pid=9, started_at=1.0)
    ready = PoolReading(backend="launcher", elsewhere="2 workers of this checkout listen on 6000, 6001")
    seen = searched(processes=lambda _t: (ollama,), pool=lambda _t: ready)
    assert is_no_pool(seen), "Ollama runs without a pool"
    found = rows(seen, replace(SEARCH, has_file=True))
    assert found["Ollama"] == LookedFor("Ollama", True, "runs, with 2.0 GB", "Ollama runs")
    assert found["launcher"] == LookedFor("launcher", True, "python3 launch.py is there")
    assert found["configuration"].found
    assert found["other ports"].text == ready.elsewhere
    assert [standing(found[name]) for name in ("Ollama", "worker ports")] == ["found", "none"]


def test_with_a_configuration_the_commands_are_those_of_its_pool() -> None:
    """A report about workers that were not launched would say nothing; after `setup` it was 30 lines."""
    own = replace(SEARCH, has_file=True, describes_pool=True)
    text = "\n".join(text_lines(searched(), CONFIG, own))
    assert "config.toml describes this pool\n" in text
    for command in ("metabonk-tui preflight", "metabonk-tui launch N", "metabonk-tui doctor"):
        assert f"  {command}\n" in text
    assert "metabonk-tui setup" not in text


def test_what_was_not_observed_is_not_known() -> None:
    seen = searched(lambda _slot, _t: None, processes=lambda _t: None, pool=lambda _t: PoolReading())
    assert is_no_pool(seen)
    found = rows(seen)
    assert {found[name].found for name in ("worker processes", "worker ports", "launcher")} == {None}
    assert "Ollama" not in found
    (first, *_) = play(script(down, for_s=60, run=FIRST_SAMPLE))
    assert rows(first)["orchestrator"].found is None, "it may not have been asked yet"
    far = rows(seen, replace(SEARCH, is_local=False), configured('[pool]\nhost = "gpu-box"'))
    assert far["worker processes"].text == "not visible: gpu-box is not this machine"
    assert "launcher" not in far


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        (("dns", "dns", "dns"), "127.0.0.1 does not resolve, so no port was asked"),
        (("timeout",) * 3, "127.0.0.1:5000 to 5002: all do not answer in time"),
        (("refused", "refused", "timeout"), "127.0.0.1: 5000, 5001 refuse; 5002 does not answer in time"),
    ],
)
def test_the_ports_are_named_by_what_they_did(errors: tuple[str, ...], text: str) -> None:
    seen = searched(lambda slot, _t: errors[slot])
    assert is_no_pool(seen)
    assert rows(seen)["worker ports"].text == text


@pytest.mark.parametrize(("error", "text"), [("refused", "refuses"), ("dns", "its host does not resolve")])
def test_an_orchestrator_that_does_not_answer_is_named(error: str, text: str) -> None:
    seen = searched(pool=lambda _t: PoolReading(backend="launcher", orchestrator_error=error))
    assert rows(seen)["orchestrator"].text == f"http://127.0.0.1:8040: {text}"
    assert rows(searched())["orchestrator"].found, "it was asked for a minute, without a fault"


@pytest.mark.parametrize(
    "how",
    [
        {"life": healthy},
        {"life": lambda _slot, _t: "http 500"},
        {"processes": lambda _t: (process(0, 5.0),)},
        {"processes": lambda _t: (process(0, 5.0, role="launcher"),)},
        {"processes": lambda _t: (process(0, 5.0, role="vision"),)},
        {"pool": lambda _t: PoolReading(launcher_pid=46, launcher_started_at=5.0)},
        {"pool": lambda _t: PoolReading(operation=Operation("launch 3 workers", 5.0, ()))},
    ],
)
def test_any_part_of_a_pool_is_one(how: dict[str, Any]) -> None:
    assert not is_no_pool(searched(**how))


def test_a_pool_that_ended_stays_the_answer() -> None:
    life = phases((0, down), (60, healthy), (600, down))
    table = tuple(process(slot, 30.0) for slot in range(3))
    samples = coarse(life, for_s=900, run=FIRST_SAMPLE, processes=lambda t: table if 60 <= t < 600 else ())
    seen = play(samples)
    assert is_no_pool(seen[0])
    assert not any(is_no_pool(each) for each in seen if each.t >= 60)
    assert seen[-1].verdict.ended is not None


def test_on_a_cluster_only_jobs_are_looked_for() -> None:
    config = replace(CONFIG, pool=replace(CONFIG.pool, backend="slurm", host="slurm+mb", orchestrator=""))
    search = replace(SEARCH, has_file=True, describes_pool=True, is_local=False)
    none = searched(pool=lambda _t: PoolReading(backend="slurm", placed=True))
    found = rows(none, search, config)
    assert found["jobs"] == LookedFor("jobs", False, "Slurm lists none of this pool", "Slurm lists none")
    assert not {"worker ports", "worker processes", "launcher"} & found.keys()
    assert "metabonk-tui preflight" not in "\n".join(text_lines(none, config, search))
    ray = searched(pool=lambda _t: PoolReading(backend="ray", placed=True))
    on_ray = replace(config, pool=replace(config.pool, backend="ray"))
    assert LookedFor("actors", False, "Ray lists none of this pool", "Ray lists none") in looked_for(
        ray, on_ray, SEARCH
    )
    failing = searched(pool=lambda _t: PoolReading(backend="slurm", placed=True, problem="squeue: no answer"))
    assert rows(failing, search, config)["jobs"] == LookedFor("jobs", None, "squeue: no answer")


def test_workers_that_wait_are_a_pool() -> None:
    waiting = PoolReading(backend="slurm", placed=True, waiting=(WaitingWorker(0, "1_0", "Resources"),))
    seen = searched(pool=lambda _t: waiting)
    assert not is_no_pool(seen)
    assert seen.verdict.because[0] == "1 worker waits for a place: Resources"
