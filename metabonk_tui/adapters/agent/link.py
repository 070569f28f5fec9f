"""Starts the agent of one host, by ssh or on this machine, and asks it for Samples.

One process a host, in a session of its own without a terminal, so ssh cannot ask for a password. A lost connection is
tried again with growing pauses. Does not: judge how long a host is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from metabonk_tui.adapters.agent.protocol import (
    MAX_LINE_BYTES,
    MAX_LINES,
    MAX_NOISE_BYTES,
    AgentLine,
    Failed,
    Hello,
    Open,
    ReadingHead,
    ReadSample,
    answer,
    encoded,
    version_problem,
)
from metabonk_tui.adapters.agent.skew import ClockSkew
from metabonk_tui.adapters.process.spawn import kill_group
from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.on_host import on_host
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.ports.hosts import HostAnswer
from metabonk_tui.core.text.clean import clean_text, without_colours

HELLO_LIMIT_S = 20.0
"""How long starting ssh and the agent may take; ssh itself gives up on connecting after 10 s."""
ANSWER_LIMIT_S = 15.0
"""How long one Sample may take. Beyond it the connection is given up."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two attempts; the last one repeats."""
END_LIMIT_S = 2.0
KEPT_STDERR_BYTES = 4_000
OWN_EVENTS = frozenset({EventKind.MONITOR_ERROR.value, EventKind.WORKER_UNCONFIRMED.value})
"""The kinds of events that an agent may report; what a pool did is known here."""


class LinkError(Exception):
    """The host cannot be read now; the text says why."""


class AgentLink:
    """The connection to the agent of one host."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        opening: Open,
        workers: int,
        environment: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the first `read` connects. `argv` starts the agent and is read by no shell of this machine."""
        self.name, self.workers = name, workers
        self._argv, self._opening = tuple(argv), opening
        self._environment = environment
        self._now = now
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._last_words = b""
        self._retry_s = 0.0
        self._failures = 0
        self._error = ""
        self._number = 0
        self._resend = False
        self._version = ""
        self._note = ""
        self._skew = ClockSkew()

    async def read(self, fresh: bool = False) -> HostAnswer:
        """Return one Sample, or why there is none. Never raises for what the host does."""
        try:
            if self._process is None:
                if self._now() < self._retry_s:
                    return HostAnswer(error=self._error, version=self._version)
                await self._connect()
            return await self._ask(fresh)
        except LinkError as error:
            await self._give_up(str(error))
        except (OSError, ValueError) as error:
            await self._give_up(f"{type(error).__name__}: {error}")
        return HostAnswer(error=self._error, version=self._version)

    def resend_all(self) -> None:
        self._resend = True

    async def aclose(self) -> None:
        """End the agent by the end of its pipe, and kill what is left of the connection after 2 s."""
        await self._end(END_LIMIT_S)

    # The connection

    async def _connect(self) -> None:
        self._last_words = b""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_LINE_BYTES,
                start_new_session=True,
                env=self._environment,
            )
        except OSError as error:
            raise LinkError(f"{self._argv[0]} cannot be started: {error.strerror or error}") from None
        self._stderr = asyncio.create_task(self._read_stderr(self._process))
        try:
            async with asyncio.timeout(HELLO_LIMIT_S):
                await self._write(encoded(self._opening))
                hello = await self._hello()
        except TimeoutError:
            raise LinkError(f"no agent answered within {HELLO_LIMIT_S:.0f} s") from None
        works, self._note = version_problem(self._opening.version, hello.version, hello.schema)
        self._version = clean_text(hello.version, 40)
        if not works:
            raise LinkError(clean_text(self._note))
        self._skew.forget()
        self._resend = True

    async def _hello(self) -> Hello:
        """Return the agent's first line. What a login shell prints before it is skipped."""
        noise = 0
        while noise < MAX_NOISE_BYTES:
            line = await self._line()
            with contextlib.suppress(ValueError):
                found = answer(line)
                if isinstance(found, Hello):
                    return found
                if isinstance(found, Failed):
                    raise LinkError(clean_text(found.why))
            noise += len(line)
        raise LinkError("what answers is no agent")

    async def _ask(self, fresh: bool) -> HostAnswer:
        self._number += 1
        asked = ReadSample(self._number, fresh, self._resend)
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                asked_s = time.monotonic()
                await self._write(encoded(asked))
                head = self._head(await self._line(), asked.n)
                real_t, took_s = time.time(), time.monotonic() - asked_s
                lines = [await self._line() for _ in range(head.lines)]
                whole_s = time.monotonic() - asked_s
        except TimeoutError:
            raise LinkError(f"no answer within {ANSWER_LIMIT_S:.0f} s") from None
        self._resend, self._failures = False, 0
        delay_s = max(0.0, took_s - max(0.0, head.took_s))
        shift_s = self._skew.observe(real_t - delay_s / 2 - head.t)
        sample, problems = await asyncio.to_thread(self._decoded, lines)
        if sample is None:
            raise LinkError(f"its answer is unreadable: {problems[0]}" if problems else "its answer has no Sample")
        notes = tuple(filter(None, (self._note, *problems[:1])))
        placed = on_host(sample, self.name, lambda t: t + shift_s)
        return HostAnswer(placed, "", notes, self._version, self._skew.text, delay_s, whole_s)

    def _head(self, line: bytes, number: int) -> ReadingHead:
        try:
            found: AgentLine = answer(line)
        except ValueError as error:
            raise LinkError(f"not a line of an agent: {clean_text(str(error))}") from None
        if isinstance(found, Failed):
            raise LinkError(clean_text(found.why))
        if not isinstance(found, ReadingHead) or found.n != number or not 0 < found.lines <= MAX_LINES:
            raise LinkError("an answer to another question")
        return found

    def _decoded(self, lines: Sequence[bytes]) -> tuple[Sample | None, list[str]]:
        """Decode the lines with every check of a foreign recording."""
        problems: list[Problem] = []
        samples = [found for _, found in SampleReader(self.name, problems).samples(enumerate(lines, 1))]
        texts = [clean_text(problem.what) for problem in problems]
        if len(samples) != 1:
            return None, texts
        events = tuple(event for event in samples[0].events if event.kind in OWN_EVENTS)
        return replace(samples[0], events=events), texts

    async def _line(self) -> bytes:
        process = self._process
        if process is None or process.stdout is None:
            raise LinkError("the connection was closed")
        try:
            line = await process.stdout.readline()
        except ValueError:
            raise LinkError(f"a line of more than {MAX_LINE_BYTES // 1_000_000} MB") from None
        if not line.endswith(b"\n"):
            raise LinkError(await self._why_ended(process))
        return line

    async def _write(self, line: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise LinkError("the connection was closed")
        try:
            process.stdin.write(line)
            await process.stdin.drain()
        except ConnectionError:
            raise LinkError(await self._why_ended(process)) from None

    async def _why_ended(self, process: asyncio.subprocess.Process) -> str:
        """Return why the connection ended: what ssh or the agent said last, else its exit code."""
        code: int | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_LIMIT_S):
                code = await process.wait()
                if self._stderr is not None:
                    await asyncio.shield(self._stderr)
        words = [line.strip() for line in self._last_words.decode(errors="replace").splitlines() if line.strip()]
        if words:
            return clean_text(without_colours(words[-1]))
        return "the connection ended" if code is None else f"{self._argv[0]} ended with {code}"

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is not None:
            while more := await process.stderr.read(KEPT_STDERR_BYTES):
                self._last_words = (self._last_words + more)[-KEPT_STDERR_BYTES:]

    async def _give_up(self, why: str) -> None:
        """End the connection, and set when it is tried again."""
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        self._error = why
        await self._end(0.0)
        self._retry_s = self._now() + pause_s

    async def _end(self, limit_s: float) -> None:
        """Close the pipe, and kill the connection when it has not ended within a limit."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(limit_s):
                # What it still prints is read and dropped, or a full pipe would keep it from ending.
                while process.stdout is not None and await process.stdout.read(65536):
                    pass
                await process.wait()
        except TimeoutError:
            _kill(process)
        if self._stderr is not None:
            self._stderr.cancel()
            self._stderr = None
        transport: asyncio.SubprocessTransport = process._transport  # type: ignore[attr-defined]
        # `wait` also waits for the pipes: one that another process still holds, or that was not read to its end, stays
        # open.
        for number in range(3):
            if (pipe := transport.get_pipe_transport(number)) is not None:
                pipe.close()
        with contextlib.suppress(TimeoutError):  # a process in the kernel (state D) does not end by a kill
            async with asyncio.timeout(END_LIMIT_S):
                await process.wait()
        transport.close()


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the group of a connection that this link started and that has not been reaped."""
    if process.returncode is None:
        kill_group(process.pid)
