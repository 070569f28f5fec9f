"""Follows the live run while no key is pressed, and says what changed since. Does not: draw it, or open a dialog.

A tick costs a comparison; a key costs one pass over the workers.
"""

from __future__ import annotations

from metabonk_tui.core.model.absence import Absence, AbsenceTrack, Look
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.ports.live import LookStore
from metabonk_tui.core.run import looks

AWAY_S = 600.0
"""Seconds without a key after which the operator was away."""
GLANCE_S = 60.0
"""A shorter pause does not replace the absence that is shown on request."""
STORE_EVERY_S = 60.0
FIRST_SNAPSHOTS = 3
"""In so many Snapshots the absence since an earlier monitor is looked for."""


class AbsenceWatch:
    """The look at the last key, and what happened since."""

    def __init__(self, store: LookStore | None = None) -> None:
        """Begin with the look of an earlier monitor, if `store` has one."""
        self._store = store
        self._earlier: Look | None = store.read() if store is not None else None
        self._opened = 0
        """Snapshots in which the absence since the earlier monitor was looked for."""
        self._newest: Snapshot | None = None
        self._track: AbsenceTrack | None = None
        self._before_key: AbsenceTrack | None = None
        """The track that the newest key ended: the key that asks must not hide what it asks for."""
        self._key_s: float | None = None
        self._stored_s: float | None = None
        self._last: Absence | None = None
        """The last absence of at least a minute."""

    def update(self, snapshot: Snapshot | None, at_s: float | None = None) -> Absence | None:
        """Take in the newest live Snapshot. With one of the first, return the absence since an earlier monitor."""
        before, self._newest = self._newest, snapshot or self._newest
        if snapshot is None or snapshot is before:
            return None
        if self._track is None or before is None:
            self._track = looks.begin(looks.look_at(snapshot), snapshot)
        else:
            self._track = looks.observe(self._track, before, snapshot)
        return None if self._earlier is None else self._since_earlier(self._earlier, snapshot)

    def _since_earlier(self, earlier: Look, snapshot: Snapshot) -> Absence | None:
        """Return the absence since an earlier monitor; None: not known yet, or it was short.

        The first Snapshot is the newest recorded one, so its time may be that of the look.
        """
        self._opened += 1
        if self._opened >= FIRST_SNAPSHOTS or earlier.run != snapshot.run.name:
            self._earlier = None
        if earlier.run != snapshot.run.name or snapshot.t - earlier.t < AWAY_S:
            return None
        self._earlier = None
        self._track = looks.begin(earlier, snapshot)
        return _since(self._track, snapshot)

    def press(self, at_s: float) -> None:
        """Note a key at a time (seconds, monotonic)."""
        self._before_key, snapshot, self._earlier = self._track, self._newest, None
        if snapshot is not None and self._track is not None:
            if snapshot.t - self._track.look.t >= GLANCE_S:
                self._last = _since(self._track, snapshot)
            self._track = looks.begin(looks.look_at(snapshot), snapshot)
            if self._store is not None and (self._stored_s is None or at_s - self._stored_s >= STORE_EVERY_S):
                self._stored_s = at_s
                self._store.write(self._track.look)
        self._key_s = at_s

    def leave(self) -> None:
        """Store the look for the next monitor: closing the program is a look, too."""
        if self._store is not None and self._newest is not None:
            self._store.write(looks.look_at(self._newest))

    def on_focus(self, at_s: float) -> Absence | None:
        """Return what changed since the last key, if that was long ago; None: the operator was not away."""
        if self._key_s is None:
            self._key_s = at_s
        if at_s - self._key_s < AWAY_S or self._track is None or self._newest is None:
            return None
        # One absence is shown once, however often the window gets the focus.
        self._key_s = at_s
        return _since(self._track, self._newest)

    def on_request(self) -> Absence | None:
        """Return what changed before the key that asks: since the last key, or in the last absence."""
        track, newest = self._before_key, self._newest
        if track is None or newest is None:
            return self._last
        if newest.t - track.look.t < GLANCE_S and self._last is not None:
            return self._last
        return _since(track, newest)


def _since(track: AbsenceTrack, snapshot: Snapshot) -> Absence:
    from metabonk_tui.core.report.absence import absence  # the first picture needs none of it

    return absence(track, snapshot)
