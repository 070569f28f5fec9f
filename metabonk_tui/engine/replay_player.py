"""Plays a recording: the Monitor that a screen sees, over the past, and the Transport that walks through it.

It has no hands: nothing that acts is behind it. Reads, steps and plays on a thread of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import NamedTuple

from metabonk_tui.core.launch.preflight import PreflightView
from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.recordings import Reel
from metabonk_tui.core.recordings.playback import Playback, marks_of
from metabonk_tui.core.recordings.seek import Find, Moment, Shift, Target, find, words
from metabonk_tui.engine.operations import refusal
from metabonk_tui.engine.replay_index import Step, Trail

LOG = logging.getLogger(__name__)
STOP_LIMIT_S = 10.0
SLICE_S = 0.02
"""So long is read in one go; then somebody may have pressed a key."""
FRAME_S = 0.1
"""Playing, a new picture this often."""
NO_HANDS = "replay: there is nothing to act on"


class Order(NamedTuple):
    """What somebody wants of it."""

    carry_out: Callable[[], None]
    from_here: bool
    """It counts from where it stands, so it waits until it stands where it was to begin."""


class Player:
    """Implements `core.ports.Monitor` and `core.past_ports.Transport` over a reel."""

    def __init__(
        self,
        reel: Reel,
        step: Step,
        *,
        zone: tzinfo = UTC,
        at: Target | None = None,
        playing: bool = True,
        speed: float = 60.0,
        now: Callable[[], float] = time.monotonic,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to begin `at` a place, or at the start; `speed` is how many times faster than it was.

        `done` is called when nothing is read any more.
        """
        self._reel = reel
        self._trail = Trail(reel, step)
        self._zone = zone
        self._now = now
        self._done = done
        self._speed = speed
        self._playing = playing
        self._sought = at
        self._arrived = at is None
        """It stands where it was to begin; before that there is nothing to show."""
        self._note = ""
        self._t: float | None = None
        self._played_s = self._published_s = now()
        self._told = marks_of(reel.told)
        self._bell = threading.Condition()
        self._orders: list[Order] = []
        self._ending = False
        self._latest: Snapshot | None = None
        self._playback: Playback | None = None
        self._wakers: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._main, name="player", daemon=True)
        self.fault: str | None = None
        """The bug of ours because of which it stands still; None: none."""

    # Any thread

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End, within a few seconds."""
        with self._bell:
            self._ending = True
            self._bell.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_LIMIT_S)

    def latest(self) -> Snapshot | None:
        """Return the Snapshot where it stands; None before the first."""
        return self._latest

    def playback(self) -> Playback | None:
        """Say how it stands; None: nothing was read yet."""
        return self._playback

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the player's thread whenever it stands otherwise; it must return at once."""
        self._wakers.append(wake)

    def step(self, samples: int) -> None:
        """Go so many samples on, or back when negative."""
        self._order(lambda: self._go_samples(samples), from_here=True)

    def seek(self, target: Target) -> None:
        """Go to a place; where it was not read yet, as soon as it is."""
        self._order(lambda: self._go(target), from_here=isinstance(target, Shift | Find))

    def play(self) -> None:
        """Play on, or stand still when it plays; from the end, from the start."""
        self._order(self._toggle, from_here=True)

    def plan(self, action: Action) -> Plan:
        """Refuse: what is shown is gone."""
        return refusal(action, NO_HANDS)

    def submit(self, plan: Plan) -> None:
        """Do nothing."""

    def arm(self, on: bool, by: str, dry_run: bool = False) -> None:
        """Do nothing."""

    def acknowledge(self, ids: tuple[str, ...], by: str) -> None:
        """Do nothing: who saw it then is part of the past."""

    def start_preflight(self, workers: int) -> None:
        """Do nothing."""

    def preflight(self) -> PreflightView | None:
        """Say that none can be made here."""
        return None

    def poll_now(self) -> None:
        """Do nothing."""

    def _order(self, carry_out: Callable[[], None], *, from_here: bool) -> None:
        with self._bell:
            self._orders.append(Order(carry_out, from_here))
            self._bell.notify()

    # The player's own thread

    def _main(self) -> None:
        try:
            while self._turn():
                self._wait()
        except Exception as error:
            LOG.exception("the player ended")
            self.fault = f"{type(error).__name__}: {error}"
            self._wake_all()
        finally:
            self._done()

    def _turn(self) -> bool:
        with self._bell:
            if self._ending:
                return False
            # Whoever was quicker than the first sample is heard when it is there.
            orders = [] if self._t is None else [one for one in self._orders if self._arrived or not one.from_here]
            self._orders = [one for one in self._orders if one not in orders]
        self._trail.read(SLICE_S)
        if len(self._trail):
            self._t = self._trail.time(0) if self._t is None else self._t
            for order in orders:
                order.carry_out()
            self._settle()
            self._play_on()
            self._publish(at_once=bool(orders))
        return True

    def _wait(self) -> None:
        with self._bell:
            heard = self._orders and self._t is not None
            if self._trail.whole and not self._ending and not heard:
                self._bell.wait(FRAME_S if self._playing else None)

    @property
    def _at(self) -> float:
        return self._trail.time(0) if self._t is None else self._t

    @property
    def _read_to_t(self) -> float:
        return self._trail.time(len(self._trail) - 1)

    def _toggle(self) -> None:
        self._note, self._sought = "", None
        self._playing = not self._playing
        self._played_s = self._now()
        if self._playing and self._trail.whole and self._at >= self._read_to_t:
            self._t = self._trail.time(0)

    def _go_samples(self, samples: int) -> None:
        self._note, self._sought, self._playing = "", None, False
        place = self._trail.place(self._at) + samples
        self._t = self._trail.time(min(max(place, 0), len(self._trail) - 1))

    def _go(self, target: Target) -> None:
        self._note, self._sought, self._playing = "", target, False
        if isinstance(target, Shift):
            # From here, and not from wherever it stands when that is read.
            self._sought = Moment(self._beyond_gap(self._at + target.s, forward=target.s > 0))

    def _beyond_gap(self, t: float, *, forward: bool) -> float:
        """Come out of a gap at its other side: there is nothing to see in it."""
        gap = self._state().gap_at(t)
        if gap is None:
            return t
        return gap.to_t if forward else gap.from_t

    def _settle(self) -> None:
        """Go where somebody wants to go, once that is read."""
        if self._sought is None:
            self._arrived = True
            return
        found = find(self._sought, self._state(), self._zone)
        if isinstance(found, str):
            self._sought, self._note = None, found
        elif found is None and self._trail.whole:
            self._sought, self._note = None, "that is not in this recording"
        elif found is not None and (found <= self._read_to_t or self._trail.whole):
            self._sought = None
            self._t = min(max(found, self._trail.time(0)), self._read_to_t)
        self._arrived = self._arrived or self._sought is None

    def _play_on(self) -> None:
        now_s = self._now()
        passed_s, self._played_s = now_s - self._played_s, now_s
        if not self._playing or self._sought is not None:
            return
        self._t = min(self._beyond_gap(self._at + passed_s * self._speed, forward=True), self._read_to_t)
        if self._trail.whole and self._t >= self._read_to_t:
            self._playing = False

    def _state(self) -> Playback:
        chronicle, read_to_t = self._trail.landmarks, self._read_to_t
        told = tuple(mark for mark in self._told if mark.t > read_to_t)
        whole = self._trail.whole
        playback = Playback(
            t=self._at,
            from_t=self._trail.time(0),
            read_to_t=read_to_t,
            ends_t=read_to_t if whole else self._reel.ends_t,
            whole=whole,
            playing=self._playing,
            speed=self._speed,
            sample_t=self._trail.time(self._trail.place(self._at)) if self._arrived else None,
            note=self._note,
            runs=tuple(chronicle.runs),
            marks=(*chronicle.marks, *told),
            gaps=tuple(chronicle.gaps),
            unread=self._reel.unread,
        )
        return playback if self._sought is None else replace(playback, sought=words(self._sought, playback))

    def _publish(self, *, at_once: bool) -> None:
        """Show where it stands: at once when somebody asked, else now and then."""
        now_s = self._now()
        state, before = self._state(), self._playback
        turned = before is None or (before.whole, before.playing, before.sought) != (
            state.whole,
            state.playing,
            state.sought,
        )
        if not at_once and not turned and now_s - self._published_s < FRAME_S:
            return
        snapshot = self._trail.at(self._trail.place(self._at)) if self._arrived else None
        if state == before and snapshot is self._latest:
            return
        self._published_s = now_s
        self._latest, self._playback = snapshot, state
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in tuple(self._wakers):
            wake()
