"""Ends actors of the pool: what waits by ray.kill, what runs by SIGTERM, a grace, and ray.kill for what is left.

Does not: choose them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from metabonk_tui.adapters.pools.progress import ProgressReporter
from metabonk_tui.adapters.ray.acting import ASKED, GONE
from metabonk_tui.adapters.ray.actors import Actor
from metabonk_tui.adapters.ray.sidecar_process import Sidecar, SidecarError
from metabonk_tui.adapters.ray.watch import RayWatch
from metabonk_tui.core.text.phrases import count_of, cut_list

LOOK_EVERY_S = 0.5
KILL_WAIT_S = 30.0
"""After ray.kill an actor vanishes in a second; one whose node died, when Ray notices that: after some 15 s."""


class Ending:
    """The end of some actors, step by step."""

    def __init__(self, watch: RayWatch, sidecar: Sidecar, reporter: ProgressReporter, grace_s: float) -> None:
        self._watch, self._sidecar, self._reporter, self._grace_s = watch, sidecar, reporter, grace_s

    async def end(self, actors: Collection[Actor]) -> str:
        """End these actors. Returns the problem; "" when they are gone."""
        reporter = self._reporter
        self._watch.note_own_end(actors)
        reporter.begin(ASKED)
        waiting = [actor.name for actor in actors if actor.waits]
        running = [actor.name for actor in actors if not actor.waits]
        # First what waits: a place that a worker leaves must not start one of them.
        problem = await self._order("kill", waiting) or await self._order("ask_to_end", running)
        if running or problem:
            reporter.done(ASKED, problem or count_of(len(running), "worker"))
        else:
            reporter.skip(ASKED, "none runs")
        reporter.begin(GONE)
        names, how = {actor.name for actor in actors}, ""
        left = await self._wait_until_gone(names, self._grace_s)
        if left:
            how = "ray.kill was needed"
            problem = await self._order("kill", [actor.name for actor in left])
            left = await self._wait_until_gone(names, KILL_WAIT_S)
        if left or self._watch.problem:
            why = (
                f"still listed: {cut_list([f'actor {actor.label} {actor.state}' for actor in left], 4)}"
                if left
                else ""
            )
            why = "; ".join(filter(None, (why, problem or self._watch.problem)))
            reporter.fail(GONE, why)
            return why
        reporter.done(GONE, "; ".join(filter(None, (count_of(len(actors), "actor"), how))))
        return ""

    async def _order(self, op: str, names: list[str]) -> str:
        if not names:
            return ""
        try:
            await asyncio.to_thread(self._sidecar.ask, op, names=names)
        except SidecarError as error:
            return str(error)
        return ""

    async def _wait_until_gone(self, names: Collection[str], limit_s: float) -> list[Actor]:
        """Look until Ray lists none of these actors as living; return those that are left after the limit."""
        ends_s = time.monotonic() + limit_s
        while True:
            problem = await asyncio.to_thread(self._watch.look)
            left = [actor for actor in self._watch.actors.values() if actor.name in names and actor.lives]
            if (not left and not problem) or time.monotonic() >= ends_s:
                return left
            waits_for = cut_list([f"actor {actor.label}" for actor in left], 4)
            self._reporter.detail(GONE, problem or f"waiting for {waits_for}")
            await asyncio.sleep(LOOK_EVERY_S)
