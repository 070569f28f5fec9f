"""A Ray cluster of one test: answers what the sidecar answers, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from metabonk_tui.adapters.ray.actor import Agent
from metabonk_tui.adapters.ray.sidecar_process import SidecarError

NODE = "a" * 56


class FakeRay:
    """Places up to `room` actors on one node; the others wait. A worker ends at SIGTERM unless it `withstands`.

    Its methods are those of `sidecar.RayDriver`, so it can stand behind `sidecar.serve`; `ask` is that of `Sidecar`.
    """

    version = "2.60.0"

    def __init__(self, room: int = 4) -> None:
        self.room = room
        self.kept: dict[str, Any] | None = None
        self.actors: dict[str, dict[str, Any]] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.at: dict[str, dict[str, Any]] = {}
        self.strangers: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.fails: dict[str, str] = {}
        """What a question fails with, by its name."""
        self.withstands = False
        self.is_closed = False
        self._ids = itertools.count(1)
        self._agents: dict[str, Agent] = {}

    # As the monitor asks

    def ask(self, op: str, limit_s: float = 0.0, **fields: Any) -> dict[str, Any]:
        self.asked.append((op, fields))
        if problem := self.fails.get(op):
            raise SidecarError(problem)
        found: dict[str, Any] = getattr(self, op)(fields)
        return found

    def close(self) -> None:
        self.is_closed = True

    def words(self, op: str) -> list[dict[str, Any]]:
        """Return every question of a name."""
        return [fields for name, fields in self.asked if name == op]

    def states(self) -> dict[str, str]:
        return {".".join(name.rsplit(".", 2)[1:]): actor["state"] for name, actor in self.actors.items()}

    # As the sidecar answers

    def look(self, ask: dict[str, Any]) -> dict[str, Any]:
        self._place()
        free = {"CPU": float(self.room - self._placed()), "memory": 1e12}
        node = {"id": NODE, "name": "n1", "alive": True, "total": {"CPU": float(self.room), "memory": 1e12}}
        return {
            "record": self.kept,
            "actors": list(self.actors.values()),
            "at": self.at,
            "end": self.ends,
            "nodes": [{**node, "free": free}],
            "strangers": self.strangers,
        }

    def record(self, ask: dict[str, Any]) -> dict[str, Any]:
        self.kept = ask["record"]
        return {}

    def start(self, ask: dict[str, Any]) -> dict[str, Any]:
        for worker in ask["workers"]:
            self.add(worker["name"], worker["port"])
        return {}

    def ask_to_end(self, ask: dict[str, Any]) -> dict[str, Any]:
        for name in ask["names"]:
            if not self.withstands:
                self.end(name, 0)
        return {}

    def kill(self, ask: dict[str, Any]) -> dict[str, Any]:
        for name in ask["names"]:
            self.die(name, "RAY_KILL")
        return {}

    async def agent_open(self, ask: dict[str, Any]) -> dict[str, Any]:
        try:
            self._agents[ask["key"]] = Agent(ask["argv"])
        except OSError as error:
            return {"problem": f"{ask['argv'][0]} cannot be started: {error.strerror}"}
        return {"problem": ""}

    async def agent_talk(self, ask: dict[str, Any]) -> dict[str, Any]:
        agent = self._agents.get(ask["key"])
        if agent is None:
            return {"lines": [], "problem": "the agent has ended"}
        agent.write(ask["text"].encode())
        lines, problem = await asyncio.to_thread(agent.take, ask["wait_s"])
        return {"lines": [line.decode() for line in lines], "problem": problem}

    async def agent_close(self, ask: dict[str, Any]) -> dict[str, Any]:
        await asyncio.to_thread(self._agents.pop(ask["key"]).close)
        return {}

    # What happens in the cluster

    def add(self, name: str, port: int) -> None:
        number = next(self._ids)
        self.actors[name] = {
            "name": name,
            "id": f"{number:08x}{'0' * 24}",
            "state": "PENDING_CREATION",
            "node": "",
            "starts": False,
            "needs": {"CPU": 1.0},
            "began": 0.0,
            "ended": 0.0,
            "cause": None,
            "port": port,
        }
        self._place()

    def end(self, name: str, code: int) -> None:
        """Let the process of a worker end."""
        slot = name.rsplit(".", 2)[1].removeprefix("w")
        self.ends[slot] = {**self.at[slot], "code": code, "t": time.time(), "tail": "the last line\n"}
        self.die(name, "WORKER_DIED")

    def die(self, name: str, kind: str, node: str = "", text: str = "") -> None:
        cause = {"kind": kind, "text": text, "node": node}
        self.actors[name].update(state="DEAD", cause=cause, ended=time.time())

    def _placed(self) -> int:
        return sum(actor["state"] == "ALIVE" for actor in self.actors.values())

    def _place(self) -> None:
        for name, actor in self.actors.items():
            if actor["state"] == "PENDING_CREATION" and self._placed() < self.room:
                actor.update(state="ALIVE", node=NODE, began=time.time())
                slot = name.rsplit(".", 2)[1].removeprefix("w")
                pid = 1000 + int(actor["id"][:8], 16)
                where = {"name": name, "node": NODE, "port": actor["port"], "pid": pid}
                self.at[slot] = {**where, "start_ticks": 1, "boot_id": "b"}
