"""Plays a recording: serves screens as a Monitor of the past, with controls to seek and play.

Reads, steps and plays on its own thread. Does not: act on a pool.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import NamedTuple

from msgspec.structs import replace

from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.pool import Action, Plan, RoleRequest
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import SeekableRecording
from metabonk_tui.core.recordings.playback import Playback, marks_of
from metabonk_tui.core.recordings.seek import EventMoment, FindMark, SeekTarget, Shift, describe_target, find
from metabonk_tui.engine.operations import refusal
from metabonk_tui.engine.replay_far import FarWindow
from metabonk_tui.engine.replay_index import ReplayIndex, ReplayStep

LOG = logging.getLogger(__name__)
STOP_LIMIT_S = 10.0
SLICE_S = 0.02
"""Seconds of reading at a time; between two slices the player answers keys."""
FRAME_S = 0.1
"""Seconds between two published Snapshots while playing."""
READ_ONLY_REASON = "replay: there is nothing to act on"


class ReplayRequest(NamedTuple):
    """One command of the operator."""

    carry_out: Callable[[], None]
    from_here: bool
    """Relative to the current place, so it waits until the player has reached its start place."""


class ReplayPlayer:
    """Implements the ports `Monitor` and `ReplayControls` over a recording."""

    def __init__(
        self,
        recording: SeekableRecording,
        step: ReplayStep,
        *,
        zone: tzinfo = UTC,
        at: SeekTarget | None = None,
        playing: bool = True,
        speed: float = 60.0,
        now: Callable[[], float] = time.monotonic,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to begin `at` a place, or at the start; `speed`: recorded seconds per real second.

        `done` is called when the player's thread ends.
        """
        self._recording = recording
        self._index = ReplayIndex(recording, step)
        self._far = FarWindow(recording, step)
        self._zone = zone
        self._now = now
        self._done = done
        self._speed = speed
        self._playing = playing
        self._target = at
        self._has_arrived = at is None
        """Whether the start place is reached; before that there is no Snapshot to show."""
        self._note = ""
        self._t: float | None = None
        self._played_s = self._published_s = now()
        self._known_marks = marks_of(recording.known_events)
        self._wakeup = threading.Condition()
        self._requests: list[ReplayRequest] = []
        self._ending = False
        self._latest: Snapshot | None = None
        self._playback: Playback | None = None
        self._wakers: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._main, name="player", daemon=True)
        self.fault: str | None = None
        """The bug that ended the player's thread, for people; None: no bug."""

    # Any thread

    def start(self) -> None:
        """Start the player's thread."""
        self._thread.start()

    def stop(self) -> None:
        """End, within a few seconds."""
        with self._wakeup:
            self._ending = True
            self._wakeup.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_LIMIT_S)

    def latest(self) -> Snapshot | None:
        """Return the Snapshot of the current place; None before the first."""
        return self._latest

    def playback(self) -> Playback | None:
        """Return the state of the playback; None: nothing is read yet."""
        return self._playback

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the player's thread at every change; it must return at once."""
        self._wakers.append(wake)

    def step(self, samples: int) -> None:
        """Go `samples` samples forward, or back if negative, and pause."""
        self._enqueue(lambda: self._go_samples(samples), from_here=True)

    def seek(self, target: SeekTarget) -> None:
        """Pause and go to a place, as soon as the recording is read up to it."""
        self._enqueue(lambda: self._go_to(target), from_here=isinstance(target, Shift | FindMark))

    def play(self) -> None:
        """Toggle between playing and paused; at the end, play from the start."""
        self._enqueue(self._toggle, from_here=True)

    def plan(self, action: Action) -> Plan:
        """Refuse every action: a recording has no pool."""
        return refusal(action, READ_ONLY_REASON)

    def submit(self, plan: Plan) -> None:
        """Do nothing."""

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        """Do nothing."""

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        """Do nothing: a recording keeps the acknowledgements of its time."""

    def ask_gate_again(self, by: str) -> None:
        """Do nothing: a recording keeps the gate of its time."""

    def start_preflight(self, workers: int) -> None:
        """Do nothing."""

    def preflight(self) -> PreflightView | None:
        """Return None: a recording has no preflight."""
        return None

    def role_request(self) -> RoleRequest | None:
        """Return None: a recording controls no pool."""
        return None

    def answer_role(self, number: int, yes: bool) -> None:
        """Do nothing."""

    def poll_every(self, interval_s: float) -> None:
        """Do nothing: a recording has its own interval."""

    def poll_now(self) -> None:
        """Do nothing."""

    def _enqueue(self, carry_out: Callable[[], None], *, from_here: bool) -> None:
        with self._wakeup:
            self._requests.append(ReplayRequest(carry_out, from_here))
            self._wakeup.notify()

    # The player's own thread

    def _main(self) -> None:
        try:
            while self._run_once():
                self._wait()
        except Exception as error:
            LOG.exception("the player ended")
            self.fault = f"{type(error).__name__}: {error}"
            self._wake_all()
        finally:
            self._done()

    def _run_once(self) -> bool:
        with self._wakeup:
            if self._ending:
                return False
            # Commands that arrive before the first sample wait for it.
            requests = (
                []
                if self._t is None
                else [request for request in self._requests if self._has_arrived or not request.from_here]
            )
            self._requests = [request for request in self._requests if request not in requests]
        self._index.read(SLICE_S)
        if len(self._index):
            self._t = self._index.time(0) if self._t is None else self._t
            for request in requests:
                request.carry_out()
            self._resolve_target()
            self._advance()
            self._publish(at_once=bool(requests))
        return True

    def _wait(self) -> None:
        with self._wakeup:
            has_request = self._requests and self._t is not None
            if self._index.whole and not self._ending and not has_request:
                self._wakeup.wait(FRAME_S if self._playing else None)

    @property
    def _at(self) -> float:
        return self._index.time(0) if self._t is None else self._t

    @property
    def _read_to_t(self) -> float:
        return self._index.time(len(self._index) - 1)

    def _toggle(self) -> None:
        self._note, self._target = "", None
        self._playing = not self._playing
        self._played_s = self._now()
        if self._playing and self._index.whole and self._at >= self._read_to_t:
            self._t = self._index.time(0)

    def _go_samples(self, samples: int) -> None:
        self._note, self._target, self._playing = "", None, False
        if self._is_far:
            self._t = self._far.shifted(self._at, samples, self._index.newest_number) or self._at
            return
        place = self._index.place(self._at) + samples
        self._t = self._index.time(min(max(place, 0), len(self._index) - 1))

    def _go_to(self, target: SeekTarget) -> None:
        self._note, self._target, self._playing = "", target, False
        if isinstance(target, Shift):
            # Relative to the place at the time of the key, not at the time when the target is read.
            self._target = EventMoment(self._skip_gap(self._at + target.s, forward=target.s > 0))

    def _skip_gap(self, t: float, *, forward: bool) -> float:
        """Return the far side of the gap around `t`, else `t`: a gap has nothing to show."""
        gap = self._state().gap_at(t)
        if gap is None:
            return t
        return gap.to_t if forward else gap.from_t

    def _resolve_target(self) -> None:
        """Go to the target once it is read; give up with a note if the recording does not contain it."""
        if self._target is None:
            self._has_arrived = True
            return
        found = find(self._target, self._state(), self._zone)
        if isinstance(found, str):
            self._target, self._note = None, found
        elif found is None and self._index.whole:
            self._target, self._note = None, "that is not in this recording"
        elif found is not None and self._is_kept(found):
            self._target, self._t = None, found
        elif found is not None and (found <= self._read_to_t or self._index.whole):
            self._target = None
            self._t = min(max(found, self._index.time(0)), self._read_to_t)
        self._has_arrived = self._has_arrived or self._target is None

    @property
    def _is_far(self) -> bool:
        """Whether the place is shown before the samples up to it are read."""
        return not self._index.whole and self._at > self._read_to_t

    def _is_kept(self, t: float) -> bool:
        """Return whether an unread place can be shown now, from a Snapshot that the recording keeps."""
        is_ahead = not self._index.whole and t > self._read_to_t
        return is_ahead and self._far.at(t, self._index.newest_number) is not None

    def _shown(self) -> Snapshot:
        if self._is_far:
            snapshot = self._far.at(self._at, self._index.newest_number)
            if snapshot is not None:
                return snapshot
        return self._index.at(self._index.place(self._at))

    @property
    def _sample_t(self) -> float:
        return self._shown().t if self._is_far else self._index.time(self._index.place(self._at))

    def _advance(self) -> None:
        now_s = self._now()
        passed_s, self._played_s = now_s - self._played_s, now_s
        if not self._playing or self._target is not None:
            return
        ends_t = (self._recording.ends_t if self._is_far else None) or self._read_to_t
        self._t = min(self._skip_gap(self._at + passed_s * self._speed, forward=True), ends_t)
        if self._index.whole and self._t >= self._read_to_t:
            self._playing = False

    def _state(self) -> Playback:
        collected, read_to_t = self._index.mark_collector, self._read_to_t
        unread_marks = tuple(mark for mark in self._known_marks if mark.t > read_to_t)
        whole = self._index.whole
        playback = Playback(
            t=self._at,
            from_t=self._index.time(0),
            read_to_t=read_to_t,
            ends_t=read_to_t if whole else self._recording.ends_t,
            whole=whole,
            playing=self._playing,
            speed=self._speed,
            sample_t=self._sample_t if self._has_arrived else None,
            note=self._note,
            runs=tuple(collected.runs),
            marks=(*collected.marks, *unread_marks),
            gaps=tuple(collected.gaps),
            unread=self._recording.unread,
        )
        return (
            playback if self._target is None else replace(playback, seek_text=describe_target(self._target, playback))
        )

    def _publish(self, *, at_once: bool) -> None:
        """Publish the current place: at once after a command, else every `FRAME_S`."""
        now_s = self._now()
        snapshot = self._shown() if self._has_arrived else None
        state, before = self._state(), self._playback
        has_changed = before is None or (before.whole, before.playing, before.seek_text) != (
            state.whole,
            state.playing,
            state.seek_text,
        )
        if not at_once and not has_changed and now_s - self._published_s < FRAME_S:
            return
        if state == before and snapshot is self._latest:
            return
        self._published_s = now_s
        self._latest, self._playback = snapshot, state
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in tuple(self._wakers):
            wake()
