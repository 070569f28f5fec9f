"""The loop: gathers Samples on a clock, steps, records, publishes, carries Actions out. On its own thread.

A stalled terminal stops the screens after about 4 s; it never stops this.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from metabonk_tui.core.action import Action, Launch, Plan, Resize, Restart, StopWorker
from metabonk_tui.core.config import Config
from metabonk_tui.core.ports import PoolBackend
from metabonk_tui.core.sample import Event, Operation, PoolReading, RunHeader, Sample
from metabonk_tui.core.snapshot import Snapshot
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.live import LiveSource, Readers, interval_s

LOG = logging.getLogger(__name__)
SHOWN_AFTER_END_S = 60.0
"""Real seconds for which an ended operation stays in sight."""
STOP_LIMIT_S = 5.0

Step = Callable[[Snapshot | None, Sample], Snapshot]


class Engine:
    """The monitor behind every screen and verb. Made on any thread, it runs on its own."""

    def __init__(
        self,
        config: Config,
        readers: Callable[[], Readers],
        clock: RunClock,
        step: Step,
        recorders: Iterable[Callable[[Sample], None]] = (),
    ) -> None:
        """Prepare; `readers` is called on the engine's own thread, where its connections will live."""
        self._config = config
        self._make_readers = readers
        self._clock = clock
        self._step = step
        self._recorders = tuple(recorders)
        self._pool: PoolBackend | None = None
        self._published = threading.Condition()
        self._latest: Snapshot | None = None
        self._wakers: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._nudge: asyncio.Event | None = None
        self._ending = False
        self._operation: Operation | None = None
        self._operation_ended_s: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._launch_t: float | None = None
        self._happened: list[Event] = []
        self._header: tuple[float, int | None] | None = None
        self.fault: str | None = None
        """A bug of ours that the last step met; None: none."""

    # Any thread

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()
        self._ready.wait(STOP_LIMIT_S)

    def stop(self) -> None:
        """End, within a few seconds. The pool goes on."""
        self._ending = True
        self.poll_now()
        if self._thread.is_alive():
            self._thread.join(STOP_LIMIT_S)
        with self._published:
            self._published.notify_all()

    def latest(self) -> Snapshot | None:
        """Return the newest Snapshot; None before the first."""
        return self._latest

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the engine's thread at every new Snapshot."""
        self._wakers.append(wake)

    def wait_next(self, after: Snapshot | None, timeout_s: float) -> Snapshot | None:
        """Wait for a Snapshot newer than `after`; None when none came in time."""
        with self._published:
            self._published.wait_for(lambda: self._latest is not after or self._ending, timeout_s)
            return self._latest if self._latest is not after else None

    def plan(self, action: Action) -> Plan:
        """Say what an action would do now."""
        if self._pool is None:
            raise RuntimeError("the engine was not started")
        if isinstance(action, StopWorker):
            # Screens speak the run's clock, the process table the real one.
            action = replace(action, pid_started_at=self._clock.real(action.pid_started_at))
        latest = self._latest
        return self._pool.plan(action, latest.pool if latest else PoolReading())

    def submit(self, plan: Plan) -> None:
        """Carry a plan out; what becomes of it is seen in the Snapshots."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin, plan)

    def poll_now(self) -> None:
        """Look at once."""
        if self._loop is not None and self._nudge is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._nudge.set)

    # The engine's own thread

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:
            LOG.exception("the engine ended")
            self.fault = f"{type(error).__name__}: {error}"
        finally:
            self._ending = True
            self._ready.set()
            with self._published:
                self._published.notify_all()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._nudge = asyncio.Event()
        readers = self._make_readers()
        self._pool = readers.pool
        source = LiveSource(self._config, readers, self._clock)
        self._ready.set()
        try:
            await self._tick_forever(source)
        finally:
            if self._task is not None and not self._task.done():
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
            await readers.status.aclose()
            await readers.pool.aclose()

    async def _tick_forever(self, source: LiveSource) -> None:
        assert self._nudge is not None
        due_s = time.monotonic()
        fresh = False
        while not self._ending:
            lag_s = max(0.0, time.monotonic() - due_s)
            sample = self._complete(await source.gather(lag_s=lag_s, fresh=fresh), source)
            for record in self._recorders:
                record(sample)
            self._advance(sample)
            every_s = interval_s(self._config, source.wanted, self._clock.speed)
            due_s += every_s
            now_s = time.monotonic()
            if due_s < now_s:  # ticks never pile up: the next one is due on the grid
                due_s += ((now_s - due_s) // every_s + 1) * every_s
            self._nudge.clear()
            fresh = False
            if self._ending:
                break
            try:
                async with asyncio.timeout(max(0.0, due_s - now_s)):
                    await self._nudge.wait()
                due_s, fresh = time.monotonic(), True
            except TimeoutError:
                pass

    def _complete(self, sample: Sample, source: LiveSource) -> Sample:
        """Add what we did ourselves: the operation on the pool, its events, the run that it began."""
        ended_s = self._operation_ended_s
        if ended_s is not None and time.monotonic() - ended_s > SHOWN_AFTER_END_S:
            self._operation = self._operation_ended_s = None
        if sample.pool is not None:
            sample = replace(sample, pool=replace(sample.pool, operation=self._operation))
        if self._happened:
            sample = replace(sample, events=(*sample.events, *self._happened))
            self._happened.clear()
        if self._header is not None:
            header: RunHeader = source.header(self._header[0], "launched by us", self._header[1])
            sample = replace(sample, run=header)
            self._header = None
        return sample

    def _advance(self, sample: Sample) -> None:
        try:
            snapshot = self._step(self._latest, sample)
        except Exception as error:
            LOG.exception("a sample could not be judged")
            self.fault = f"{type(error).__name__}: {error}"
            return
        with self._published:
            self._latest = snapshot
            self._published.notify_all()
        for wake in self._wakers:
            wake()

    def _begin(self, plan: Plan) -> None:
        if self._task is not None and not self._task.done():
            text = "refused: another operation is under way"
            LOG.warning("%s: %s", text, plan.action)
            self._happened.append(Event(self._clock.now(), "pool.refused", "warn", text))
            return
        self._operation_ended_s = None
        self._launch_t = None
        self._task = asyncio.get_running_loop().create_task(self._carry_out(plan))

    async def _carry_out(self, plan: Plan) -> None:
        assert self._pool is not None
        began_t = self._clock.now()
        try:
            events = await self._pool.apply(plan, self._progress)
        except Exception as error:
            LOG.exception("an operation failed")
            text = f"failed: {type(error).__name__}: {error}"
            events = (Event(self._clock.now(), "pool.failed", "crit", text),)
            if self._operation is not None and self._operation.ended_at is None:
                self._operation = replace(self._operation, ended_at=self._clock.now(), ok=False, message=text)
        finally:
            self._operation_ended_s = time.monotonic()
        self._happened.extend(events)
        launched = isinstance(plan.action, Launch | Resize | Restart) and plan.mode != "noop"
        if launched and not any(event.severity == "crit" for event in events):
            self._header = (self._launch_t or began_t, plan.start)
        self.poll_now()

    def _progress(self, operation: Operation) -> None:
        self._operation = operation
        if self._launch_t is None and any(s.name == "launch" and s.state != "waiting" for s in operation.steps):
            self._launch_t = self._clock.now()
        self.poll_now()
