"""The agent answers only what it is asked, acts only where it may, and ends with its pipe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from metabonk_tui.adapters.agent import server
from metabonk_tui.adapters.agent.protocol import (
    SCHEMA,
    Act,
    ActionProgress,
    AskPlan,
    AskProgress,
    Open,
    ReadSample,
    encoded,
)
from metabonk_tui.core.model.pool import Action, Plan, Stop
from metabonk_tui.core.model.sample import Observation, Sample
from tests.support.refs import w
from tests.support.waiting import wait_for_async

OPEN = encoded(Open(SCHEMA, "0.1.0"))


class FakeActor:
    """Plans everything, and acts until it is released."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended = asyncio.Event()

    async def plan(self, action: Action) -> tuple[str, Plan]:
        return "id-1", Plan(action, "stop", (), (), 0, None)

    def begin(self, act: Act) -> str:
        self.began.append(act.plan)
        return "" if act.plan == "id-1" else "another plan"

    def progress(self, number: int) -> ActionProgress:
        return ActionProgress(number)

    async def finish(self) -> None:
        await self.ended.wait()


class FakeHost:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.actor: FakeActor | None = None
        self.refusal = ""

    async def gather(self, *, fresh: bool = False) -> Sample:
        self.asked.append("fresh" if fresh else "gather")
        return Sample(t=10.0, workers={w(0): Observation(error="refused")})

    def resend_all(self) -> None:
        self.asked.append("resend")

    def ask_only(self, slots: tuple[int, ...] | None) -> None:
        if slots is not None:
            self.asked.append(f"only {slots}")

    async def aclose(self) -> None:
        self.asked.append("closed")


class Sink(asyncio.StreamWriter):
    """Collects what is written."""

    def __init__(self, drain: Callable[[], Awaitable[None]] | None = None) -> None:
        self.written = b""
        self._drained = drain

    def write(self, data: Any) -> None:
        self.written += data

    async def drain(self) -> None:
        if self._drained is not None:
            await self._drained()

    def __del__(self, *_: object) -> None:
        """Do nothing: there is no transport."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.splitlines()]


async def conversation(host: FakeHost, *requests: bytes, sink: Sink | None = None) -> tuple[str, Sink]:
    source = asyncio.StreamReader(limit=1000)
    for line in requests:
        source.feed_data(line)
    source.feed_eof()
    answers = sink or Sink()

    async def open_host(_: Open) -> FakeHost:
        return host

    return await server.serve(source, answers, "0.1.0", open_host), answers


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


async def test_a_sample_for_each_request_and_the_end_with_the_pipe(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FASTEST_S", 0.0)
    asked = (ReadSample(1, fresh=True), ReadSample(2, resend=True))
    why, sink = await conversation(host, OPEN, *map(encoded, asked))
    assert why == ""
    assert [line.get("kind") for line in sink.lines] == ["hello", "reading", None, "reading", None]
    assert [line["n"] for line in sink.lines if line.get("kind") == "reading"] == [1, 2]
    assert sink.lines[2]["workers"] == {"0": {"error": "refused", "detail": ""}}
    assert host.asked == ["fresh", "resend", "gather", "closed"]


async def test_only_the_slots_that_an_engine_placed_are_asked(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FASTEST_S", 0.0)
    await conversation(host, OPEN, encoded(ReadSample(1, slots=(2, 5))), encoded(ReadSample(2)))
    assert host.asked == ["only (2, 5)", "gather", "gather", "closed"]


async def test_nothing_is_read_that_was_not_asked_for(host: FakeHost) -> None:
    _, sink = await conversation(host, OPEN)
    assert [line["kind"] for line in sink.lines] == ["hello"]
    assert host.asked == ["closed"]


ACTING = (AskPlan(3, Stop()), Act(3, "id-1"), AskProgress(3))


@pytest.mark.parametrize("asked", ACTING, ids=lambda asked: type(asked).__name__)
async def test_without_permission_every_action_is_refused(host: FakeHost, asked: AskPlan | Act | AskProgress) -> None:
    host.refusal = "this host is only watched"
    _, sink = await conversation(host, OPEN, encoded(asked))
    assert sink.lines[0]["control"] is False
    assert sink.lines[-1] == {"kind": "refused", "n": 3, "why": "this host is only watched"}


async def test_with_permission_it_plans_acts_and_says_how_far_it_is(host: FakeHost) -> None:
    host.actor = actor = FakeActor()
    actor.ended.set()
    _, sink = await conversation(host, OPEN, *map(encoded, ACTING), encoded(Act(4, "id-2")))
    assert sink.lines[0]["control"] is True
    assert [line["kind"] for line in sink.lines[1:]] == ["planned", "accepted", "progressed", "refused"]
    assert sink.lines[1]["id"] == "id-1"
    assert sink.lines[-1]["why"] == "another plan"


async def test_an_action_under_way_ends_before_the_agent_does(host: FakeHost) -> None:
    host.actor = actor = FakeActor()
    talk = asyncio.create_task(conversation(host, OPEN, encoded(Act(3, "id-1"))))
    await wait_for_async(lambda: actor.began, "the action has begun")
    await asyncio.sleep(0)
    assert not talk.done()
    assert "closed" not in host.asked
    actor.ended.set()
    await talk
    assert host.asked == ["closed"]


@pytest.mark.parametrize(
    ("requests", "why"),
    [
        ((encoded(ReadSample(1)),), "the first request is not `open`"),
        ((b"hello\n",), "not a request"),
        ((OPEN, OPEN), "a second `open`"),
        ((OPEN, b"x" * 2000), "a request is too long"),
        ((encoded(Open(SCHEMA + 1, "0.1.0")),), "the monitor does not fit this agent: its lines have schema"),
        ((encoded(Open(SCHEMA, "0.9.0")),), "more than one minor version apart"),
        ((), ""),
        ((OPEN[:-5],), ""),
    ],
)
async def test_it_ends_and_says_why(host: FakeHost, requests: tuple[bytes, ...], why: str) -> None:
    found, _ = await conversation(host, *requests)
    assert found.startswith(why) if why != "more than one minor version apart" else why in found
    assert bool(found) == bool(why)


async def test_it_ends_when_nobody_asks(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OPEN_LIMIT_S", 0.0)

    async def open_host(_: Open) -> FakeHost:
        return host

    assert await server.serve(asyncio.StreamReader(), Sink(), "0.1.0", open_host) == "no request for 0 s"


async def test_it_ends_when_nobody_takes_its_answer(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_LIMIT_S", 0.0)

    async def for_ever() -> None:
        await asyncio.Event().wait()

    why, _ = await conversation(host, OPEN, sink=Sink(for_ever))
    assert why == "the monitor took no answer for 0 s"


async def test_a_broken_pipe_is_the_end(host: FakeHost) -> None:
    async def broken() -> None:
        raise BrokenPipeError

    why, _ = await conversation(host, OPEN, sink=Sink(broken))
    assert why == ""


async def test_a_sample_beyond_the_limit_ends_it(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_LINE_BYTES", 10)
    why, sink = await conversation(host, OPEN, encoded(ReadSample(1)))
    assert why.startswith("one reading of this host is larger")
    assert [line["kind"] for line in sink.lines] == ["hello"]
