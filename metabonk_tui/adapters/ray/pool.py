"""Launches, resizes and stops a pool whose workers run with detached Ray actors, one each.

Acts only on actors of this namespace whose name has the pool's token, as listed at a look just before. Does not: act
without the pool's role, touch an actor that the plan keeps, or start or stop a cluster.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping

from msgspec.structs import asdict, replace

from metabonk_tui.adapters.env_file.source import EnvFileError
from metabonk_tui.adapters.pools.placed_pool import (
    BUSY,
    PlacedPool,
    placed_plan,
    refused,
    slots_to_start,
    title_of,
    why_stale,
)
from metabonk_tui.adapters.pools.plan import NOTHING_OURS
from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.ray.acting import CREATED, PLACED, steps_of
from metabonk_tui.adapters.ray.actors import Actor, Record, state_text
from metabonk_tui.adapters.ray.ending import Ending
from metabonk_tui.adapters.ray.node_link import RayNodeLink
from metabonk_tui.adapters.ray.sidecar_process import Sidecar, SidecarError, sidecar_command, sidecar_environment
from metabonk_tui.adapters.ray.spec import RaySpec
from metabonk_tui.adapters.ray.watch import RayWatch
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ExitReading
from metabonk_tui.core.model.pool import (
    Action,
    Launch,
    Plan,
    PlanSource,
    Resize,
    Restart,
    Stop,
    StopWorker,
    TargetProcess,
)
from metabonk_tui.core.model.refs import HostName, WorkerRef
from metabonk_tui.core.model.sample import Event, Operation, PoolReading
from metabonk_tui.core.ports.cluster import NodePlace
from metabonk_tui.core.ports.live import Clock
from metabonk_tui.core.text.clean import clean_masked
from metabonk_tui.core.text.phrases import count_of, cut_list

LOOK_EVERY_S = 0.5
"""Real seconds between two looks during an action of ours."""
WAITS_S = 12.0
"""An actor that has waited so long is reported as waiting, and the action ends.

A node that has just accepted it starts a process first, which takes some seconds, and Ray says nothing of that."""


class RayPool(PlacedPool):
    """The pool of `[pool.ray]`. Attaching starts nothing in the cluster, detaching stops nothing there."""

    name = "ray"

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        controller_lock: ControllerRole,
        read_only: bool = False,
        sidecar: Sidecar | None = None,
    ) -> None:
        super().__init__(clock, controller_lock, read_only)
        self._config, self._spec = config, RaySpec(config)
        self._sidecar = sidecar or Sidecar(sidecar_command(config), sidecar_environment(config))
        self._watch = RayWatch(self._sidecar, clock, config.clock.startup_grace_s)
        self._first_record = Record(uuid.uuid4().hex)
        """What the cluster will keep of a new pool: the plan that is shown names its token already."""

    # What the cluster says (`Cluster`)

    @property
    def desired(self) -> int | None:
        """How many workers are wanted; None: the pool was stopped, or never launched."""
        return self._watch.desired

    def places(self) -> Mapping[HostName, NodePlace]:
        return self._watch.places()

    def link(self, node: HostName, job_id: int, slots: tuple[int, ...]) -> RayNodeLink:
        """Make the link to an agent beside an actor; nothing is started before its first read."""
        name = next((actor.name for actor in self._watch.actors.values() if actor.number == job_id), "")
        return RayNodeLink(self._config, self._sidecar, node, name, job_id, slots)

    def take_events(self) -> tuple[Event, ...]:
        return self._watch.take_events()

    def take_exits(self) -> Mapping[HostName, tuple[ExitReading, ...]]:
        return self._watch.take_exits()

    # The pool (`PoolBackend`)

    async def read(self) -> PoolReading:
        """Return what Ray said last; ask it again every 2 s. Takes the role of a controller that has ended."""
        if not self._busy:
            await asyncio.to_thread(self._watch.look_if_due)
        controls, lock_problem = self._try_control()
        watch = self._watch
        problem = lock_problem or watch.problem
        if watch.problem and watch.looked_s is not None:
            problem = f"Ray last answered {time.monotonic() - watch.looked_s:.0f} s ago: {watch.problem}"
        holder = "" if controls else self._lock.holder()
        return PoolReading(
            backend=self.name,
            desired=watch.desired,
            launched_by_us=bool(watch.living()),
            controller="us" if controls else "other" if holder else "none",
            holder=holder,
            read_only=self._read_only,
            operation=self._operation,
            problem=problem,
            placed=True,
            waiting=watch.waiting(),
        )

    def plan(self, action: Action, pool: PoolReading) -> Plan:
        """Plan an action on the actors as Ray lists them now; blocks for the time of one look."""
        why = BUSY if self._busy else self._cannot_act() or self._watch.look()
        if why:
            return refused(action, why)
        living = self._watch.living()
        warnings = tuple(
            f"not ours, left alone: actor {name} is in the namespace and has another name"
            for name in self._watch.strangers[:4]
        )
        match action:
            case Launch() if living:
                return refused(action, f"{count_of(len(living), 'actor')} of this pool run or wait already: resize it")
            case Launch(workers=workers):
                return self._planned(action, (), range(workers), warnings)
            case Resize(workers=workers):
                over = [actor for slot, actor in living.items() if slot >= workers]
                return self._planned(action, over, [slot for slot in range(workers) if slot not in living], warnings)
            case Restart(workers=workers):
                return self._planned(action, list(living.values()), range(workers), warnings)
            case Stop() if not living and self._watch.desired is None:
                seen = "no actor of this pool was found: none runs and none waits"
                return Plan(action, "noop", (), (), 0, None, warnings=(seen, *warnings))
            case Stop():
                return self._planned(action, list(living.values()), (), warnings)
            case StopWorker(ref=ref):
                actor = living.get(ref.slot)
                if actor is None or actor.node != ref.host:
                    return refused(action, f"{NOTHING_OURS}: no actor of this pool runs {ref.label}")
                return self._planned(action, [actor], (), warnings)

    async def apply(self, plan: Plan, progress: Callable[[Operation], None]) -> tuple[Event, ...]:
        """Carry out a plan and report every step. Runs one plan at a time; a cancelled plan undoes nothing."""
        return await self._alone(plan, progress, steps_of(plan), "", lambda reporter: self._carry_out(plan, reporter))

    async def aclose(self) -> None:
        """Release the pool's role and end the sidecar. The actors go on."""
        self._lock.release()
        await asyncio.to_thread(self._sidecar.close)

    async def _carry_out(self, plan: Plan, reporter: ProgressReporter) -> tuple[Event, ...]:
        why = self._cannot_act() or plan.refusal or await asyncio.to_thread(self._watch.look)
        if why:
            return self._failed(plan, reporter, why, "warn")
        labels = {hit.name.split(" ")[1] for hit in plan.hits}
        living = self._watch.living()
        ending = [actor for actor in living.values() if actor.label in labels]
        if why := why_stale(plan, {slot: actor.label for slot, actor in living.items()}, labels, "actor"):
            return self._failed(plan, reporter, why, "warn")
        try:
            await asyncio.to_thread(self._write_intent, plan)
        except SidecarError as error:
            return self._failed(plan, reporter, str(error))
        ended = Ending(self._watch, self._sidecar, reporter, self._spec.grace_s)
        if ending and (why := await ended.end(ending)):
            return self._failed(plan, reporter, why)
        message = f"{count_of(len(ending), 'actor')} ended" if ending else "nothing was left"
        slots = slots_to_start(plan, self._watch.living())
        if slots:
            if why := await self._create(slots, reporter):
                return self._failed(plan, reporter, why)
            message = await self._wait_for_places(slots, reporter)
            if self._ended(slots):
                return self._failed(plan, reporter, message)
        reporter.end(True, message)
        return (self._event(plan, "info", f"{title_of(plan)}: {message}"),)

    def _write_intent(self, plan: Plan) -> None:
        """Write how many workers are wanted before anything is done: a monitor that dies in the middle is followed."""
        record = self._watch.record or self._first_record
        action = plan.action
        if isinstance(action, Launch | Resize | Restart):
            record = replace(record, workers=action.workers, launched_at=record.launched_at or time.time())
        elif isinstance(action, Stop):
            record = replace(record, workers=None, launched_at=None)
        self._sidecar.ask("record", record=asdict(record))
        self._watch.record = record

    async def _create(self, slots: Collection[int], reporter: ProgressReporter) -> str:
        """Create one actor for each slot. Returns the problem; "" when Ray accepted them."""
        reporter.begin(CREATED)
        sourced = await asyncio.to_thread(self._spec.sourced)
        record = self._watch.record
        if isinstance(sourced, EnvFileError) or record is None:
            why = f"env file: {sourced.text}" if isinstance(sourced, EnvFileError) else "the pool has no record"
            reporter.fail(CREATED, why)
            return why
        starts = {slot: self._watch.start_of(slot) for slot in slots}
        try:
            await asyncio.to_thread(self._sidecar.ask, "start", 60.0, **self._spec.start(record, starts, sourced))
        except SidecarError as error:
            reporter.fail(CREATED, str(error))
            return str(error)
        reporter.done(CREATED, count_of(len(slots), "actor"))
        return ""

    async def _wait_for_places(self, slots: Collection[int], reporter: ProgressReporter) -> str:
        """Wait until every worker has begun or is known to wait; return what became of them."""
        reporter.begin(PLACED)
        began_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            problem = await asyncio.to_thread(self._watch.look)
            waited_s = time.monotonic() - began_s
            actors = [actor for slot in slots if (actor := self._watch.actors.get(slot)) is not None]
            begun = [actor for actor in actors if actor.runs and actor.at is not None]
            waiting = [actor for actor in actors if actor.waits]
            stuck = [actor for actor in waiting if not actor.starts]
            ended = [actor for actor in actors if actor.has_ended]
            text = f"{len(begun)} of {count_of(len(slots), 'worker')} started"
            if waiting:
                text += f", {len(waiting)} wait: {cut_list(sorted({actor.reason for actor in waiting}), 3)}"
            if ended:
                text += f", {len(ended)} ended: {cut_list(sorted({state_text(actor) for actor in ended}), 3)}"
            reporter.detail(PLACED, problem or text)
            all_known = len(begun) + len(ended) + (len(stuck) if waited_s >= WAITS_S else 0) >= len(slots)
            if all_known or ended or waited_s >= self._spec.start_timeout_s:
                (reporter.fail if ended else reporter.done)(PLACED, problem or text, _tail(ended))
                return problem or text

    def _ended(self, slots: Collection[int]) -> list[Actor]:
        return [actor for slot in slots if (actor := self._watch.actors.get(slot)) is not None and actor.has_ended]

    def _planned(
        self, action: Action, ending: Collection[Actor], start: Collection[int], warnings: tuple[str, ...]
    ) -> Plan:
        spec = self._spec
        commands: list[tuple[str, ...]] = []
        if waiting := [actor.label for actor in ending if actor.waits]:
            commands.append(("ray.kill", *waiting))
        if running := [actor.label for actor in ending if not actor.waits]:
            commands += [("SIGTERM", *running), ("ray.kill", *running)]
        if start:
            commands.append(spec.start_text(f"w{slot}.{self._watch.start_of(slot)}" for slot in start))
        if not commands and not (isinstance(action, Stop) or self._changes_number(action)):
            workers = count_of(getattr(action, "workers", 0), "worker")
            seen = f"the pool has {workers} already: their actors run or wait"
            return Plan(action, "noop", (), (), 0, None, warnings=(seen, *warnings))
        source = None
        if start:
            sourced = spec.sourced()
            if isinstance(sourced, EnvFileError):
                return refused(action, f"env file: {sourced.text}")
            file = str(spec.env_file) if spec.env_file is not None else None
            source = PlanSource(str(spec.directory), file, sourced.count)
        hits = tuple(_target(actor) for actor in ending)
        return placed_plan(action, commands, hits, len(start), source, warnings)

    def _changes_number(self, action: Action) -> bool:
        return isinstance(action, Resize) and action.workers != self._watch.desired


def _target(actor: Actor) -> TargetProcess:
    on = f" on {actor.node}" if actor.node else f" {actor.state}"
    ref = WorkerRef(actor.node, actor.slot)
    pid = actor.at.pid if actor.at is not None else 0
    return TargetProcess("worker", pid, actor.began_at or 0.0, ref, f"actor {actor.label}{on}")


def _tail(ended: Collection[Actor]) -> tuple[str, ...] | None:
    """Return the end of the log of the first worker that ended, as its actor sent it."""
    for actor in ended:
        if actor.end is not None and actor.end.tail:
            return tuple(clean_masked(line) for line in actor.end.tail.splitlines()[-12:])
    return None
