"""Answers a monitor over a pair of pipes: one Sample for each request, until the pipe ends.

Reads only when it is asked, and keeps nothing. Acts only for a monitor that may, where the host allows it. An action
that is under way when the pipe ends is finished. Does not: know what a Sample consists of, or what an action does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from metabonk_tui.adapters.agent.actor import HostActor
from metabonk_tui.adapters.agent.protocol import (
    MAX_LINE_BYTES,
    MAX_LINES,
    SCHEMA,
    Accepted,
    Act,
    ActionProgress,
    AskPlan,
    AskProgress,
    Failed,
    Hello,
    Open,
    PlanMade,
    ReadingHead,
    ReadSample,
    Refused,
    Request,
    encoded,
    request,
    version_problem,
)
from metabonk_tui.adapters.recordings.jsonl_writer import sample_lines
from metabonk_tui.core.model.sample import Sample

OPEN_LIMIT_S = 30.0
"""How long the agent waits for its first request."""
SILENCE_LIMIT_S = 90.0
"""The agent ends when no request came for so long: a dead network leaves its pipe open."""
SEND_LIMIT_S = 60.0
"""The agent ends when the monitor has not taken an answer for so long."""
FASTEST_S = 0.2
"""The least time between two Samples, however fast they are asked for."""
NO_CONTROL = "this agent only looks"


class HostSource(Protocol):
    """Gathers the Samples of this host, and acts where that is allowed."""

    @property
    def actor(self) -> HostActor | None:
        """What acts on the pool of this host; None: nothing does."""
        ...

    @property
    def refusal(self) -> str:
        """Why nothing acts although the monitor may ask; "" otherwise."""
        ...

    async def gather(self, *, fresh: bool = False) -> Sample:
        """Read everything once."""
        ...

    def resend_all(self) -> None:
        """Send every reading that is sent only on change again."""
        ...

    def ask_only(self, slots: tuple[int, ...] | None) -> None:
        """Ask only these workers from now on; None: the wanted ones and those that are seen."""
        ...

    async def aclose(self) -> None:
        """End every reading."""
        ...


class Ended(Exception):
    """The conversation is over; the text says why, "" when the pipe ended."""


async def serve(
    source: asyncio.StreamReader,
    sink: asyncio.StreamWriter,
    version: str,
    open_host: Callable[[Open], Awaitable[HostSource]],
) -> str:
    """Answer requests until the pipe ends; return why it ended for another reason, "" for none."""
    host: HostSource | None = None
    try:
        opening = await _next(source, OPEN_LIMIT_S)
        if not isinstance(opening, Open):
            raise Ended("the first request is not `open`")
        works, problem = version_problem(version, opening.version, opening.schema)
        if not works:
            await _send(sink, encoded(Hello(SCHEMA, version)))
            raise Ended(f"the monitor does not fit this agent: {problem}")
        host = await open_host(opening)
        await _send(sink, encoded(Hello(SCHEMA, version, host.actor is not None, host.refusal)))
        await _answer_all(source, sink, host)
    except Ended as ended:
        return str(ended)
    except (ConnectionError, BrokenPipeError):
        return ""
    finally:
        if host is not None:
            if host.actor is not None:
                await host.actor.finish()
            await host.aclose()
    return ""


async def _answer_all(source: asyncio.StreamReader, sink: asyncio.StreamWriter, host: HostSource) -> None:
    read_s = -FASTEST_S
    while True:
        asked = await _next(source, SILENCE_LIMIT_S)
        began_s = time.monotonic()
        if isinstance(asked, AskPlan | Act | AskProgress):
            await _send(sink, encoded(await _acted(asked, host)))
        elif isinstance(asked, ReadSample):
            await asyncio.sleep(max(0.0, FASTEST_S - (began_s - read_s)))
            read_s = time.monotonic()
            if asked.resend:
                host.resend_all()
            host.ask_only(asked.slots)
            lines = await asyncio.to_thread(_lines, await host.gather(fresh=asked.fresh))
            head = ReadingHead(asked.n, len(lines), time.time(), time.monotonic() - began_s)
            await _send(sink, b"".join((encoded(head), *lines)))
        else:
            raise Ended("a second `open`")


async def _acted(
    asked: AskPlan | Act | AskProgress, host: HostSource
) -> PlanMade | Accepted | ActionProgress | Refused:
    if host.actor is None:
        return Refused(asked.n, host.refusal or NO_CONTROL)
    if isinstance(asked, AskPlan):
        return PlanMade(asked.n, *await host.actor.plan(asked.action))
    if isinstance(asked, Act):
        why = host.actor.begin(asked)
        return Refused(asked.n, why) if why else Accepted(asked.n)
    return host.actor.progress(asked.n)


def _lines(sample: Sample) -> list[bytes]:
    """Return the lines of a Sample. Raises Ended where they exceed the limits."""
    lines = [f"{line}\n".encode(errors="replace") for line in sample_lines(sample)]
    if len(lines) > MAX_LINES or max(map(len, lines)) > MAX_LINE_BYTES:
        raise Ended(f"one reading of this host is larger than {MAX_LINE_BYTES // 1_000_000} MB")
    return lines


async def _next(source: asyncio.StreamReader, limit_s: float) -> Request:
    """Return the next request. Raises Ended at the end of the pipe, after a long silence and for other lines."""
    try:
        async with asyncio.timeout(limit_s):
            line = await source.readline()
    except TimeoutError:
        raise Ended(f"no request for {limit_s:.0f} s") from None
    except ValueError:
        raise Ended("a request is too long") from None
    if not line.endswith(b"\n"):
        raise Ended
    try:
        return request(line)
    except ValueError as error:
        raise Ended(f"not a request: {error}") from None


async def _send(sink: asyncio.StreamWriter, line: bytes) -> None:
    sink.write(line)
    try:
        async with asyncio.timeout(SEND_LIMIT_S):
            await sink.drain()
    except TimeoutError:
        raise Ended(f"the monitor took no answer for {SEND_LIMIT_S:.0f} s") from None


async def say_failed(sink: asyncio.StreamWriter, why: str) -> None:
    """Send the monitor why the agent ends, if the pipe is still open."""
    try:
        await _send(sink, encoded(Failed(why)))
    except (Ended, ConnectionError):
        return
