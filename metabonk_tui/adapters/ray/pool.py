"""Launches, resizes and stops a pool whose workers run with detached Ray actors, one each.

Acts only on actors of this namespace whose name has the pool's token, as listed at a look just before. Does not: act
without the pool's role, touch an actor that the plan keeps, or start or stop a cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Collection

from msgspec.structs import asdict, replace

from metabonk_tui.adapters.env_file.source import EnvFileError
from metabonk_tui.adapters.pools.placed_pool import PlacedPool
from metabonk_tui.adapters.ray.actors import Actor, Record
from metabonk_tui.adapters.ray.node_link import node_link
from metabonk_tui.adapters.ray.sidecar_process import Sidecar, SidecarError, sidecar_command, sidecar_environment
from metabonk_tui.adapters.ray.spec import RaySpec
from metabonk_tui.adapters.ray.watch import RayWatch
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.pool import Launch, Plan, PlanSource, Resize, Restart, Stop
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.ports.cluster import PlacedLink
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_masked
from metabonk_tui.core.text.phrases import count_of

START_LIMIT_S = 60.0


class RayPool(PlacedPool[Actor, Record]):
    """The pool of `[pool.ray]`."""

    name, noun, created, kill_word = "ray", "actor", "actors created", "ray.kill"
    last_answer = "Ray last answered"
    look_every_s = 0.5
    waits_s = 12.0
    """A node that has accepted an actor starts a process first, which takes some seconds. Ray says nothing of that."""
    kill_wait_s = 30.0
    """An actor vanishes in a second; one whose node died, when Ray notices that: after some 15 s."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        controller_lock: ControllerRole,
        read_only: bool = False,
        sidecar: Sidecar | None = None,
    ) -> None:
        self._config, self._spec = config, RaySpec(config)
        self._sidecar = sidecar or Sidecar(sidecar_command(config), sidecar_environment(config))
        self._actors = RayWatch(self._sidecar, clock, config.clock.startup_grace_s)
        super().__init__(config, clock, controller_lock, read_only, self._actors)
        self._first_record = Record(uuid.uuid4().hex)
        """What the cluster will keep of a new pool: the plan that is shown names its token already."""

    def link(self, node: HostName, job_id: int, slots: tuple[int, ...]) -> PlacedLink:
        """Make the link to an agent beside an actor; nothing is started before its first read."""
        name = next((actor.name for actor in self._actors.jobs.values() if actor.number == job_id), "")
        return node_link(self._config, self._sidecar, node, name, job_id, slots)

    async def aclose(self) -> None:
        """Release the pool's role and end the sidecar. The actors go on."""
        self._lock.release()
        await asyncio.to_thread(self._sidecar.close)

    def _strangers(self) -> tuple[str, ...]:
        return tuple(
            f"not ours, left alone: actor {name} is in the namespace and has another name"
            for name in self._actors.strangers[:4]
        )

    def _commands(self, ending: Collection[Actor], start: Collection[int]) -> list[tuple[str, ...]]:
        commands: list[tuple[str, ...]] = []
        if waiting := [actor.label for actor in ending if actor.waits]:
            commands.append(("ray.kill", *waiting))
        if running := [actor.label for actor in ending if not actor.waits]:
            commands += [("SIGTERM", *running), ("ray.kill", *running)]
        if start:
            commands.append(self._spec.start_text(f"w{slot}.{self._actors.start_of(slot)}" for slot in start))
        return commands

    def _source(self) -> tuple[PlanSource, tuple[str, ...]] | str:
        spec, sourced = self._spec, self._spec.sourced()
        if isinstance(sourced, EnvFileError):
            return f"env file: {sourced.text}"
        file = str(spec.env_file) if spec.env_file is not None else None
        return PlanSource(str(spec.directory), file, sourced.count), ()

    def _note_intent(self, plan: Plan) -> str:
        record, action = self._actors.record or self._first_record, plan.action
        if isinstance(action, Launch | Resize | Restart):
            record = replace(record, workers=action.workers)
        elif isinstance(action, Stop):
            record = replace(record, workers=None, launched_at=None)
        try:
            self._write(record)
        except SidecarError as error:
            return str(error)
        return ""

    def _write(self, record: Record) -> None:
        """Write the record into the cluster. Raises SidecarError."""
        self._sidecar.ask("record", record=asdict(record))
        self._actors.record = record

    def _create(self, slots: Collection[int], plan: Plan) -> tuple[str, str]:
        """Create one actor for each slot."""
        sourced, record, began_at = self._spec.sourced(), self._actors.record, time.time()
        if isinstance(sourced, EnvFileError) or record is None:
            return "", f"env file: {sourced.text}" if isinstance(sourced, EnvFileError) else "the pool has no record"
        starts = {slot: self._actors.start_of(slot) for slot in slots}
        try:
            self._sidecar.ask("start", START_LIMIT_S, **self._spec.start(record, starts, sourced))
        except SidecarError as error:
            return "", str(error)
        if plan.begins_run:
            # Without it the run begins when the action has ended.
            with contextlib.suppress(SidecarError):
                self._write(replace(record, launched_at=began_at))
        return count_of(len(slots), "actor"), ""

    def _order_end(self, jobs: Collection[Actor], *, soft: bool) -> str:
        try:
            self._sidecar.ask("ask_to_end" if soft else "kill", names=[actor.name for actor in jobs])
        except SidecarError as error:
            return str(error)
        return ""

    def _tail(self, job: Actor) -> tuple[str, ...] | None:
        """Return the end of the log of a worker, as its actor sent it."""
        if job.end is None or not job.end.tail:
            return None
        return tuple(clean_masked(line) for line in job.end.tail.splitlines()[-12:])
