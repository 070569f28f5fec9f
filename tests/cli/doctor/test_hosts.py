"""What `doctor` says of each host of a pool on several."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabonk_tui.cli.doctor.hosts import host_finding, host_findings
from metabonk_tui.core.model.sample import Observation, PoolReading, Sample, WorkerStatus
from metabonk_tui.core.ports.hosts import HostAnswer
from tests.support.children import config
from tests.support.refs import w

ANSWERS = Observation(status=WorkerStatus({"step": 1}))
BOTH = Sample(t=0.0, workers={w(0, "node2"): ANSWERS, w(1, "node2"): ANSWERS})
ONE = Sample(t=0.0, workers={w(0, "node2"): ANSWERS, w(1, "node2"): Observation(error="refused")})


@pytest.mark.parametrize(
    ("answer", "standing", "words"),
    [
        (HostAnswer(BOTH, version="0.1.0"), "PASS", "2 of 2 workers answer, agent 0.1.0"),
        (HostAnswer(ONE, version="0.1.0"), "MISSING", "1 of 2 workers answer"),
        (HostAnswer(BOTH, version="0.1.0", skew="clock 5m behind"), "PASS", "clock 5m behind"),
        (HostAnswer(BOTH, notes=("its version is 0.2.0",), version="0.2.0"), "MISSING", "its version is 0.2.0"),
        (HostAnswer(error="Connection refused"), "MISSING", "Connection refused"),
        (HostAnswer(BOTH, pool=PoolReading()), "PASS", "may act there"),
        (HostAnswer(BOTH, refusal="only watched"), "MISSING", "does not act: only watched"),
    ],
)
def test_a_host_is_judged_by_its_answer(answer: HostAnswer, standing: str, words: str) -> None:
    found = host_finding("node2", 2, answer)
    assert (found.title, found.standing) == ("node2", standing)
    assert words in found.found


def test_each_host_is_asked(tmp_path: Path) -> None:
    hosts = "\n".join(f'[[host]]\nname = "node{n}"\ncommand = ["sh", "-c", "echo no{n} >&2"]' for n in range(2))
    found = list(host_findings(config(hosts), tmp_path))
    assert [(each.title, each.found) for each in found] == [("node0", "no0"), ("node1", "no1")]
