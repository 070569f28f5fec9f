"""The recording of one pool: one monitor writes, every other one reads along and takes over when it ends.

History is best effort: whatever the disk does is told once and tried again later, and never stops the looking.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from metabonk_tui.adapters.pools.launch_record import boot_id
from metabonk_tui.adapters.process.spawn import make_private_directory
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.adapters.store import checkpoint as kept_snapshot
from metabonk_tui.adapters.store import retention
from metabonk_tui.adapters.store import run_directory as shelf
from metabonk_tui.adapters.store.errors import is_broken, is_of_the_disk, said, set_aside
from metabonk_tui.adapters.store.follower import Along, told
from metabonk_tui.adapters.store.restore import past_of
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_file import Cache
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.run_writer import Page
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.levels import Severity
from metabonk_tui.core.model.sample import Event, ProcessReading, RunHeader, Sample
from metabonk_tui.core.model.snapshot import MAX_EVENTS, Snapshot
from metabonk_tui.core.ports.live import Clock, ClockReading
from metabonk_tui.core.recordings.restore import Past
from metabonk_tui.core.step.hourly import hour_event, hour_of
from metabonk_tui.core.step.merge import fold
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
AGAIN_S = 30.0
"""Real seconds until what failed is tried again."""
LOOK_S = 2.0
"""Real seconds between two looks for the file of who writes."""
SILENT_S = 10.0
"""A writer that has written nothing for so long, and for five intervals, is not waited for: we look ourselves."""
TIDY_S = 300.0
"""Real seconds between two looks at what is too old or too much."""
UNSEEN_S = 3600.0
"""A run whose processes cannot be seen goes on if its last sample is not older than this."""
LAUNCHED = "launched by us"
"""How a run began that is one before any worker of it is seen."""


class StoreJournal:
    """Writes the runs of one pool, or reads them along."""

    def __init__(self, folder: Path, config: Config, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        """Prepare; nothing is touched yet. `now` counts real seconds."""
        self._folder = folder
        self._config = config
        self._clock = clock
        self._now = now
        self._pool = f"{config.pool.host}:{config.pool.base_port}"
        self._lock = PoolLock(folder / f"{self._pool.replace(':', '_').replace('/', '_')}.writer")
        self._boot = boot_id()
        self._key = kept_snapshot.key(config)
        self._page: Page | None = None
        self._run = ""
        """The run that the page is of."""
        self._path: Path | None = None
        """Where the run stands, also while it cannot be written."""
        self._along: Along | None = None
        self._waiting: Sample | None = None
        """What was told before there was a run, or while nothing could be written."""
        self._hour = 0
        self._workers: frozenset[shelf.Worker] = frozenset()
        self._happened: list[Event] = []
        self._inbox_to = 0
        self._trouble = ""
        self._stored_t: float | None = None
        self._again_s = 0.0
        self._look_s = 0.0
        self._tidy_s = 0.0
        self._heard_s = now()
        self._recording: bool | None = None

    @property
    def recording(self) -> bool | None:
        """Whether the last Sample was stored, by us or by who stores them; None: there is no run yet."""
        return self._recording

    @property
    def writer(self) -> str:
        """Say who writes, when it is not us; for people."""
        return "" if self._lock.held else self._lock.holder()

    def begin(self, there: Iterable[ProcessReading]) -> Past | None:
        """Go on with the run of these processes, if it was recorded."""
        path: Path | None = None
        try:
            # Who is not allowed to lock here is not allowed to write here either: that is told at the first sample.
            mine = self._try_lock()
            path = self._newest(there)
            if path is None:
                return None
            self._path = path if mine else None
            with Recording(path) as one:
                meta, seq = one.meta, one.newest_seq
                self._go_on(meta)
                self._recover(meta)
            past = past_of(path, seq, self._key, self._interval_s)
            if mine:
                self._page = Page(path, self._config)
            else:
                self._along = Along(path, seq)
        except UNREADABLE as error:
            self._fail(error, path if self._lock.held else None)
            if not is_of_the_disk(error):
                # It is damaged, and will be at the next try: the run goes on in another file.
                self._run, self._path = "", None
            return None
        return past

    def news(self) -> tuple[Sample, ...] | None:
        """Return what another monitor has stored since; None: there is none, or it is silent, so look yourself."""
        if self._lock.held:
            return None
        now_s = self._now()
        try:
            mine = self._try_lock() if now_s >= self._again_s else False
            fresh = self._along.news() if self._along is not None else ()
            if mine:
                return self._take_over(fresh)
            if not fresh and now_s >= self._look_s:
                self._look_s = now_s + LOOK_S
                fresh = self._switch()
        except UNREADABLE as error:
            self._fail(error, None)
            return None
        if fresh:
            self._heard_s, self._recording = now_s, True
        if self._along is None or now_s - self._heard_s > max(SILENT_S, 5 * self._interval_s):
            self._recording = None if self._along is None else False
            return None
        return fresh

    def tell(self, events: tuple[Event, ...], run: RunHeader | None) -> bool:
        """Hand what we did to the monitor that writes."""
        return self._along is not None and self._along.tell(events, run)

    def take_told(self) -> tuple[tuple[Event, ...], RunHeader | None]:
        """Return what other monitors did, and what happened to the recording, since the last time."""
        events, run = self._happened, None
        self._happened = []
        if self._page is not None:
            try:
                for number, documents in self._page.file.inbox():
                    if number > self._inbox_to:
                        self._inbox_to = number
                        more, began = told(documents)
                        events.extend(more)
                        run = began or run
            except UNREADABLE as error:
                self._fail(error, self._path)
        return tuple(events), run

    def record(self, sample: Sample, snapshot: Snapshot | None) -> None:
        """Store a Sample; what cannot be stored is told."""
        if not self._lock.held and self._along is not None:
            return
        told = fold(self._waiting, sample, MAX_EVENTS)
        if not self._lock.held and not self._locked_late():
            self._waiting = told if self._recording is False else None
            return
        try:
            if snapshot is not None:
                self._turn_page(sample, snapshot)
            if self._page is None:
                self._waiting, self._recording = told, False if self._trouble else None
                return
            self._write(self._page, told, snapshot)
        except UNREADABLE as error:
            self._waiting = told
            self._fail(error, self._path)
            return
        if self._trouble:
            self._tell_again(sample.t)
        self._waiting, self._recording, self._stored_t = None, True, sample.t
        self._tidy(self._page)

    def close(self) -> None:
        """Let go of the recording, complete as it is."""
        try:
            if self._page is not None:
                self._page.finish()
        except UNREADABLE as error:
            LOG.error("the recording could not be closed: %s", error)
        finally:
            self._page = None
            if self._along is not None:
                self._along.close()
                self._along = None
            self._lock.release()

    # Finding the run

    def _try_lock(self) -> bool:
        make_private_directory(self._folder)
        return self._lock.try_acquire()

    def _locked_late(self) -> bool:
        """Try for the lock where that failed before; True when it is ours now."""
        if self._now() < self._again_s:
            self._recording = False
            return False
        try:
            if self._try_lock():
                return True
            self._recording = None
        except OSError as error:
            self._fail(error, None)
        return False

    def _newest(self, there: Iterable[ProcessReading]) -> Path | None:
        sought = shelf.Sought(self._pool, self._boot, shelf.workers_of(there))
        broken: list[tuple[Path, Exception]] = []
        found = shelf.find_run(self._folder, sought, time.time() - UNSEEN_S, broken)
        for path, error in broken:
            if self._lock.held and is_broken(error):
                self._tell("warn", f"{path.name} cannot be read: {said(error)}{self._set_aside(path)}", {})
        return found

    def _go_on(self, meta: Any) -> None:
        self._clock.go_on(ClockReading(**meta["clock"]))

    def _recover(self, meta: Any) -> None:
        """Know again what the writer before us knew."""
        self._run = meta.get("summary", {}).get("run", "")
        self._workers = frozenset((int(pid), float(at)) for pid, at in meta.get("workers", ()))
        self._hour = int(meta.get("hour", 0))

    def _take_over(self, fresh: tuple[Sample, ...]) -> tuple[Sample, ...] | None:
        """Write on where the one before us ended."""
        along, self._along = self._along, None
        if along is not None:
            with Recording(along.path) as one:
                self._recover(one.meta)
            along.close()
            self._path = along.path
            self._page = Page(along.path, self._config)
            LOG.info("recording goes on with us: %s", along.path.name)
        return fresh or None

    def _switch(self) -> tuple[Sample, ...]:
        """Turn to the newest run of the pool, when another one has begun."""
        for path in shelf.paths(self._folder)[:3]:
            if self._along is not None and path == self._along.path:
                return ()
            with Recording(path) as one:
                meta = one.meta
            if meta.get("pool") != self._pool or meta.get("boot_id") != self._boot:
                continue
            if time.time() - shelf.written_t(path) > SILENT_S:
                return ()
            if self._along is not None:
                self._along.close()
            self._along = Along(path)
            self._go_on(meta)
            return self._along.news()
        return ()

    # Writing

    def _turn_page(self, sample: Sample, snapshot: Snapshot) -> None:
        """Begin another page where another run begins; there is none before anything is there, or was launched."""
        same = snapshot.run.name == self._run
        if self._page is not None and same:
            return
        if self._page is not None:
            # What comes now is not of the run that ended, whether or not anything is there yet.
            page, self._page = self._page, None
            page.finish((sample, snapshot))
        someone = any(seen.status is not None or seen.pid is not None for seen in sample.workers.values())
        if not (someone or snapshot.run.how == LAUNCHED) or self._now() < self._again_s:
            return
        make_private_directory(self._folder)
        if not same or self._path is None or not self._path.exists():
            self._path = shelf.free_name(self._folder, snapshot.run.name)
            self._hour, self._inbox_to, self._workers = hour_of(snapshot), 0, frozenset()
        self._page = Page(self._path, self._config)
        self._run = snapshot.run.name
        LOG.info("recording %s", self._path.name)

    def _write(self, page: Page, sample: Sample, snapshot: Snapshot | None) -> None:
        cache: Cache | None = None
        if snapshot is not None and page.file.is_full:
            cache = (kept_snapshot.NAME, self._key, kept_snapshot.pack(snapshot, page.file.seq + 1))
        page.add(sample, snapshot, self._whose(sample), cache, self._inbox_to)
        # What was taken out of the inbox is gone with this tick, and the numbers begin anew.
        self._inbox_to = 0
        if snapshot is not None and hour_of(snapshot) > self._hour:
            self._hour = hour_of(snapshot)
            event = hour_event(snapshot)
            LOG.info("%s: %s", self._run, event.text)
            self._happened.append(event)

    def _whose(self, sample: Sample) -> dict[str, Any]:
        """Say by what the run is found again."""
        if sample.processes:
            real = self._clock.real
            seen = [p if p.started_at is None else replace(p, started_at=real(p.started_at)) for p in sample.processes]
            workers = frozenset((pid, round(at, 1)) for pid, at in shelf.workers_of(seen))
            self._workers = workers or self._workers
        return {
            "pool": self._pool,
            "boot_id": self._boot,
            "clock": asdict(self._clock.reading()),
            "workers": sorted(self._workers),
            "hour": self._hour,
        }

    def _tidy(self, page: Page) -> None:
        """Make room now and then; where that fails the recording goes on all the same."""
        now_s = self._now()
        if now_s < self._tidy_s:
            return
        self._tidy_s = now_s + TIDY_S
        try:
            for gone in retention.tidy(self._folder, retention.limits(self._config), time.time(), live=(page.path,)):
                LOG.info("%s", gone)
        except UNREADABLE as error:
            LOG.warning("old recordings could not be tidied up: %s", error)

    @property
    def _interval_s(self) -> float:
        return (self._config.observe.interval_s or 5.0) * max(1.0, self._clock.speed)

    # Trouble

    def _fail(self, error: Exception, path: Path | None) -> None:
        """Tell once what is wrong, put a broken file aside, and try again later."""
        self._recording = False
        self._again_s = self._now() + AGAIN_S
        if self._page is not None:
            self._page.close()
            self._page = None
        words = clean_text(said(error))
        aside = self._set_aside(path) if path is not None and is_broken(error) else ""
        if words != self._trouble:
            self._trouble = words
            LOG.error("recording failed", exc_info=error)
            self._tell("warn", f"not recorded: {words}{aside}; trying again every {AGAIN_S:g} s", {})

    def _set_aside(self, path: Path) -> str:
        done = set_aside(path)
        self._again_s = self._again_s if path.exists() else 0.0
        return done

    def _tell_again(self, t: float) -> None:
        """Say that it is stored again, and what is missing."""
        self._trouble, from_t = "", self._stored_t
        missing = "" if from_t is None else f"; nothing was stored for {t - from_t:.0f} s"
        self._tell("ok", f"recording again{missing}", {"from": from_t, "to": t} if missing else {})

    def _tell(self, severity: Severity, text: str, facts: Mapping[str, object]) -> None:
        self._happened.append(Event(self._clock.now(), "recorder.error", severity, text, facts=facts))
