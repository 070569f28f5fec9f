"""Runs the monitor's loop on its own thread: gathers Samples, steps, records, publishes, carries out Plans.

A stalled terminal stops the screens after about 4 s, but never this loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.interlock import InterlockResult, check_interlock, with_last_budget
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.alert import alert_transitions
from metabonk_tui.core.model.pool import Action, Plan, RoleRequest
from metabonk_tui.core.model.sample import PoolReading, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Snapshot
from metabonk_tui.core.ports.live import AlertSink, ControlRole, Journal
from metabonk_tui.core.run.ending import OWN_ROLES, is_there
from metabonk_tui.core.step.merge import merge_samples
from metabonk_tui.engine.acknowledgements import Acknowledgements
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import Collector, PoolReaders, collector_of
from metabonk_tui.engine.control import Control
from metabonk_tui.engine.isolated import Isolated
from metabonk_tui.engine.memory_watch import MemoryWatch
from metabonk_tui.engine.operations import OperationRunner, refusal
from metabonk_tui.engine.preflight_runner import Preflight, PreflightChecks
from metabonk_tui.engine.schedule import TickSchedule, is_set_within
from metabonk_tui.engine.shared_run import SharedRun, uncontrolled
from metabonk_tui.engine.single_flight import FaultLog

LOG = logging.getLogger(__name__)
STOP_LIMIT_S = 5.0
NUDGE_INTERVAL_S = 0.2
"""The least time between two requested ticks: an operation requests one for every line of progress."""

StepFunction = Callable[[Snapshot | None, Sample], Snapshot]


class Contributor(Protocol):
    """A part of the engine that adds to every Sample what it did since the last one."""

    def contribute(self, sample: Sample) -> Sample:
        """Return the Sample with what this part adds."""
        ...


class Engine:
    """The monitor behind every screen and verb. Any thread may create it; it runs on its own thread."""

    def __init__(
        self,
        config: Config,
        readers: Callable[[], PoolReaders],
        clock: RunClock,
        step: StepFunction,
        recorders: Iterable[Callable[[Sample], None]] = (),
        journal: Journal | None = None,
        checks: PreflightChecks | None = None,
        sinks: Iterable[AlertSink] = (),
        role: ControlRole | None = None,
    ) -> None:
        """Prepare; the engine calls `readers` on its own thread, which owns the connections.

        Without `checks` there is no preflight. `sinks` get every change of the alerts. Without a `role` no other
        monitor can ask for control.
        """
        self._config = config
        self._make_readers = readers
        self._clock = clock
        self._step = step
        self._recorders = tuple(recorders)
        self._has_journal = journal is not None
        self._sinks = tuple(sinks)
        self._fault_log = FaultLog(clock)
        self._isolated = Isolated(self._fault_log)
        self._shared_run = SharedRun(journal, self._isolated)
        self._acknowledgements = Acknowledgements(clock)
        self.role = role
        self._control = Control(role, clock)
        self._contributors: tuple[Contributor, ...] = ()
        """The parts that add to every Sample, in this order."""
        self._latest: Snapshot | None = None
        self._with_budget: Snapshot | None = None
        self._own_pool: PoolReading | None = None
        """The pool as this monitor itself last read it: a recorded pool names the controller of that time."""
        self._last_run: Snapshot | None = None
        """The pool's last recorded run, until a tick shows whether a pool is there."""
        self._pending_sample: Sample | None = None
        self._wakers: list[tuple[Callable[[], None], str]] = []
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: OperationRunner | None = None
        self._watch: MemoryWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._chosen_interval_s = 0.0
        self._preflight = Preflight(checks, clock, self._wake_all) if checks is not None else None
        self.fault: str | None = None
        """The bug that stopped the newest Sample, for people; None: no bug. The Snapshot is older than the Sample."""

    # Any thread

    @property
    def own_pool(self) -> PoolReading | None:
        """The pool as this monitor itself last read it; None: not yet."""
        return self._own_pool

    def start(self) -> None:
        """Start the engine's thread and wait until it accepts calls, at most `STOP_LIMIT_S`."""
        self._thread.start()
        self._ready.wait(STOP_LIMIT_S)

    def stop(self) -> None:
        """End within a few seconds. The pool keeps running."""
        if self._preflight is not None:
            self._preflight.close()
        if (task := self._task) is not None:
            self._call(task.cancel)
        if self._thread.is_alive():
            self._thread.join(STOP_LIMIT_S)
            if self._thread.is_alive():
                LOG.error("the engine did not end within %.0f s", STOP_LIMIT_S)

    def latest(self) -> Snapshot | None:
        """Return the newest Snapshot; None before the first."""
        return self._latest

    def subscribe(self, wake: Callable[[], None], part: str = "waking a screen") -> None:
        """Call `wake` from the engine's thread at every new Snapshot; it must return at once.

        `part` names the subscriber in the fault log if `wake` raises.
        """
        self._wakers.append((wake, part))

    def plan(self, action: Action) -> Plan:
        """Return what an action would do now. May block for a moment, never raises."""
        if self._runner is None:
            return refusal(action, self.fault or "the pool has not been looked at yet")
        # A recorded pool may be minutes old: only a pool that this monitor has read itself may be planned for.
        own_pool = self._own_pool
        if own_pool is None:
            return refusal(action, self.fault or "the pool has not been looked at yet")
        return self._runner.plan(action, own_pool)

    def submit(self, plan: Plan) -> None:
        """Carry a plan out; the Snapshots show its progress and result."""
        if (runner := self._runner) is not None:
            self._call(lambda: runner.begin(plan))

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        """Arm or disarm the memory watch. Keys, the configuration and verbs all use this method."""
        if (watch := self._watch) is not None:
            self._call(lambda: watch.arm(on, by, dry_run, self._own_pool))

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        """Record that the operator has seen these alerts. Any monitor may: the pool does not change."""

        def note() -> None:
            self._acknowledgements.add(ids, by)
            self._nudge.set()

        self._call(note)

    def ask_gate_again(self, by: str) -> None:
        """Record that the operator wants the gate to be taken again. Any monitor may: the pool does not change."""

        def note() -> None:
            self._acknowledgements.ask_gate_again(by)
            self._nudge.set()

        self._call(note)

    def start_preflight(self, workers: int) -> None:
        """Start the preflight for a launch of `workers` workers; `preflight` returns its state."""
        if self._preflight is not None:
            self._preflight.start(workers, self._latest)

    def preflight(self) -> PreflightView | None:
        """Return the state of the preflight; None: this monitor has no checks."""
        return self._preflight.view() if self._preflight is not None else None

    def role_request(self) -> RoleRequest | None:
        """Return which monitor asks this one for control of the pool; None: none."""
        return self.role.request if self.role is not None else None

    def answer_role(self, number: int, yes: bool) -> None:
        """Answer the request with this number."""
        if self.role is not None:
            self.role.answer(number, yes)

    def poll_now(self) -> None:
        """Request a tick now."""
        self._call(self._nudge.set)

    def poll_every(self, interval_s: float) -> None:
        """Tick at this interval (real seconds) from now on; 0: as configured."""
        self._chosen_interval_s = interval_s
        self.poll_now()

    def report_fault(self, message: str) -> None:
        """Emit an event for a part of the monitor that fails."""
        self._call(lambda: self._fault_log.report_fault(message))

    def _call(self, function: Callable[[], object]) -> None:
        """Call a function on the engine's thread; do nothing if that thread has ended."""
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            LOG.info("the engine has ended")

    # The engine's own thread

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except asyncio.CancelledError:
            LOG.info("the engine was stopped")
        except Exception as error:
            LOG.exception("the engine ended")
            self.fault = f"{type(error).__name__}: {error}"
        finally:
            self._ready.set()

    async def _run(self) -> None:
        readers = self._make_readers()
        collector = collector_of(self._config, readers, self._clock, self._fault_log)
        self._runner = OperationRunner(
            readers.pool, self._clock, collector.header, self._nudge.set, self._check_interlock
        )
        runner, request_sample = self._runner, self._nudge.set
        self._watch = MemoryWatch(self._config, self._clock, self.plan, runner.begin, request_sample)
        self._contributors = (runner, self._watch, self._acknowledgements, self._control)
        if self.role is not None:
            self.role.on_change = self._note_role_change
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            await self._restore_run(collector)
            await self._tick_forever(collector, self._watch)
        finally:
            self._shared_run.close()
            await self._watch.aclose()
            await self._runner.aclose()
            await collector.aclose()
            await readers.status.aclose()
            await readers.pool.aclose()

    def _check_interlock(self, action: Action) -> InterlockResult:
        # Before the first own look, the Snapshot is a recorded one: it proves nothing about now.
        latest = self._latest if self._own_pool is not None else None
        snapshot = with_last_budget(latest, self._with_budget) if latest is not None else None
        watch_returns = self.role.watch_returns if self.role is not None else ""
        return check_interlock(action, snapshot, self.preflight(), self._config, watch_returns=watch_returns)

    def _note_role_change(self) -> None:
        self.poll_now()
        self._call(self._wake_all)

    async def _restore_run(self, collector: Collector) -> None:
        """Publish the recorded state of the run that is already under way."""
        if not self._has_journal:
            return
        try:
            processes = await collector.first_processes()
        except Exception as error:
            self._fault_log.note("reading the recording", error)
            return
        known = self._isolated.run("reading the recording", lambda: self._shared_run.begin(processes, self._step))
        if known is not None:
            collector.mark_run_known()
            collector.recall(known)
            # Who controlled the pool at that time is not who controls it now.
            self._publish(replace(known, pool=uncontrolled(known.pool)))
        elif not any(process.role in OWN_ROLES for process in processes):
            last = self._isolated.run("reading the last run", lambda: self._shared_run.last_run(self._step))
            if last is not None:
                collector.recall(last)
                self._last_run = replace(last, pool=uncontrolled(last.pool))

    def _after_last_run(self, sample: Sample) -> Sample:
        """Continue the pool's last run if this sample shows that no pool is there: its end is still the answer."""
        last, there = self._last_run, is_there(sample)
        if last is None or there is None:
            return sample
        self._last_run = None
        if there or sample.t < last.t:
            return sample
        self._latest = last
        return replace(sample, run=None)

    def _follow(self, recorded: tuple[Sample, ...], pool: PoolReading | None, collector: Collector) -> None:
        """Judge the Samples of another monitor, with the pool as this monitor read it."""
        collector.mark_run_known()
        events = self._fault_log.take_events()
        followed = self._shared_run.follow(recorded, self._latest, pool or self._own_pool, events, self._contribute)
        if followed.starts_over:
            self._latest = None
        latest = self._latest
        for sample in followed.samples[:-1]:
            self._take(sample, collector, None, stored=True)
        if followed.samples:
            # Only our own reading shows who controls the pool: the other's would arm or disarm our watch.
            watch = self._watch if pool is not None else None
            self._take(followed.samples[-1], collector, watch, stored=True)
        elif latest is not None and followed.pool is not None and followed.pool != latest.pool:
            self._publish(replace(latest, pool=followed.pool))

    def _contribute(self, sample: Sample) -> Sample:
        """Add everything that the parts of this monitor did since the last Sample."""
        for part in self._contributors:
            sample = part.contribute(sample)
        return sample

    async def _tick_forever(self, collector: Collector, watch: MemoryWatch) -> None:
        loop = asyncio.get_running_loop()
        schedule = TickSchedule(loop.time())
        was_nudged = False
        while True:
            began_s = loop.time()
            lag_s = schedule.begin(began_s, collector.interval_s, self._chosen_interval_s, is_watched=watch.is_armed)
            recorded = self._shared_run.read_new()
            if recorded is None:
                sample = await collector.gather(lag_s=lag_s, fresh=was_nudged, waited_s=schedule.waited_s)
                self._own_pool = sample.pool or self._own_pool
                self._take(self._contribute(self._after_last_run(sample)), collector, watch)
            else:
                pool = await collector.pool()
                self._own_pool = pool or self._own_pool
                self._follow(recorded, pool, collector)
            was_nudged = await is_set_within(self._nudge, schedule.wait_s(loop.time()))
            if was_nudged:
                await asyncio.sleep(max(0.0, NUDGE_INTERVAL_S - (loop.time() - began_s)))
            self._nudge.clear()

    def _take(self, sample: Sample, collector: Collector, watch: MemoryWatch | None, *, stored: bool = False) -> None:
        """Record a Sample, step, publish. A bug in one of these does not stop the others.

        `watch` judges the Snapshot; None: the watch skips it. `stored`: another monitor has recorded it already.
        """
        if not stored:
            sample = self._shared_run.with_submitted(sample)
        for record in self._recorders:
            self._isolated.run("recording", partial(record, sample))
        before = self._latest
        merged = merge_samples(self._pending_sample, sample, MAX_EVENTS)
        try:
            snapshot = self._step(before, merged)
        except Exception as error:
            self._fault_log.note("judging a sample", error)
            self.fault = f"{type(error).__name__}: {error}"
            self._pending_sample = merged
            if not stored:
                self._shared_run.store(sample, None)
            return
        self.fault = self._pending_sample = None
        if before is None:
            # The first picture does not wait for the disk: a new recording may take a tenth of a second.
            self._publish(self._shared_run.with_recording(snapshot))
        if not stored:
            self._shared_run.store(sample, snapshot)
        snapshot = self._shared_run.with_recording(snapshot)
        if before is not None and before.run.name != snapshot.run.name:
            collector.resend_all()
        self._publish(snapshot)
        self._deliver(before, snapshot)
        if watch is not None and self._own_pool is not None:
            self._isolated.run("the memory watch", lambda: watch.judge(snapshot))

    def _deliver(self, before: Snapshot | None, snapshot: Snapshot) -> None:
        """Send alert changes to the sinks. Alerts that already fired in a restored Snapshot are no change."""
        found = alert_transitions(before.alerts if before is not None else (), snapshot.alerts)
        for sink in self._sinks if found else ():
            self._isolated.run("sending alerts", partial(sink.deliver, found, snapshot))

    def _publish(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        self._with_budget = snapshot if snapshot.memory.budget is not None else self._with_budget
        self._wake_all()

    def _wake_all(self) -> None:
        for wake, part in tuple(self._wakers):
            self._isolated.run(part, wake)
