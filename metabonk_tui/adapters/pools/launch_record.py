"""Stores the last launch of a pool, so that a later monitor can take the pool over.

Does not: check the record against the running processes.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from metabonk_tui.adapters.files.private import write_private_json


@dataclass(frozen=True, slots=True)
class LaunchRecord:
    """The last launch by a monitor of this user. Times are real Unix seconds."""

    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Constant per pool: survivors of any earlier launch carry the same token."""
    workers: int | None = None
    launched_at: float | None = None
    launcher_pid: int | None = None
    launcher_started_at: float | None = None
    boot_id: str = ""
    ready_s: float | None = None
    """Seconds until every worker answered."""
    hours: float | None = None
    """Planned length in hours; None: a short validation run."""
    override: str = ""
    """The operator's reason for overriding the interlock."""
    overridden: tuple[str, ...] = ()
    """The interlock items that failed at the launch."""


_OPTIONAL_KEYS = frozenset({"hours", "override", "overridden"})
"""Keys that records of earlier versions lack."""


class RecordFile:
    """The record of one pool on disk, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        """Why the last read failed, as text for the operator."""

    def read(self) -> LaunchRecord | None:
        """Read the record. Returns None for a missing file, or for a bad one, which sets `problem`."""
        try:
            tree = json.loads(self.path.read_text(encoding="utf-8"))
            record = LaunchRecord(
                **{key: tree[key] for key in LaunchRecord.__dataclass_fields__ if key not in _OPTIONAL_KEYS}
            )
            override, items = str(tree.get("override", "")), tuple(str(item) for item in tree.get("overridden", ()))
            record = replace(record, hours=tree.get("hours"), override=override, overridden=items)
            if not isinstance(record.token, str) or not record.token:
                raise ValueError("no token")
            for number in (record.workers, record.launcher_pid):
                if not isinstance(number, int | None):
                    raise TypeError("not a whole number")
            for seconds in (record.launched_at, record.launcher_started_at, record.ready_s, record.hours):
                if not isinstance(seconds, int | float | None):
                    raise TypeError("not a number")
        except FileNotFoundError:
            self.problem = ""
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.problem = f"the record of the last launch cannot be read ({self.path}): {error}"
            return None
        self.problem = ""
        return record

    def write(self, record: LaunchRecord) -> None:
        """Replace the record atomically. Raises OSError."""
        write_private_json(self.path, asdict(record))


def boot_id() -> str:
    """Return the kernel's boot id; "" when unreadable. Pids and start times are comparable only within one boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
