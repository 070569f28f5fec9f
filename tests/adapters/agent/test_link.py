"""A link turns the lines of an agent into Samples of its host, and every failure into a text."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from metabonk_tui.adapters.agent import link as links
from metabonk_tui.adapters.agent.link import AgentLink
from metabonk_tui.adapters.agent.protocol import SCHEMA, Open
from metabonk_tui.core.model.pool import Stop
from tests.support.refs import w
from tests.support.waiting import wait_for_async

HELLO = {"kind": "hello", "schema": SCHEMA, "version": "0.1.0"}


class Hosts:
    """Makes links to shell scripts that stand for ssh, and closes them."""

    def __init__(self) -> None:
        self.made: list[AgentLink] = []
        self.now_s = 0.0

    def link(self, script: str, *, acts: bool = False) -> AgentLink:
        opening = Open(SCHEMA, "0.1.0", acts=acts)
        argv = ("sh", "-c", script)
        made = AgentLink("node2", argv, opening, 2, now=lambda: self.now_s, is_local=True)
        self.made.append(made)
        return made

    def saying(self, *answers: object, then: str = "cat >/dev/null", acts: bool = False) -> AgentLink:
        """Return a link to an agent that says these lines, whatever it is asked."""
        lines = [each if isinstance(each, str) else json.dumps(each) for each in answers]
        quoted = " ".join("'" + line.replace("'", "'\\''") + "'" for line in lines)
        return self.link(f"printf '%s\\n' {quoted}; {then}", acts=acts)


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    made = Hosts()
    yield made
    for each in made.made:
        await each.aclose()


def head(n: int = 1, lines: int = 1, t: float | None = None) -> dict[str, Any]:
    return {"kind": "reading", "n": n, "lines": lines, "t": time.time() if t is None else t, "took_s": 0.0}


def sample(t: float = 100.0, **more: Any) -> dict[str, Any]:
    status = {"step": 5, "note": "plain"}
    return {"t": t, "workers": {"0": {"status": status, "pid": 7, "pid_started_at": 50.0}}, **more}


class TestAnAnswer:
    async def test_is_a_sample_of_the_named_host(self, hosts: Hosts) -> None:
        process = {"role": "worker", "rss_bytes": 9, "slot": 0, "pid": 7, "started_at": 50.0}
        link = hosts.saying(HELLO, head(), sample(memory={"available_bytes": 4}, processes=[process]))
        found = await link.read()
        assert (found.error, found.notes, found.version, found.skew) == ("", (), "0.1.0", "")
        assert found.sample is not None
        assert list(found.sample.workers) == [w(0, "node2")]
        reading = found.sample.hosts["node2"]
        assert reading.memory is not None
        assert [each.worker for each in reading.processes or ()] == [w(0, "node2")]

    async def test_has_its_times_on_this_clock(self, hosts: Hosts) -> None:
        link = hosts.saying(HELLO, head(t=time.time() - 600.0), sample())
        found = await link.read()
        assert found.skew == "clock 10m behind"
        assert found.sample is not None
        assert found.sample.workers[w(0, "node2")].pid_started_at == 650.0

    async def test_comes_after_what_a_login_shell_prints(self, hosts: Hosts) -> None:
        link = hosts.saying("Welcome to node2!", "", "Last login: today", HELLO, head(), sample())
        assert (await link.read()).error == ""

    async def test_names_another_version_that_is_near(self, hosts: Hosts) -> None:
        link = hosts.saying({**HELLO, "version": "0.2.3"}, head(), sample())
        found = await link.read()
        assert found.notes == ("its version is 0.2.3, this monitor's 0.1.0",)
        assert found.sample is not None

    async def test_is_cleaned_and_masked(self, hosts: Hosts) -> None:
        worker = {"status": {"note": "a\x1b[2Jb", "url": "http://u:hunter2@h/"}}
        link = hosts.saying(HELLO, head(), {"t": 1.0, "workers": {"0": worker}})
        found = await link.read()
        assert found.sample is not None
        text = str(found.sample)
        assert "\x1b" not in text
        assert "hunter2" not in text

    async def test_cannot_report_what_was_done_to_the_pool(self, hosts: Hosts) -> None:
        stop = {"t": 1.0, "event": {"kind": "pool.stop", "severity": "info", "text": "stopped"}}
        fault = {"t": 1.0, "event": {"kind": "monitor.error", "severity": "warn", "text": "the GPUs failed"}}
        found = await hosts.saying(HELLO, head(lines=3), stop, fault, sample()).read()
        assert found.sample is not None
        assert [event.text for event in found.sample.events] == ["node2: the GPUs failed"]

    async def test_of_another_host_is_left_out(self, hosts: Hosts) -> None:
        foreign = {"t": 1.0, "workers": {"node1/0": {"error": "refused"}}, "hosts": {"node1": {"memory": {}}}}
        found = await hosts.saying(HELLO, head(), foreign).read()
        assert found.sample is not None
        assert set(found.sample.hosts) == {"node2"}
        assert found.sample.workers == {}


class TestAFailure:
    @pytest.mark.parametrize(
        ("script", "words"),
        [
            ("echo 'ssh: connect to host node2 port 22: Connection refused' >&2; exit 255", "Connection refused"),
            ("echo 'me@node2: Permission denied (publickey,password).' >&2; exit 255", "Permission denied"),
            ("printf 'warning\\n\\033[31mHost key verification failed.\\033[0m\\n' >&2; exit 255", "Host key ver"),
            ("echo 'sh: 1: metabonk-tui: not found' >&2; exit 127", "metabonk-tui: not found"),
            ("exit 3", "sh ended with 3"),
            ("kill -9 $$", "sh ended with -9"),
        ],
    )
    async def test_of_the_connection_has_the_words_of_ssh(self, hosts: Hosts, script: str, words: str) -> None:
        found = await hosts.link(script).read()
        assert found.sample is None
        assert words in found.error
        assert found.error.isprintable()

    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            (({**HELLO, "version": "0.3.0"},), "more than one minor version apart"),
            (({**HELLO, "schema": 9},), "its lines have schema 9"),
            (({"kind": "failed", "why": "no memory"},), "no memory"),
            ((HELLO, "garbage"), "not a line of an agent"),
            ((HELLO, head(n=9), sample()), "an answer to another question"),
            ((HELLO, head(lines=100_000)), "an answer to another question"),
            ((HELLO, head(), "garbage"), "its answer is unreadable: not json"),
            ((HELLO, head(), "[]"), "its answer is unreadable"),
        ],
    )
    async def test_of_the_agent_is_named(self, hosts: Hosts, answers: tuple[object, ...], words: str) -> None:
        found = await hosts.saying(*answers).read()
        assert found.sample is None
        assert words in found.error

    async def test_of_a_host_that_hangs_ends_within_the_limit(
        self, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(links, "HELLO_LIMIT_S", 0.1)
        monkeypatch.setattr(links, "END_LIMIT_S", 0.1)
        link = hosts.link("echo $$ >&2; exec sleep 1000")
        found = await link.read()
        assert found.error == "no agent answered within 0 s"

    async def test_of_an_answer_that_never_comes(self, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(links, "ANSWER_LIMIT_S", 0.1)
        assert (await hosts.saying(HELLO).read()).error == "no answer within 0 s"

    async def test_of_a_line_without_an_end(self, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(links, "MAX_LINE_BYTES", 4096)
        found = await hosts.link("yes x | tr -d '\\n'").read()
        assert found.error.startswith("a line of more than")

    async def test_of_what_is_no_agent(self, hosts: Hosts) -> None:
        assert (await hosts.link("yes").read()).error == "what answers is no agent"

    async def test_of_a_program_that_is_not_there(self) -> None:
        link = AgentLink("node2", ("/nowhere/ssh",), Open(SCHEMA, "0.1.0"), 2)
        assert (await link.read()).error == "/nowhere/ssh cannot be started: No such file or directory"


async def test_a_lost_host_is_tried_again_with_growing_pauses(hosts: Hosts, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    link = hosts.link(f"echo x >> {tries}; exit 1")

    async def count_at(now_s: float) -> int:
        hosts.now_s = now_s
        assert (await link.read()).error == "sh ended with 1"
        return tries.read_text().count("x")

    assert [await count_at(at) for at in (0.0, 0.9, 1.0, 2.9, 3.0, 6.9, 7.0)] == [1, 1, 2, 2, 3, 3, 4]


async def test_nothing_is_left_of_a_closed_link(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "END_LIMIT_S", 0.1)
    link = hosts.saying(HELLO, head(), sample(), then="exec sleep 1000")
    assert (await link.read()).error == ""
    process = link._process
    assert process is not None
    await link.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


class TestActing:
    """A link asks for actions only where both sides allow it, and an answer is that of its question."""

    PLAN: ClassVar[dict[str, Any]] = {
        "action": {"type": "stop"},
        "mode": "stop",
        "commands": [["stop"]],
        "hits": [{"role": "worker", "pid": 7, "started_at": 50.0, "worker": ["", 1]}],
        "start": 0,
        "source": None,
    }
    ACTS: ClassVar[dict[str, Any]] = {**HELLO, "control": True}

    @pytest.mark.parametrize(
        ("hello", "acts", "words"),
        [
            (ACTS, False, "read-only"),
            (HELLO, True, "its agent does not act"),
            ({**HELLO, "refusal": "this host is only watched"}, True, "this host is only watched"),
        ],
    )
    async def test_without_permission_nothing_is_sent(
        self, hosts: Hosts, tmp_path: Path, hello: dict[str, Any], acts: bool, words: str
    ) -> None:
        link = hosts.saying(hello, head(), sample(), then=f"cat >{tmp_path}/sent", acts=acts)
        answer = await link.read()
        assert answer.pool is None
        assert bool(answer.refusal) == (acts is True)
        part = await link.plan(Stop())
        assert words in part.plan.refusal
        assert part.id == ""
        assert words in await link.act(part, part.plan)
        assert words in (await link.progress()).error
        await link.aclose()
        assert '"plan"' not in (tmp_path / "sent").read_text()

    async def test_a_plan_is_placed_on_this_clock(self, hosts: Hosts) -> None:
        planned = {"kind": "planned", "n": 2, "id": "id-1", "plan": self.PLAN}
        link = hosts.saying(self.ACTS, head(t=time.time() - 600.0), sample(), planned, acts=True)
        assert (await link.read()).error == ""
        part = await link.plan(Stop(hosts=("node2",)))
        assert (part.id, part.plan.action) == ("id-1", Stop(hosts=("node2",)))
        assert [(hit.worker, hit.started_at) for hit in part.plan.hits] == [(w(1, "node2"), 650.0)]

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ({"kind": "planned", "n": 9, "id": "x", "plan": PLAN}, "an answer to another question"),
            (HELLO, "an answer to another question"),
            ({"kind": "failed", "why": "no memory"}, "no memory"),
            ("garbage", "not a line of an agent"),
            ({"kind": "planned", "n": 2, "id": "x", "plan": {**PLAN, "mode": "anything"}}, "not a line of an agent"),
        ],
    )
    async def test_another_answer_ends_the_connection(self, hosts: Hosts, line: object, words: str) -> None:
        link = hosts.saying(self.ACTS, head(), sample(), line, acts=True)
        assert (await link.read()).error == ""
        part = await link.plan(Stop())
        assert words in part.plan.refusal
        assert link._process is None
        assert words in (await link.plan(Stop())).plan.refusal, "until the pause is over"

    async def test_it_connects_where_another_monitor_reads(self, hosts: Hosts) -> None:
        planned = {"kind": "planned", "n": 2, "id": "id-1", "plan": self.PLAN}
        asked = "read open; read sample; read plan"
        link = hosts.saying(self.ACTS, head(t=time.time() - 600.0), sample(), planned, then=asked, acts=True)
        part = await link.plan(Stop())
        assert part.id == "id-1"
        assert part.plan.hits[0].started_at == 650.0, "its clock is known before it is asked"
        process = link._process
        assert process is not None
        await process.wait()
        link._number = 0
        assert (await link.plan(Stop())).id == "id-1", "an agent that ended meanwhile is started again"

    async def test_what_refuses_keeps_the_connection(self, hosts: Hosts) -> None:
        refused = {"kind": "refused", "n": 2, "why": "another action is under way"}
        link = hosts.saying(self.ACTS, head(), sample(), refused, acts=True)
        await link.read()
        assert (await link.plan(Stop())).plan.refusal == "another action is under way"
        assert link._process is not None

    async def test_an_agent_of_this_machine_that_acts_is_not_killed(
        self, hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(links, "END_LIMIT_S", 0.1)
        planned = {"kind": "planned", "n": 2, "id": "id-1", "plan": self.PLAN}
        finishes = f"cat >/dev/null; sleep 0.5; touch {tmp_path}/finished"
        answers = (self.ACTS, head(), sample(), planned, {"kind": "accepted", "n": 3})
        link = hosts.saying(*answers, then=finishes, acts=True)
        await link.read()
        part = await link.plan(Stop())
        assert await link.act(part, part.plan) == ""
        await link.aclose()
        await wait_for_async(lambda: os.path.exists(f"{tmp_path}/finished"), "it has finished")

    async def test_an_end_with_its_events_is_of_the_host(self, hosts: Hosts) -> None:
        event = {"t": 1.0, "kind": "pool.stop", "severity": "info", "text": "stopped"}
        ended = {"kind": "progressed", "n": 2, "events": [event, {**event, "kind": "verdict"}]}
        link = hosts.saying(self.ACTS, head(), sample(), ended, acts=True)
        await link.read()
        found = await link.progress()
        assert [each.text for each in found.events or ()] == ["node2: stopped"]
