"""Stores the last launch of a pool, so that a later monitor can take the pool over.

Refuses a record that another user owns or may write: it names what a stop signals. Does not: signal a process.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from metabonk_tui.adapters.files.private import ForeignFile, read_private, write_private_json
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.adapters.process.sockets import answering, listen_sockets, owned_links
from metabonk_tui.adapters.process.tree import descendants, processes_with_token
from metabonk_tui.core.model.refs import ProcessRef

MAX_BYTES = 1 << 16


class LaunchRecord(Struct, frozen=True):
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
    host: str = ""
    """The host in its one spelling; "" in records of earlier versions, which were named by the port alone."""
    cgroup: str | None = None
    """The cgroup v2 that was made for the pool, as a path in the hierarchy; None: the pool has none of its own."""


_OPTIONAL_KEYS = frozenset({"hours", "override", "overridden", "host", "cgroup"})
"""Keys that records of earlier versions lack."""


class RecordFile:
    """The record of one pool on disk, which only its owner may read and write.

    `other` is a name under which another spelling of the host, or an earlier version, wrote the record of this pool.
    It counts only without a record at `path`, and only if `reaches` is True for it: the launched processes listen
    where our host and port lead. A record at `path` that names no host counts unless `reaches` is False.
    """

    def __init__(
        self,
        path: Path,
        other: Path | None = None,
        reaches: Callable[[LaunchRecord], bool | None] = lambda record: None,
    ) -> None:
        self.path = path
        self._other = other
        self._reaches = reaches
        self.problem = ""
        """Why the last read failed, as text for the operator."""

    def read(self) -> LaunchRecord | None:
        """Read the record. Returns None for a missing file, or for a bad one, which sets `problem`."""
        self.problem = ""
        for path in (self.path, self._other):
            if path is None or not os.path.lexists(path):
                continue
            try:
                record = _decode(read_private(path, MAX_BYTES))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                reason = error.strerror if isinstance(error, ForeignFile) else error
                self.problem = f"the record of the last launch cannot be read ({path}): {reason}"
                return None
            if path == self.path:
                return record if record.host or self._reaches(record) is not False else None
            return record if self._reaches(record) else None
        return None

    def write(self, record: LaunchRecord) -> None:
        """Replace the record atomically. Raises OSError."""
        write_private_json(self.path, asdict(record))


def record_file(spec: LaunchSpec, proc: Proc) -> RecordFile:
    """Return the record of a pool, wherever an earlier version or another spelling of its host left it."""
    return RecordFile(
        spec.record_path,
        spec.old_record_path if spec.old_record_path != spec.record_path else None,
        lambda record: _reaches(record, spec, proc),
    )


def _reaches(record: LaunchRecord, spec: LaunchSpec, proc: Proc) -> bool | None:
    """Return whether what was launched listens where host and port lead; None: it listens nowhere near, or is gone."""
    roots = {stat.pid for stat in processes_with_token(proc, record.token)}
    if record.launcher_pid is not None and record.boot_id == boot_id():
        stat = proc.stat(record.launcher_pid)
        named = ProcessRef(record.launcher_pid, record.launcher_started_at or 0.0)
        if stat is not None and stat.ref.same_as(named, other_reader=True):
            roots.add(stat.pid)
    ports = range(spec.base_port, spec.base_port + max(record.workers or 1, 1))
    sockets = {socket.link: socket for socket in listen_sockets() if socket.port in ports}
    reached = {
        socket.link for found in answering(spec.canonical_host, ports, sockets.values()).values() for socket in found
    }
    family = roots | {stat.pid for stat in descendants(proc, roots)}
    links = {link for pid in family for link in owned_links(pid, sockets)}
    return bool(links & reached) if links else None


def _decode(text: bytes) -> LaunchRecord:
    """Decode a record. Raises ValueError, KeyError, TypeError, AttributeError or RecursionError."""
    tree = json.loads(text)
    record = LaunchRecord(**{key: tree[key] for key in LaunchRecord.__struct_fields__ if key not in _OPTIONAL_KEYS})
    items = tuple(str(item) for item in tree.get("overridden", ()))
    record = replace(
        record,
        hours=tree.get("hours"),
        override=str(tree.get("override", "")),
        overridden=items,
        host=str(tree.get("host", "")),
        cgroup=tree.get("cgroup"),
    )
    if not isinstance(record.token, str) or not record.token:
        raise ValueError("no token")
    if not isinstance(record.cgroup, str | None):
        raise TypeError("not a path")
    for number in (record.workers, record.launcher_pid):
        if not isinstance(number, int | None):
            raise TypeError("not a whole number")
    for seconds in (record.launched_at, record.launcher_started_at, record.ready_s, record.hours):
        if not isinstance(seconds, int | float | None):
            raise TypeError("not a number")
    return record


def boot_id() -> str:
    """Return the kernel's boot id; "" when unreadable. Pids and start times are comparable only within one boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
