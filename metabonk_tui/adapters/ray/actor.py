"""The actor of one worker: starts it with its keeper, says where it is and how it ended, and runs agents beside it.

The sidecar sends this module to the nodes, so it uses the standard library and ray, nothing of this package. Does not:
restart a worker, or judge it.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

TAIL_BYTES = 2000
MOST_AGENTS = 8
"""How many agents one actor runs at a time: one for each open monitor."""
MOST_LINE_BYTES = 40_000_000
MOST_LINES = 4000
UNREAD_LIMIT_S = 60.0
END_LIMIT_S = 2.0
LEAVE_LIMIT_S = 5.0
KEEPER_START = "import json, sys; exec(compile(json.loads(sys.stdin.readline()), 'keeper', 'exec'))"
"""The interpreter of Ray runs the keeper from its text: the node needs nothing of the monitor for it."""


def own_environment() -> dict[str, str]:
    """Return the environment for other programs: with Ray's own variables they would join the cluster."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "__RAY"))}


class Agent:
    """One agent of the monitor, which runs on the node of this actor."""

    def __init__(self, argv: list[str]) -> None:
        """Start it. Raises OSError or ValueError."""
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=own_environment(),
            start_new_session=True,
        )
        self._ready = threading.Condition()
        self._lines: list[bytes] = []
        self._words = b""
        threading.Thread(target=self._follow, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline(MOST_LINE_BYTES):
            with self._ready:
                self._ready.wait_for(lambda: len(self._lines) < MOST_LINES, UNREAD_LIMIT_S)
                self._lines.append(line)
                self._ready.notify_all()
        self.process.wait()
        with self._ready:
            self._ready.notify_all()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        while line := self.process.stderr.readline(TAIL_BYTES):
            self._words = (self._words + line)[-TAIL_BYTES:]

    def write(self, text: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(text)
            self.process.stdin.flush()

    def take(self, wait_s: float) -> tuple[list[bytes], str]:
        """Return the lines that came, waiting for the first; or why there are none any more."""
        with self._ready:
            self._ready.wait_for(lambda: self._lines or self.process.poll() is not None, wait_s)
            taken, self._lines = self._lines, []
            self._ready.notify_all()
        if taken or self.process.poll() is None:
            return taken, ""
        said = [line for line in self._words.decode(errors="replace").splitlines() if line.strip()]
        return [], said[-1] if said else f"the agent ended with {self.process.returncode}"

    def close(self) -> None:
        """End it by the end of its pipe, and kill it after 2 s."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()


class MetaBonkWorker:
    """One worker of the pool, which runs and ends with this actor. Ray calls its methods from several threads."""

    def __init__(self, spec: dict[str, Any]) -> None:
        """Start the worker. Raises RuntimeError with the reason: the actor then never starts."""
        import ray

        self._spec = spec
        self._lock = threading.Lock()
        self._agents: dict[str, Agent] = {}
        session = ray._private.worker._global_node.get_session_dir_path()
        self._log = os.path.join(session, "logs", f"metabonk-tui-{spec['token'][:8]}-{spec['label']}.log")
        kept = {key: value for key, value in own_environment().items() if key not in spec["removed"]}
        worker = {key: spec[key] for key in ("argv", "cwd", "grace_s")}
        worker |= {"log": self._log, "env": {**kept, **spec["env"]}}
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", KEEPER_START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=kept,
            start_new_session=True,
        )
        self._to_keeper(json.dumps(spec["keeper"]) + "\n" + json.dumps(worker) + "\n")
        first = self._from_keeper()
        self._keeper.wait()  # its child keeps the worker
        if "pid" not in first:
            raise RuntimeError(first.get("error") or "the keeper of the worker ended")
        self._write("at", {key: first[key] for key in ("pid", "start_ticks", "boot_id")})
        threading.Thread(target=self._wait, daemon=True).start()

    def _to_keeper(self, text: str) -> None:
        assert self._keeper.stdin is not None
        with contextlib.suppress(OSError):
            self._keeper.stdin.write(text.encode())
            self._keeper.stdin.flush()

    def _from_keeper(self) -> dict[str, Any]:
        assert self._keeper.stdout is not None
        found: dict[str, Any] = json.loads(self._keeper.stdout.readline() or b"{}")
        return found

    def _write(self, kind: str, found: dict[str, Any]) -> None:
        import ray
        from ray.experimental.internal_kv import _internal_kv_put

        spec = self._spec
        place = {"name": spec["name"], "port": spec["port"], "node": ray.get_runtime_context().get_node_id()}
        _internal_kv_put(f"{kind}:{spec['slot']}", json.dumps({**place, **found}), namespace=spec["kv"])

    def _wait(self) -> None:
        """Wait for the worker, note how it ended, and end the actor: its memory and GPUs are free for others."""
        import ray

        code = self._from_keeper().get("code")
        try:
            self._write("end", {"code": code, "t": time.time(), "tail": self._tail()})
            me = ray.get_actor(self._spec["name"], namespace=self._spec["namespace"])
            me.leave.remote()
            time.sleep(LEAVE_LIMIT_S)
        finally:
            os._exit(0)

    def _tail(self) -> str:
        try:
            with open(self._log, "rb") as file:
                file.seek(max(0, os.path.getsize(self._log) - TAIL_BYTES))
                return file.read(TAIL_BYTES).decode(errors="replace")
        except OSError:
            return ""

    def leave(self) -> None:
        import ray

        ray.actor.exit_actor()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the worker's group."""
        with self._lock:
            self._to_keeper("TERM\n")

    def agent_open(self, key: str, argv: list[str]) -> str:
        """Start an agent under a key; return the problem, "" for none."""
        with self._lock:
            self._agents = {key: agent for key, agent in self._agents.items() if agent.process.poll() is None}
            if len(self._agents) >= MOST_AGENTS:
                return f"{MOST_AGENTS} agents run there already"
            try:
                self._agents[key] = Agent(argv)
            except (OSError, ValueError) as error:
                return f"{argv[0]} cannot be started: {getattr(error, 'strerror', None) or error}"
            return ""

    def agent_talk(self, key: str, text: bytes, wait_s: float) -> tuple[list[bytes], str]:
        """Write to an agent, and return what it has answered until then, or why there is none any more."""
        agent = self._agents.get(key)
        if agent is None:
            return [], "the agent has ended"
        if text:
            agent.write(text)
        return agent.take(wait_s)

    def agent_close(self, key: str) -> None:
        with self._lock:
            agent = self._agents.pop(key, None)
        if agent is not None:
            agent.close()
