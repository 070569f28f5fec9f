"""Records one pool: one monitor writes, the others follow it and take over when it ends.

Recording is best effort: a disk error is reported once and retried, and never stops the monitor.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from metabonk_tui.adapters.files.kind import may_exist
from metabonk_tui.adapters.files.private import ForeignFile
from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.adapters.store import checkpoint, retention, run_directory
from metabonk_tui.adapters.store.errors import error_text, is_broken, is_disk_error, set_aside
from metabonk_tui.adapters.store.follower import Follower, decode_inbox
from metabonk_tui.adapters.store.last_run import begins_recording, is_settled, load_last
from metabonk_tui.adapters.store.restore import load_past
from metabonk_tui.adapters.store.run_file import Cache
from metabonk_tui.adapters.store.run_identity import RunIdentity, boot_t, elapsed_s, pool_name
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import RunWriter
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.sample import Event, RunHeader, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Snapshot
from metabonk_tui.core.ports.live import Clock, ClockReading
from metabonk_tui.core.recordings.restore import RecordedPast
from metabonk_tui.core.step.hourly import hour_event, hour_of
from metabonk_tui.core.step.merge import merge_samples
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
RETRY_S = 30.0
"""Real seconds before a retry after an error."""
SWITCH_CHECK_S = 2.0
"""Real seconds between two searches for the writer's file."""
SILENT_S = 10.0
"""Real seconds without a write (and at least five intervals) after which a follower polls the workers itself."""
TIDY_S = 300.0
"""Real seconds between two runs of the retention."""


class StoreJournal:
    """Writes the runs of one pool, or follows their writer."""

    def __init__(self, folder: Path, config: Config, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        """Prepare without any I/O on the recordings. `now` counts real seconds."""
        self._folder = folder
        self._config = config
        self._clock = clock
        self._now = now
        self._pool = pool_name(config.pool.host, config.pool.base_port)
        self._lock = PoolLock(folder / f"{self._pool.replace(':', '_').replace('/', '_')}.writer")
        self._identity = RunIdentity(self._pool, boot_id(), boot_t())
        self._key = checkpoint.key(config)
        self._run_writer: RunWriter | None = None
        self._run = ""
        """The name of the run in the open file."""
        self._path: Path | None = None
        """The run's file, also while writing fails."""
        self._follower: Follower | None = None
        self._waiting: Sample | None = None
        """Samples merged while no run exists or writing fails."""
        self._hour = 0
        self._has_looked = False
        """Whether this monitor searched for a run to continue after it got the lock."""
        self._pending_events: list[Event] = []
        self._inbox_to = 0
        self._problem = ""
        self._stored_t: float | None = None
        self._retry_s = self._switch_check_s = self._tidy_s = 0.0
        self._writer_seen_s = now()
        self._recording: bool | None = None

    @property
    def recording(self) -> bool | None:
        """Whether this or another monitor stored the last Sample; None: no run yet."""
        return self._recording

    @property
    def writer(self) -> str:
        """Describe the other monitor that writes; "" when this monitor writes."""
        return "" if self._lock.held else self._lock.holder()

    def begin(self, processes: Iterable[ProcessReading]) -> RecordedPast | None:
        """Continue the recorded run of these processes. Returns its past, or None without one."""
        path: Path | None = None
        try:
            # A monitor that may not lock here may not write here either: `record` reports it at the first sample.
            is_ours = self._try_lock()
            self._identity = replace(self._identity, workers=self._identity.workers_of(processes))
            path = self._newest()
            if path is None and not is_ours and self._lock.holder():
                # The pool is gone, but another monitor still records its run: both must show the same.
                path = run_directory.find_written(self._folder, self._identity, SILENT_S)
            self._has_looked = is_ours
            if path is None:
                return None
            self._path = path if is_ours else None
            with Recording(path) as recording:
                meta, seq = recording.meta, recording.newest_seq
                self._continue_clock(meta)
                self._recover(meta)
            past = load_past(path, seq, self._key, self._interval_s)
            if is_ours:
                self._run_writer = RunWriter(path, self._config)
            else:
                self._follower = Follower(path, seq)
        except run_directory.UNREADABLE as error:
            self._fail(error, path if self._lock.held else None)
            if not is_disk_error(error):
                # A retry would fail again on a damaged file: the run continues in another file.
                self._run, self._path = "", None
            return None
        return past

    def last(self) -> RecordedPast | None:
        """Return the past of the pool's newest run, which no visible process belongs to; None: there is none.

        What is seen of its end is recorded as well, if the run is of this boot and this monitor writes.
        """
        last = load_last(self._folder, self._pool, self._key, self._interval_s)
        if last is not None and self._identity.is_of_pool(last.meta):
            self._continue_clock(last.meta)
            if self._lock.held:
                self._recover(last.meta)
                self._path = last.path
        return None if last is None else last.past

    def read_new(self) -> tuple[Sample, ...] | None:
        """Return the writer's new samples. None: poll the workers; this monitor writes, or the writer is silent."""
        if self._lock.held and self._has_looked:
            return None
        now_s = self._now()
        try:
            is_ours = self._try_lock() if now_s >= self._retry_s else False
            fresh = self._follower.read_new() if self._follower is not None else ()
            if is_ours:
                return self._take_over(fresh)
            if not fresh and now_s >= self._switch_check_s:
                self._switch_check_s = now_s + SWITCH_CHECK_S
                fresh = self._switch()
        except run_directory.UNREADABLE as error:
            self._fail(error, None)
            self._has_looked = self._lock.held and (self._path is not None or not is_disk_error(error))
            return None
        if fresh:
            self._writer_seen_s, self._recording = now_s, True
        silent_s = max(SILENT_S, 5 * (self._config.observe.interval_s or 5.0))
        if self._follower is None or now_s - self._writer_seen_s > silent_s:
            self._recording = None if self._follower is None else False
            return None
        return fresh

    def submit(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        """Submit our events to the monitor that writes. Returns False without a writer or on an error."""
        return self._follower is not None and self._follower.submit(events, run)

    def take_submitted(self) -> tuple[tuple[Event, ...], RunHeader | None]:
        """Return the events and run header that other monitors submitted, with our recorder events."""
        events, run, self._pending_events = self._pending_events, None, []
        if self._run_writer is not None:
            try:
                for number, documents in self._run_writer.file.inbox():
                    if number > self._inbox_to:
                        self._inbox_to = number
                        more, began = decode_inbox(documents)
                        events.extend(more)
                        run = began or run
            except run_directory.UNREADABLE as error:
                self._fail(error, self._path)
        return tuple(events), run

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        """Store a Sample. An error is reported as an event and the Sample is merged into the next."""
        if (not self._lock.held and self._follower is not None) or is_settled(sample, snapshot):
            return
        merged = merge_samples(self._waiting, sample, MAX_EVENTS)
        if not (self._lock.held and self._has_looked) and not self._retry_lock():
            self._identity = self._identity.seen(sample.processes, self._clock.real)
            self._waiting = merged
            return
        try:
            if snapshot is not None:
                self._switch_writer(sample, snapshot)
            if self._run_writer is None:
                self._waiting, self._recording = merged, False if self._problem else None
                return
            self._write(self._run_writer, merged, snapshot)
        except run_directory.UNREADABLE as error:
            self._waiting = merged
            self._fail(error, self._path)
            return
        if self._problem:
            self._emit_recovery(sample.t)
        self._waiting, self._recording, self._stored_t = None, True, sample.t
        self._tidy(self._run_writer)

    def close(self) -> None:
        """Finish the recording, close the files and release the lock."""
        try:
            if self._run_writer is not None:
                self._run_writer.finish()
        except run_directory.UNREADABLE as error:
            LOG.error("the recording could not be closed: %s", error)
        finally:
            self._run_writer = None
            if self._follower is not None:
                self._follower.close()
                self._follower = None
            self._lock.release()

    # Finding the run

    def _try_lock(self) -> bool:
        run_directory.make_folder(self._folder)
        return self._lock.try_acquire()

    def _retry_lock(self) -> bool:
        """Retry the lock. Returns whether this monitor may write; a new lock waits for the search of `read_new`."""
        if self._now() < self._retry_s:
            self._recording = False
            return False
        try:
            if self._try_lock() and self._has_looked:
                return True
            self._recording = None
        except OSError as error:
            self._fail(error, None)
        return False

    def _newest(self) -> Path | None:
        broken: list[tuple[Path, Exception]] = []
        now_s = elapsed_s(self._clock)
        while (found := run_directory.find_run(self._folder, self._identity, now_s, broken)) is not None:
            if not self._lock.held or not run_directory.is_empty(found):
                break
            retention.remove(found)
            LOG.info("removed %s: it has no sample", found.name)
        for path, error in broken:
            if isinstance(error, ForeignFile):
                self._emit("warn", f"{path.name} is not continued: {error_text(error)}", {})
            elif self._lock.held and is_broken(error):
                self._emit("warn", f"{path.name} cannot be read: {error_text(error)}{self._set_aside(path)}", {})
        return found

    def _continue_clock(self, meta: Any) -> None:
        self._clock.continue_from(ClockReading(**meta["clock"]))

    def _recover(self, meta: Any) -> None:
        """Restore the previous writer's state."""
        self._run = meta.get("summary", {}).get("run", "")
        workers = self._identity.recorded_workers(meta)
        self._identity = replace(self._identity, workers=workers)
        self._hour = int(meta.get("hour", 0))

    def _take_over(self, fresh: tuple[Sample, ...]) -> tuple[Sample, ...] | None:
        """Become the writer of this run. Returns what this monitor has not seen of its recording."""
        if self._follower is not None and run_directory.is_empty(self._follower.path):
            self._follower.close()
            self._follower = None
        if self._follower is None:
            # The writer may have ended before this monitor found its file.
            path = self._newest()
            if path is not None:
                self._follow(path)
                fresh = self._follower.read_new() if self._follower is not None else ()
        self._has_looked = True
        follower, self._follower = self._follower, None
        if follower is not None:
            self._path = follower.path
            follower.close()
            with Recording(self._path) as recording:
                self._recover(recording.meta)
            self._run_writer = RunWriter(self._path, self._config)
            LOG.info("recording goes on with us: %s", self._path.name)
        return fresh or None

    def _follow(self, path: Path) -> None:
        """Follow a recording from its start, on its clock."""
        with run_directory.open_own(path) as recording:
            self._continue_clock(recording.meta)
        if self._follower is not None:
            self._follower.close()
        # The recording replaces what this monitor saw so far of the same run.
        self._follower, self._waiting = Follower(path), None

    def _switch(self) -> tuple[Sample, ...]:
        """Follow the pool's newest run when the writer has started another one."""
        path = run_directory.find_written(self._folder, self._identity, SILENT_S)
        if path is None or (self._follower is not None and path == self._follower.path):
            return ()
        self._follow(path)
        return self._follower.read_new() if self._follower is not None else ()

    # Writing

    def _switch_writer(self, sample: Sample, snapshot: Snapshot) -> None:
        """Open a new file when a run begins, but not before a worker is visible or was launched."""
        same = snapshot.run.name == self._run
        if self._run_writer is not None and same:
            return
        if self._run_writer is not None:
            # New samples no longer belong to the ended run, even without a worker.
            run_writer, self._run_writer = self._run_writer, None
            run_writer.finish((sample, snapshot))
        is_over = snapshot.verdict.ended is not None and same and self._path is not None
        if not (begins_recording(sample, snapshot) or is_over) or self._now() < self._retry_s:
            return
        run_directory.make_folder(self._folder)
        if not same or self._path is None or not may_exist(self._path):
            self._path = run_directory.free_name(self._folder, snapshot.run.name)
            self._hour, self._inbox_to = hour_of(snapshot), 0
            self._identity = replace(self._identity, workers=frozenset())
        self._run_writer = RunWriter(self._path, self._config, self._identity_meta(sample))
        self._run = snapshot.run.name
        LOG.info("recording %s", self._path.name)

    def _write(self, run_writer: RunWriter, sample: Sample, snapshot: Snapshot | None) -> None:
        cache: Cache | None = None
        if snapshot is not None and run_writer.file.is_full:
            cache = self._checkpoint(snapshot, run_writer.file.seq + 1)
        unstored_from_t = self._stored_t if self._problem else None
        run_writer.add(sample, snapshot, self._identity_meta(sample), cache, self._inbox_to, unstored_from_t)
        # This tick deleted the processed inbox entries, so SQLite may reuse ids from 1.
        self._inbox_to = 0
        if snapshot is not None and hour_of(snapshot) > self._hour:
            self._hour = hour_of(snapshot)
            event = hour_event(snapshot)
            LOG.info("%s: %s", self._run, event.text)
            self._pending_events.append(event)

    def _checkpoint(self, snapshot: Snapshot, seq: int) -> Cache | None:
        try:
            return checkpoint.NAME, self._key, checkpoint.pack(snapshot, seq)
        except ValueError as error:
            LOG.warning("no checkpoint of sample %d: %s", seq, error)
            return None

    def _identity_meta(self, sample: Sample) -> dict[str, Any]:
        """Return the meta entries that identify the run to a later monitor."""
        self._identity = self._identity.seen(sample.processes, self._clock.real)
        return {**self._identity.meta(), "clock": asdict(self._clock.reading()), "hour": self._hour}

    def _tidy(self, run_writer: RunWriter) -> None:
        """Run the retention every 300 s. An error in it does not stop the recording."""
        now_s = self._now()
        if now_s < self._tidy_s:
            return
        self._tidy_s = now_s + TIDY_S
        try:
            for message in retention.tidy(
                self._folder, retention.limits(self._config), time.time(), live=(run_writer.path,)
            ):
                LOG.info("%s", message)
        except run_directory.UNREADABLE as error:
            LOG.warning("old recordings could not be tidied up: %s", error)

    @property
    def _interval_s(self) -> float:
        return (self._config.observe.interval_s or 5.0) * max(1.0, self._clock.speed)

    # Trouble

    def _fail(self, error: Exception, path: Path | None) -> None:
        """Report a problem once, set a broken file aside, and schedule a retry."""
        self._recording = False
        self._retry_s = self._now() + RETRY_S
        if self._run_writer is not None:
            self._run_writer.close()
            self._run_writer = None
        problem = clean_text(error_text(error))
        aside = self._set_aside(path) if path is not None and is_broken(error) else ""
        if problem != self._problem:
            self._problem = problem
            LOG.error("recording failed", exc_info=error)
            self._emit("warn", f"not recorded: {problem}{aside}; trying again every {RETRY_S:g} s", {})

    def _set_aside(self, path: Path) -> str:
        done = set_aside(path)
        self._retry_s = self._retry_s if may_exist(path) else 0.0
        return done

    def _emit_recovery(self, t: float) -> None:
        """Emit that recording resumed, with the length of the gap."""
        self._problem, from_t = "", self._stored_t
        missing = "" if from_t is None else f"; nothing was stored for {t - from_t:.0f} s"
        self._emit("ok", f"recording again{missing}", {"from": from_t, "to": t} if missing else {})

    def _emit(self, severity: Severity, text: str, facts: Mapping[str, object]) -> None:
        self._pending_events.append(Event(self._clock.now(), EventKind.RECORDER_ERROR, severity, text, facts=facts))
