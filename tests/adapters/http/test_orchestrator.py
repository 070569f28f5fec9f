"""The orchestrator's /workers: believed field by field, and only for this pool."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.http.orchestrator import OrchestratorClient, parse
from metabonk_tui.core.model.sample import ERRORS, OrchestratorReading, OrchestratorWorker
from tests.support.fault_server import FAULTS, fault_server
from tests.support.ports import free_port
from tests.support.refs import w

BASE_PORT = 5000
BEAT = {
    "instance_id": "omega-1",
    "worker_pid": 4711,
    "port": 5001,
    "episode_idx": 3,
    "step_age_s": 0.5,
    "last_seen_ts": 1767309258.5,
    "step": 12,
    "errors_recent": None,
}


def read(*beats: Any) -> OrchestratorReading:
    return parse(json.dumps({"workers": list(beats), "workers_by_id": {}, "count": len(beats)}).encode(), BASE_PORT)


def test_a_heartbeat_says_pid_port_and_episode() -> None:
    seen = OrchestratorWorker(w(1), pid=4711, port=5001, episode=3, step_age_s=0.5, last_seen_t=1767309258.5)
    assert read(BEAT) == OrchestratorReading({w(1): seen})


@pytest.mark.parametrize(
    ("change", "slot"),
    [
        ({"port": 5000}, 0),
        ({"port": 5063}, 63),
        ({"port": None}, 1),
        ({"port": "5001"}, 1),
        ({"port": None, "instance_id": "omega-7"}, 7),
        ({"port": 5064}, 64),
        ({"port": 6023}, 1023),
        ({"port": 6024}, None),
        ({"port": 4999}, None),
        ({"port": None, "instance_id": "omega-64"}, 64),
        ({"port": None, "instance_id": "omega-1024"}, None),
        ({"port": None, "instance_id": "omega-x"}, None),
        ({"port": None, "instance_id": "xomega-1"}, None),
        ({"port": None, "instance_id": 1}, None),
        ({"port": None, "instance_id": None}, None),
    ],
)
def test_the_slot_is_the_ports_else_the_names_and_other_pools_are_left_out(
    change: dict[str, Any], slot: int | None
) -> None:
    assert list(read(BEAT | change).workers) == ([] if slot is None else [w(slot)])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("worker_pid", 0),
        ("worker_pid", -3),
        ("worker_pid", "4711"),
        ("worker_pid", 4711.5),
        ("worker_pid", True),
        ("episode_idx", -1),
        ("episode_idx", None),
        ("step_age_s", "old"),
        ("step_age_s", None),
    ],
)
def test_one_bad_field_is_missing_and_costs_no_other(field: str, value: Any) -> None:
    names = {"worker_pid": "pid", "episode_idx": "episode", "step_age_s": "step_age_s"}
    worker = read(BEAT | {field: value}).workers[w(1)]
    assert getattr(worker, names[field]) is None
    others = [name for key, name in names.items() if key != field]
    assert all(getattr(worker, name) is not None for name in others)


def test_of_two_heartbeats_for_a_slot_the_later_counts() -> None:
    old, new = BEAT | {"last_seen_ts": 100.0}, BEAT | {"worker_pid": 4712, "last_seen_ts": 200.0}
    assert [read(*order).workers[w(1)].pid for order in ((old, new), (new, old))] == [4712, 4712]


def test_what_is_no_heartbeat_costs_no_other() -> None:
    assert list(read(None, 3, "x", [], {}, BEAT).workers) == [w(1)]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "not json"),
        (b"[]", "not an object"),
        (b"{}", "not an object"),
        (b'{"workers": {}}', "not an object"),
        (b'{"workers": null}', "not an object"),
        (b"[" * 90_000, "too deep"),
    ],
)
def test_an_answer_without_workers_is_named(body: bytes, error: str) -> None:
    assert parse(body, BASE_PORT) == OrchestratorReading(error=error)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_ever_raise(body: bytes) -> None:
    assert parse(body, BASE_PORT).error in ERRORS


async def test_it_is_asked_for_its_workers_and_its_failures_have_names() -> None:
    async with fault_server() as server, StatusClient(0.5, 65536) as client:
        # `good` answers anything that is no fault: here a document without workers.
        assert (await OrchestratorClient(client, server.url(""), BASE_PORT).read()).error == "not an object"
        assert server.requests[-1].startswith(b"GET /workers HTTP/1.1\r\n")
        for path in ("hang", "http-500"):
            body, _ = await client.fetch(server.url(path))
            assert body.error == FAULTS[path][1]  # type: ignore[union-attr]
        gone = OrchestratorClient(client, f"http://127.0.0.1:{free_port()}", BASE_PORT)
        assert await gone.read() == OrchestratorReading(error="refused")
