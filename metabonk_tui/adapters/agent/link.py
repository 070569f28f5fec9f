"""Starts the agent of one host, by ssh or on this machine, and asks it for Samples.

One process a host, in a session of its own without a terminal, so ssh cannot ask for a password. A lost connection is
tried again with growing pauses. Does not: judge how long a host is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from metabonk_tui.adapters.agent.ending import end, leave
from metabonk_tui.adapters.agent.foreign import events_of, for_agent, operation_of, plan_of
from metabonk_tui.adapters.agent.protocol import (
    MAX_LINE_BYTES,
    MAX_LINES,
    MAX_NOISE_BYTES,
    Accepted,
    Act,
    ActionProgress,
    AgentLine,
    AskPlan,
    AskProgress,
    Failed,
    Hello,
    Open,
    PlanMade,
    ReadingHead,
    ReadSample,
    Refused,
    answer,
    encoded,
    version_problem,
)
from metabonk_tui.adapters.agent.skew import ClockSkew
from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.lenient import Problem
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.on_host import on_host
from metabonk_tui.core.model.pool import Action, HostPlan, Launch, Plan, Resize, Restart
from metabonk_tui.core.model.sample import PoolReading, Sample
from metabonk_tui.core.ports.hosts import HostAnswer, HostProgress
from metabonk_tui.core.text.clean import clean_text, without_colours

HELLO_LIMIT_S = 20.0
"""How long starting ssh and the agent may take; ssh itself gives up on connecting after 10 s."""
ANSWER_LIMIT_S = 15.0
"""How long one Sample may take. Beyond it the connection is given up."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two attempts; the last one repeats."""
END_LIMIT_S = 2.0
KEPT_STDERR_BYTES = 4_000
_OF_SRUN = re.compile(r"^srun: error: .*task \d+: |^srun: (Terminating|Job step aborted)")
OWN_EVENTS = frozenset({EventKind.MONITOR_ERROR.value, EventKind.WORKER_UNCONFIRMED.value})
"""The kinds of events that an agent may report; what a pool did is known here."""


READ_ONLY = "read-only: only `read_only = false` in its [[host]] lets this monitor act on it"
NO_AGENT = "its agent does not act: install this version there"


class LinkError(Exception):
    """The host cannot be read now; the text says why."""


class RefusedError(Exception):
    """The agent does not do what was asked; the text says why. The connection is in order."""


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
        is_local: bool = False,
    ) -> None:
        """Prepare; the first `read` connects. `argv` starts the agent and is read by no shell of this machine.

        `is_local`: it starts the agent itself, not a connection to it.
        """
        self.name, self.workers = name, workers
        self.read_only = not opening.acts
        self.latest = HostAnswer(error="not asked yet")
        self._is_local = is_local
        self._is_acting = False
        self._hello = Hello(0, "")
        self._asking = asyncio.Lock()
        """One question at a time: an answer names its question, but all answers come through one pipe."""
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
        self.slots: tuple[int, ...] | None = None
        """The only workers that the agent asks; None: the first `workers`."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, which may have ended since."""
        return self._process is not None

    async def read(self, fresh: bool = False) -> HostAnswer:
        """Return one Sample, or why there is none. Never raises for what the host does."""
        async with self._asking:
            self.latest = await self._read(fresh)
            return self.latest

    async def _read(self, fresh: bool) -> HostAnswer:
        try:
            if not self.is_open:
                if self._now() < self._retry_s:
                    return HostAnswer(error=self._error, version=self._version)
                await self._connect()
            return await self._ask(fresh)
        except LinkError as error:
            await self._give_up(str(error))
        except (OSError, ValueError) as error:
            await self._give_up(f"{type(error).__name__}: {error}")
        return HostAnswer(error=self._error, version=self._version)

    async def plan(self, action: Action) -> HostPlan:
        """Ask what an action would do there; a failure is a refused plan."""
        try:
            found = await self._talk(lambda n: AskPlan(n, for_agent(action, lambda t: t - self._skew.shift_s)))
            if not isinstance(found, PlanMade):
                raise RefusedError("an answer to another question")
            shift_s = self._skew.shift_s
            return HostPlan(self.name, plan_of(found.plan, action, self.name, lambda t: t + shift_s), found.id[:64])
        except RefusedError as error:
            return HostPlan(self.name, Plan(action, "refused", (), (), 0, None, refusal=str(error)))

    async def act(self, part: HostPlan, shown: Plan) -> str:
        """Have that part of the plan that was shown carried out; return why not, "" when it has begun."""
        act = Act(0, part.id, overridden=shown.overridden)
        if isinstance(shown.action, Launch | Resize | Restart):
            act = replace(act, hours=shown.action.hours, override=shown.action.override)
        try:
            found = await self._talk(lambda n: replace(act, n=n))
        except RefusedError as error:
            return str(error)
        self._is_acting = isinstance(found, Accepted)
        return "" if self._is_acting else "an answer to another question"

    async def progress(self) -> HostProgress:
        """Ask how far the action is."""
        try:
            found = await self._talk(AskProgress)
        except RefusedError as error:
            return HostProgress(error=str(error))
        if not isinstance(found, ActionProgress):
            return HostProgress(error="an answer to another question")
        if found.events is not None:
            self._is_acting = False
        events = None if found.events is None else events_of(found.events, self.name, time.time())
        return HostProgress(None if found.operation is None else operation_of(found.operation), events)

    async def _talk(self, make: Callable[[int], AskPlan | Act | AskProgress]) -> AgentLine:
        """Send one request that no Sample answers, made for its number; return the answer. Raises RefusedError."""
        if self.read_only:
            raise RefusedError(READ_ONLY)
        async with self._asking:
            try:
                await self._connect_to_act()
                asked = make(self._next())
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    await self._write(encoded(asked))
                    found = self._decoded_line(await self._line())
                if isinstance(found, Failed):
                    raise LinkError(clean_text(found.why))
                if isinstance(found, Hello) or found.n != asked.n:
                    raise LinkError("an answer to another question")
            except TimeoutError:
                await self._give_up(f"no answer within {ANSWER_LIMIT_S:.0f} s")
            except LinkError as error:
                await self._give_up(str(error))
            except (OSError, ValueError) as error:
                await self._give_up(f"{type(error).__name__}: {error}")
            else:
                if isinstance(found, Refused):
                    raise RefusedError(clean_text(found.why, 1000))
                return found
        raise RefusedError(self._error)

    async def _connect_to_act(self) -> None:
        """Connect where nothing reads over this link: another monitor may record. Raises RefusedError, LinkError."""
        if self._process is not None and self._process.returncode is not None:
            # An agent ends that is not asked for 90 s.
            await self._end(0.0)
        if self._process is None:
            if self._now() < self._retry_s:
                raise RefusedError(self._error)
            await self._connect()
            # The first Sample measures the host's clock, by which processes are named.
            self.latest = await self._ask(False)
        if refusal := self._refusal:
            raise RefusedError(refusal)

    @property
    def _refusal(self) -> str:
        """Why the agent does not act although this monitor may ask."""
        return "" if self.read_only or self._hello.control else clean_text(self._hello.refusal) or NO_AGENT

    def _next(self) -> int:
        self._number += 1
        return self._number

    def resend_all(self) -> None:
        self._resend = True

    async def aclose(self) -> None:
        """End the agent by the end of its pipe, and kill what is left of the connection after 2 s."""
        await self._end(END_LIMIT_S)

    # The connection

    async def _connect(self) -> None:
        await self._start()
        try:
            async with asyncio.timeout(HELLO_LIMIT_S):
                await self._write(encoded(self._opening))
                hello = await self._greeted()
        except TimeoutError:
            raise LinkError(f"no agent answered within {HELLO_LIMIT_S:.0f} s") from None
        self._hello = hello
        self._is_acting = False
        works, self._note = version_problem(self._opening.version, hello.version, hello.schema)
        self._version = clean_text(hello.version, 40)
        if not works:
            raise LinkError(clean_text(self._note))
        self._skew.forget()
        self._resend = True

    async def _start(self) -> None:
        """Start the agent. Raises LinkError."""
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

    async def _greeted(self) -> Hello:
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
        asked = ReadSample(self._next(), fresh, self._resend, self.slots)
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
        pool = _moved(sample.pool, shift_s) if self._hello.control else None
        return HostAnswer(placed, "", notes, self._version, self._skew.text, delay_s, whole_s, pool, self._refusal)

    def _head(self, line: bytes, number: int) -> ReadingHead:
        found = self._decoded_line(line)
        if isinstance(found, Failed):
            raise LinkError(clean_text(found.why))
        if not isinstance(found, ReadingHead) or found.n != number or not 0 < found.lines <= MAX_LINES:
            raise LinkError("an answer to another question")
        return found

    def _decoded_line(self, line: bytes) -> AgentLine:
        try:
            return answer(line)
        except ValueError as error:
            raise LinkError(f"not a line of an agent: {clean_text(str(error))}") from None

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
        # What srun adds about the exit code of its task says less than the task itself.
        words = [line for line in words if not _OF_SRUN.search(line)] or words
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
        if self._is_acting and self._is_local:
            self._is_acting = False
            leave(process, self._stderr)
        else:
            await end(process, self._stderr, limit_s, END_LIMIT_S)
        self._stderr = None


def _moved(pool: PoolReading | None, shift_s: float) -> PoolReading | None:
    if pool is None or pool.launcher_started_at is None:
        return pool
    return replace(pool, launcher_started_at=pool.launcher_started_at + shift_s)
