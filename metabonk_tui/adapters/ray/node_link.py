"""Makes the link to the agent of one node, which the actor of one of the pool's workers runs there.

The lines of the agent go through the sidecar. Does not: judge how long the node is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import uuid
from typing import Any

from metabonk_tui.adapters.agent.link import AgentLink, LinkError
from metabonk_tui.adapters.agent.placed_link import PlacedNodeLink, opening_of
from metabonk_tui.adapters.agent.protocol import MAX_LINE_BYTES, Open
from metabonk_tui.adapters.ray.sidecar_process import LIMIT_S, Sidecar, SidecarError
from metabonk_tui.adapters.ray.spec import RaySpec
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.refs import HostName
from metabonk_tui.core.text.clean import clean_text

WAIT_S = 1.0
"""How long the actor waits for a line of the agent before it says that there is none yet."""
CLOSE_LIMIT_S = 2.0


class RelayedLink(AgentLink):
    """The connection to an agent whose pipes are those of an actor's process."""

    def __init__(self, name: str, sidecar: Sidecar, actor: str, argv: tuple[str, ...], opening: Open, workers: int):
        super().__init__(name, argv, opening, workers)
        self._sidecar, self._actor, self._command = sidecar, actor, list(argv)
        self._key = ""
        """Names the agent among those of the actor; "": there is none."""
        self._buffer: list[bytes] = []
        self._unsent = ""

    @property
    def is_open(self) -> bool:
        return bool(self._key)

    async def _start(self) -> None:
        key = uuid.uuid4().hex
        answer = await self._ask_actor("agent_open", key=key, argv=self._command)
        if problem := clean_text(str(answer.get("problem", ""))):
            raise LinkError(problem)
        self._key, self._buffer, self._unsent = key, [], ""

    async def _line(self) -> bytes:
        while not self._buffer:
            if not self._key:
                raise LinkError("the connection was closed")
            text, self._unsent = self._unsent, ""
            answer = await self._ask_actor("agent_talk", key=self._key, text=text, wait_s=WAIT_S)
            lines = answer.get("lines")
            self._buffer = [str(line).encode() for line in lines] if isinstance(lines, list) else []
            if not self._buffer and (problem := clean_text(str(answer.get("problem", "")))):
                raise LinkError(problem)
        line = self._buffer.pop(0)
        if len(line) > MAX_LINE_BYTES or not line.endswith(b"\n"):
            raise LinkError("the connection ended in a line, or a line is too long")
        return line

    async def _write(self, line: bytes) -> None:
        # It goes with the question for the answer: one call of the actor instead of two.
        self._unsent += line.decode()

    async def _end(self, limit_s: float) -> None:
        key, self._key = self._key, ""
        if key:
            with contextlib.suppress(SidecarError, LinkError, TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._ask_actor("agent_close", key=key)

    async def _ask_actor(self, op: str, **fields: object) -> dict[str, Any]:
        try:
            return await self._sidecar.ask_soon(op, LIMIT_S, name=self._actor, **fields)
        except SidecarError as error:
            raise LinkError(str(error)) from None


def node_link(
    config: Config, sidecar: Sidecar, node: HostName, actor: str, job_id: int, slots: tuple[int, ...]
) -> PlacedNodeLink:
    """Return the link to an agent beside an actor; its first read starts the agent."""
    spec = RaySpec(config)
    opening = opening_of(config, slots, spec.directory, spec.env_file)
    program = tuple(config.pool.ray.program) or (sys.executable, "-m", "metabonk_tui")
    agent = RelayedLink(node, sidecar, actor, (*program, "agent"), opening, len(slots))
    return PlacedNodeLink(node, job_id, slots, opening, agent)
