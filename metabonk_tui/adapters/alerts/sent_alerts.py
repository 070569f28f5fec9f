"""Remembers across monitors which alerts of the present run the hook was called for. Does not: call it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from metabonk_tui.adapters.files.private import write_private_json
from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.core.model.alert import Alert

LOG = logging.getLogger(__name__)


class SentAlerts:
    """The firing alerts of one pool's run that were sent, in a file; an unreadable file counts as empty."""

    def __init__(self, path: Path | None) -> None:
        """Read nothing yet; without a path nothing is remembered after this process."""
        self._path = path
        self._run = ""
        self._ids: set[str] = set()

    def unsent(self, run: str, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
        """Return the firing alerts of a run that were not sent, without those that a person has seen."""
        self._load(run)
        return tuple(
            alert
            for alert in alerts
            if alert.state == "firing" and alert.acknowledged is None and alert.id not in self._ids
        )

    def note(self, run: str, alert_id: str, *, fires: bool) -> None:
        """Remember that the hook was called for an alert that fires, or that has ended."""
        self._load(run)
        if fires:
            self._ids.add(alert_id)
        else:
            self._ids.discard(alert_id)
        try:
            if self._path is not None:
                write_private_json(self._path, {"run": run, "firing": sorted(self._ids)})
        except OSError as error:
            LOG.warning("which alerts were sent is not stored: %s", error)

    def _load(self, run: str) -> None:
        if run == self._run:
            return
        self._run, self._ids = run, set()
        try:
            tree = json.loads(read_small_text(self._path)) if self._path is not None else {}
            if tree.get("run") == run:
                self._ids = {one for one in tree["firing"] if isinstance(one, str)}
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            LOG.warning("which alerts were sent cannot be read: %s", error)
