import json
import urllib.request
from typing import Any

import pytest

from bench import farm as farms
from bench.documents import REAL_BYTES, Change, WorkerDocuments
from bench.farm import Farm
from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.status.decode import decode_status


def asked(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ([(11, 0.0, 10.0)], 1.0),
        ([(6, 0.0, 10.0)], 0.5),
        ([(11, 0.0, 10.0), (6, 0.5, 10.5)], 0.75),
        ([(11, 0.0, 10.0), (0, 0.0, 0.0)], 0.55),
        ([(1, 3.0, 3.0)], None),
        ([], None),
    ],
    ids=["all", "every second one", "two workers", "one is forgotten", "one poll", "none"],
)
def test_polls_done_of_polls_due(counts: list[tuple[int, float, float]], share: float | None) -> None:
    found = farms.done_of_due(counts, 1.0)
    assert found == (None if share is None else pytest.approx(share))


def test_a_farm_serves_every_worker_and_counts_its_polls() -> None:
    with farms.running(3, Change.USUAL) as farm:
        bodies = [asked(farm.base_port + slot, "/status") for slot in (0, 2, 2)]
        listed = asked(farm.orchestrator_port, "/workers")["workers"]
        counts, again = farm.counts(), farm.counts()
    assert [body["instance_id"] for body in bodies] == ["omega-0", "omega-2", "omega-2"]
    assert [worker["port"] - farm.base_port for worker in listed] == [0, 1, 2]
    assert [polls for polls, _, _ in counts] == [1, 0, 2]
    assert [polls for polls, _, _ in again] == [0, 0, 0]


def test_a_farm_that_ends_leaves_its_ports() -> None:
    with farms.running(1, Change.NONE) as farm:
        assert asked(farm.base_port, "/status")
    with pytest.raises(OSError, match="refused"):
        Farm(farm.base_port, 1).counts()


@pytest.mark.parametrize(
    ("change", "changes"),
    [(Change.NONE, set()), (Change.ALL, {"step", "actions_total", "intrinsic_reward_total", "reward", "act_hz"})],
)
def test_a_document_changes_as_much_as_it_must(change: Change, changes: set[str]) -> None:
    documents = WorkerDocuments(0, change)
    first, second = documents.fields(0.0, 1000.0), documents.fields(1.0, 1001.0)
    assert {name for name in first if first[name] != second[name]} - {"timestamp"} >= changes
    assert changes or {name for name in first if first[name] != second[name]} == {"timestamp"}


def test_a_document_has_the_size_of_a_real_one_and_is_read() -> None:
    body = WorkerDocuments(1, Change.USUAL).body(5.0, 1005.0)
    assert REAL_BYTES * 0.99 < len(body) < REAL_BYTES * 1.05
    assert isinstance(decode_status(body), WorkerStatus)
