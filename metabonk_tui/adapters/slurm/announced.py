"""Writes and reads where the worker of a job is: one small file a slot in the pool's shared folder.

A worker writes it just before it becomes the worker, so pid and start are those of the worker. Does not: say that
the worker still runs; Slurm and the agent of its node do.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from msgspec import Struct

from metabonk_tui.adapters.files.private import read_private, write_private_json

MOST_BYTES = 4096


class Announced(Struct, frozen=True):
    """Where one worker is. The start in ticks and the boot id make the pid unique."""

    slot: int
    host: str
    port: int
    pid: int
    start_ticks: int
    boot_id: str
    job_id: int
    restarts: int
    token: str


def announced_file(folder: Path, slot: int) -> Path:
    return folder / "workers" / f"w{slot}.json"


def write_announced(folder: Path, found: Announced) -> None:
    """Replace the file of a slot atomically. Raises OSError."""
    write_private_json(announced_file(folder, found.slot), msgspec.structs.asdict(found))


def read_announced(folder: Path, slot: int, token: str, job_id: int, restarts: int) -> Announced | None:
    """Return where the worker of this start of a job is; None: it has not written that yet."""
    try:
        found = msgspec.convert(json.loads(read_private(announced_file(folder, slot), MOST_BYTES)), Announced)
    except (OSError, ValueError, RecursionError):
        return None
    is_this = (found.slot, found.token, found.job_id, found.restarts) == (slot, token, job_id, restarts)
    return found if is_this else None
