"""The loop: gathers Samples on a clock, steps, records, publishes, carries Plans out. On its own thread.

A stalled terminal stops the screens after about 4 s; it never stops this.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.launch.interlock import InterlockResult, check_interlock
from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.alert import alert_transitions
from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.sample import PoolReading, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Snapshot
from metabonk_tui.core.ports.live import AlertSink, Journal
from metabonk_tui.core.recordings.restore import rebuild
from metabonk_tui.core.step.merge import fold
from metabonk_tui.engine.acknowledgements import Acknowledging
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.collector import LiveSource, Readers
from metabonk_tui.engine.memory_watch import MemoryWatch
from metabonk_tui.engine.operations import Hands, refusal
from metabonk_tui.engine.preflight_runner import Looks, Preflight
from metabonk_tui.engine.schedule import Grid
from metabonk_tui.engine.single_flight import Faults

LOG = logging.getLogger(__name__)
STOP_LIMIT_S = 5.0
NUDGED_S = 0.2
"""Ticks that are asked for do not come closer together than this: progress is told line by line."""

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
        journal: Journal | None = None,
        looks: Looks | None = None,
        sinks: Iterable[AlertSink] = (),
    ) -> None:
        """Prepare; `readers` is called on the engine's own thread, where its connections will live.

        Without `looks` there is no preflight. `sinks` are told of alerts.
        """
        self._config = config
        self._make_readers = readers
        self._clock = clock
        self._step = step
        self._recorders = tuple(recorders)
        self._journal = journal
        self._sinks = tuple(sinks)
        self._faults = Faults(clock)
        self._seen = Acknowledging(clock)
        self._latest: Snapshot | None = None
        self._unjudged: Sample | None = None
        self._published = threading.Condition()
        self._wakers: list[tuple[Callable[[], None], str]] = []
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hands: Hands | None = None
        self._watch: MemoryWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._preflight = Preflight(looks, clock, self._wake_all) if looks is not None else None
        self.fault: str | None = None
        """A bug of ours that the newest Sample met; None: none. The newest Snapshot is older than that Sample."""

    # Any thread

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()
        self._ready.wait(STOP_LIMIT_S)

    def stop(self) -> None:
        """End, within a few seconds. The pool goes on."""
        if self._preflight is not None:
            self._preflight.close()
        task = self._task
        if task is not None:
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

        `part` is what has failed when it raises.
        """
        self._wakers.append((wake, part))

    def wait_next(self, after: Snapshot | None, timeout_s: float) -> Snapshot | None:
        """Wait for a Snapshot newer than `after`; None when none came in time or the engine has ended."""
        with self._published:
            self._published.wait_for(lambda: self._latest is not after or self._ended.is_set(), timeout_s)
            return self._latest if self._latest is not after else None

    def plan(self, action: Action) -> Plan:
        """Say what an action would do now. May block for a moment, never raises."""
        if self._hands is None:
            return refusal(action, self.fault or "the pool has not been looked at yet")
        latest = self._latest
        return self._hands.plan(action, latest.pool if latest else PoolReading())

    def submit(self, plan: Plan) -> None:
        """Carry a plan out; what becomes of it is seen in the Snapshots."""
        hands = self._hands
        if hands is not None:
            self._call(lambda: hands.begin(plan))

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        """Arm or disarm the memory watch: a key, the configuration and a verb all come through here."""
        watch = self._watch
        if watch is not None:
            self._call(lambda: watch.arm(on, by, dry_run, self._latest.pool if self._latest else None))

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        """Say that somebody has seen these alerts: it changes nothing of the pool, so everybody may."""

        def note() -> None:
            self._seen.add(ids, by)
            self._nudge.set()

        self._call(note)

    def start_preflight(self, workers: int) -> None:
        """Look at what must be so before a launch of so many workers; how it stands is in `preflight`."""
        if self._preflight is not None:
            self._preflight.start(workers, self._latest)

    def preflight(self) -> PreflightView | None:
        """Say how the preflight stands; None: none can be made here."""
        return self._preflight.view() if self._preflight is not None else None

    def poll_now(self) -> None:
        """Look at once."""
        self._call(self._nudge.set)

    def complain(self, words: str) -> None:
        """Tell of a part of the monitor that does not do what it is there for: it becomes an event."""
        self._call(lambda: self._faults.complain(words))

    def _call(self, function: Callable[[], object]) -> None:
        """Call on the engine's own thread; nothing when that has ended."""
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
            self._ended.set()
            self._ready.set()
            with self._published:
                self._published.notify_all()

    async def _run(self) -> None:
        readers = self._make_readers()
        source = LiveSource(self._config, readers, self._clock, self._faults)
        self._hands = Hands(readers.pool, self._clock, source.header, self._nudge.set, self._door)
        hands, look = self._hands, self._nudge.set
        self._watch = MemoryWatch(self._config, self._clock, hands.plan, hands.begin, look)
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            await self._go_on(source, readers)
            await self._tick_forever(source, hands, self._watch)
        finally:
            if self._journal is not None:
                self._journal.close()
            await self._watch.aclose()
            await self._hands.aclose()
            await source.aclose()
            await readers.status.aclose()
            await readers.pool.aclose()

    def _door(self, action: Action) -> InterlockResult:
        return check_interlock(action, self._latest, self.preflight(), self._config)

    async def _go_on(self, source: LiveSource, readers: Readers) -> None:
        """Know what was seen before of the run that is there."""
        if self._journal is None:
            return
        try:
            there = await asyncio.to_thread(readers.processes.read, True) if readers.processes is not None else ()
            past = self._journal.begin(there)
            known = rebuild(past, self._step) if past is not None else None
        except Exception as error:
            self._faults.note("reading the recording", error)
            return
        if known is not None:
            source.go_on()
            self._publish(_recorded(known, self._journal))

    def _read_along(
        self,
        told: tuple[Sample, ...],
        hands: Hands,
        watch: MemoryWatch,
        pool: PoolReading | None,
        source: LiveSource,
    ) -> None:
        """Judge what another monitor saw; the pool is seen, and acted on, by ourselves."""
        latest, journal = self._latest, self._journal
        assert journal is not None
        source.go_on()
        if latest is not None and _is_told_from_the_start(told, latest):
            # It began to record as we began to look. Of the two accounts of one run the recorded one counts.
            latest = self._latest = None
        fresh = [sample for sample in told if latest is None or sample.t > latest.t]
        newest = fresh[-1] if fresh else Sample(t=latest.t if latest else 0.0)
        events = (*newest.events, *self._faults.take_events())
        seen = replace(newest, pool=pool or newest.pool, events=events)
        done = self._seen.complete(watch.complete(hands.complete(seen)))
        # Theirs tells how their watch stands; ours, if it is armed, is the only one that acts on this pool.
        done = replace(done, watch=done.watch if pool is not None and done.watch is not None else newest.watch)
        ours = done.events[len(newest.events) :]
        began = done.run if done.run is not newest.run else None
        if (ours or began) and journal.tell(ours, began):
            # The one who writes tells it, to us as well.
            done = replace(done, events=newest.events, run=newest.run)
        for sample in fresh[:-1]:
            self._take(sample, source, None, stored=True)
        if fresh:
            # Who holds the pool is judged by our own look alone: theirs would arm or disarm our watch.
            self._take(done, source, watch if pool is not None else None, stored=True)
        elif latest is not None and done.pool is not None and done.pool != latest.pool:
            self._publish(replace(latest, pool=done.pool))

    async def _tick_forever(self, source: LiveSource, hands: Hands, watch: MemoryWatch) -> None:
        loop = asyncio.get_running_loop()
        grid = Grid(loop.time())
        asked = False
        while True:
            began_s = loop.time()
            lag_s = grid.begin(began_s, source.interval_s)
            told = self._journal.news() if self._journal is not None else None
            if told is None:
                sample = await source.gather(lag_s=lag_s, fresh=asked)
                self._take(self._seen.complete(watch.complete(hands.complete(sample))), source, watch)
            else:
                self._read_along(told, hands, watch, await source.pool(), source)
            asked = await self._asked_within(grid.wait_s(loop.time()))
            if asked:
                await asyncio.sleep(max(0.0, NUDGED_S - (loop.time() - began_s)))
            self._nudge.clear()

    async def _asked_within(self, limit_s: float) -> bool:
        """Wait for the next tick; True when it was asked for before it was due."""
        try:
            async with asyncio.timeout(limit_s):
                await self._nudge.wait()
        except TimeoutError:
            return False
        return True

    def _take(self, sample: Sample, source: LiveSource, watch: MemoryWatch | None, *, stored: bool = False) -> None:
        """Record a Sample, step, publish. A bug in any of these costs what it was to do, and no more.

        `watch` judges what it means; None: it is not for it. `stored`: another monitor has recorded it already.
        """
        journal = self._journal
        if journal is not None and not stored:
            sample = self._with_told(journal, sample)
        for record in self._recorders:
            try:
                record(sample)
            except Exception as error:
                self._faults.note("recording", error)
        before = self._latest
        heard = fold(self._unjudged, sample, MAX_EVENTS)
        try:
            snapshot = self._step(before, heard)
        except Exception as error:
            self._faults.note("judging a sample", error)
            self.fault = f"{type(error).__name__}: {error}"
            self._unjudged = heard
            self._store(sample, None, stored)
            return
        self.fault = self._unjudged = None
        self._store(sample, snapshot, stored)
        if journal is not None:
            snapshot = _recorded(snapshot, journal)
        if before is not None and before.run.name != snapshot.run.name:
            source.tell_all()
        self._publish(snapshot)
        self._deliver(before, snapshot)
        if watch is not None:
            self._judge(watch, snapshot)

    def _deliver(self, before: Snapshot | None, snapshot: Snapshot) -> None:
        """Tell the sinks what is new of the alerts; what fired before we came is not."""
        found = alert_transitions(before.alerts if before is not None else (), snapshot.alerts)
        for sink in self._sinks if found else ():
            try:
                sink.deliver(found, snapshot)
            except Exception as error:
                self._faults.note("telling alerts", error)

    def _judge(self, watch: MemoryWatch, snapshot: Snapshot) -> None:
        try:
            watch.judge(snapshot)
        except Exception as error:
            self._faults.note("the memory watch", error)

    def _with_told(self, journal: Journal, sample: Sample) -> Sample:
        """Add what other monitors did, and what happened to the recording."""
        try:
            events, run = journal.take_told()
        except Exception as error:
            self._faults.note("recording", error)
            return sample
        now_t = sample.t
        # Their clocks are ours, but they acted a moment before we looked.
        events = tuple(replace(event, t=min(event.t, now_t)) for event in events)
        return replace(sample, events=(*sample.events, *events), run=sample.run or run)

    def _store(self, sample: Sample, snapshot: Snapshot | None, stored: bool) -> None:
        if self._journal is None or stored:
            return
        try:
            self._journal.record(sample, snapshot)
        except Exception as error:
            self._faults.note("recording", error)

    def _publish(self, snapshot: Snapshot) -> None:
        with self._published:
            self._latest = snapshot
            self._published.notify_all()
        self._wake_all()

    def _wake_all(self) -> None:
        for wake, part in tuple(self._wakers):
            try:
                wake()
            except Exception as error:
                self._faults.note(part, error)


def _recorded(snapshot: Snapshot, journal: Journal) -> Snapshot:
    return replace(snapshot, recording=journal.recording, recorded_by=journal.writer)


def _is_told_from_the_start(told: tuple[Sample, ...], latest: Snapshot) -> bool:
    """Tell whether this is what we know already, from its beginning: its times are those of its writer's clock."""
    return bool(told) and told[0].run is not None and told[0].t <= latest.t
