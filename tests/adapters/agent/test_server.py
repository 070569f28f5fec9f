"""The agent answers only what it is asked, refuses to act, and ends with its pipe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from metabonk_tui.adapters.agent import server
from metabonk_tui.adapters.agent.protocol import SCHEMA, Act, Open, ReadSample, encoded
from metabonk_tui.core.model.sample import Observation, Sample
from tests.support.refs import w

OPEN = encoded(Open(SCHEMA, "0.1.0"))


class FakeHost:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def gather(self, *, fresh: bool = False) -> Sample:
        self.asked.append("fresh" if fresh else "gather")
        return Sample(t=10.0, workers={w(0): Observation(error="refused")})

    def resend_all(self) -> None:
        self.asked.append("resend")

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


async def test_nothing_is_read_that_was_not_asked_for(host: FakeHost) -> None:
    _, sink = await conversation(host, OPEN)
    assert [line["kind"] for line in sink.lines] == ["hello"]
    assert host.asked == ["closed"]


async def test_every_action_is_refused(host: FakeHost) -> None:
    _, sink = await conversation(host, OPEN, encoded(Act(3, "stop")))
    assert sink.lines[-1]["kind"] == "refused"
    assert sink.lines[-1]["n"] == 3
    assert "only looks" in sink.lines[-1]["why"]


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
