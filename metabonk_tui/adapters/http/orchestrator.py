"""Reads the orchestrator's /workers: pid, port and episode of each slot.

Does not: check that the answer is current. Heartbeats come every 5 s, and a dead worker stays listed for 20 s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.process.roles import MAX_SLOTS, slot_of_port
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadStatus, OrchestratorReading, OrchestratorWorker, WorkerStatus
from metabonk_tui.core.status.decode import decode_json, number, text

_INSTANCE = re.compile(r"omega-(\d{1,4})")
_MAX_BODY_BYTES = 32 * 1024 * 1024
"""/workers contains every worker's heartbeat twice: 64 workers need almost 1 MB, 1024 workers 16 MB."""


class OrchestratorClient:
    """Reads one orchestrator through a shared client."""

    def __init__(self, client: StatusClient, url: str, base_port: int) -> None:
        self._client = client
        self._url = url.rstrip("/") + "/workers"
        self._base_port = base_port

    async def read(self) -> OrchestratorReading:
        """Send one request; a failure is in `error`."""
        body, _ = await self._client.fetch(self._url, _MAX_BODY_BYTES)
        return OrchestratorReading(error=body.error) if isinstance(body, BadStatus) else parse(body, self._base_port)


def parse(body: bytes, base_port: int) -> OrchestratorReading:
    """Decode an answer of /workers, without the workers of other pools."""
    document = decode_json(body)
    if isinstance(document, BadStatus):
        return OrchestratorReading(error=document.error)
    listed = document.get("workers") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return OrchestratorReading(error="not an object")
    workers: dict[WorkerRef, OrchestratorWorker] = {}
    for entry in listed:
        worker = _worker(entry, base_port) if isinstance(entry, dict) else None
        if worker is None:
            continue
        other = workers.get(worker.ref)
        # After a respawn two entries may have the same slot: the newest heartbeat counts.
        if other is None or (worker.last_seen_t or 0.0) >= (other.last_seen_t or 0.0):
            workers[worker.ref] = worker
    return OrchestratorReading(workers)


def _worker(entry: Mapping[str, Any], base_port: int) -> OrchestratorWorker | None:
    heartbeat = WorkerStatus(entry)
    port = _whole(heartbeat, "port", 1)
    slot = _instance_slot(heartbeat) if port is None else slot_of_port(port, base_port)
    if slot is None:
        return None
    last_seen = number(heartbeat, "last_seen_ts", minimum=0.0)
    return OrchestratorWorker(
        ref=WorkerRef(slot=slot),
        pid=_whole(heartbeat, "worker_pid", 1),
        port=port if port is not None else base_port + slot,
        episode=_whole(heartbeat, "episode_idx", 0),
        step_age_s=number(heartbeat, "step_age_s", minimum=0.0).value,
        last_seen_t=last_seen.value if last_seen.value is not None else number(heartbeat, "ts", minimum=0.0).value,
        last_frame_t=number(heartbeat, "stream_last_frame_ts", minimum=0.0).value,
    )


def _instance_slot(heartbeat: WorkerStatus) -> int | None:
    found = _INSTANCE.fullmatch(text(heartbeat, "instance_id") or "")
    return int(found[1]) if found and int(found[1]) < MAX_SLOTS else None


def _whole(heartbeat: WorkerStatus, name: str, minimum: int) -> int | None:
    value = number(heartbeat, name, minimum=minimum).value
    return int(value) if value is not None and value.is_integer() else None
