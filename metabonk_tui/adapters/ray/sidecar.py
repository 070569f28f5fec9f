"""The only program that imports ray: answers the monitor's questions about one cluster, as JSON lines on a pipe.

Run by the Python of `[pool.ray]`, as a script: it uses the standard library and ray, nothing of this package. Names
its cluster always, and ends when its pipe ends. Does not: start or stop a cluster, or decide what is done with a pool.
"""

import asyncio
import importlib.util
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SCHEMA = 1
MOST_LINE_BYTES = 40_000_000
MOST_THREADS = 32
MOST_NAME = 59
"""A host of the monitor has a name of at most 64 characters, and a second node on it adds five."""
MOST_CALLS = 16
"""How many calls an actor answers at a time: each open monitor waits for lines of its agent in one."""


def actor_class(ray: Any) -> Any:
    """Return the class of the actors; it is sent to the nodes by value, because they need nothing of this program."""
    found = importlib.util.spec_from_file_location("metabonk_tui_actor", Path(__file__).with_name("actor.py"))
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    ray.cloudpickle.register_pickle_by_value(module)
    return ray.remote(module.MetaBonkWorker)


class RayDriver:
    """One Ray cluster, and the actors of one namespace in it."""

    def __init__(self, address: str, namespace: str) -> None:
        """Connect. Raises whatever ray raises."""
        import ray
        from ray._private import state
        from ray.core.generated import gcs_pb2

        ray.init(
            address=address,
            namespace=namespace,
            log_to_driver=False,
            configure_logging=False,
            include_dashboard=False,
        )
        self.version = str(ray.__version__)
        self._ray, self._namespace, self._pb = ray, namespace, gcs_pb2
        self._kv = f"metabonk-tui.{namespace}"
        self._accessor = state.state._connect_and_get_accessor()
        self._class: Any = None
        self._handles: dict[str, Any] = {}

    # What the cluster keeps of the pool

    def _client(self) -> Any:
        return self._ray._private.worker.global_worker.gcs_client

    def _get(self, keys: list[str]) -> dict[str, Any]:
        raw = [key.encode() for key in keys]
        found = self._client().internal_kv_multi_get(raw, self._kv.encode(), timeout=10) if raw else {}
        return {key.decode(): json.loads(value) for key, value in found.items()}

    def _put(self, key: str, value: object, *, replaces: bool = True) -> bool:
        """Keep a value; return whether there was none, where an old one is to stay."""
        text = json.dumps(value).encode()
        added = self._client().internal_kv_put(key.encode(), text, replaces, self._kv.encode(), timeout=10)
        return bool(added == 1)

    # Questions

    def look(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Return the record of the pool, its actors with their nodes, and what the workers announced."""
        keys = [key.decode() for key in self._client().internal_kv_keys(b"", self._kv.encode(), timeout=10)]
        kept = self._get(keys)
        record = kept.get("pool")
        prefix = f"metabonk-tui.{record['token']}." if record else None
        named = [name for name in self._ray.util.list_named_actors()]
        mine = {name: self._id_of(name) for name in named if prefix is not None and name.startswith(prefix)}
        slots = {key.partition(":")[2]: value for key, value in kept.items() if key.startswith("slot:")}
        mine |= {each["name"]: each["id"] for each in slots.values() if each["name"].startswith(str(prefix))}
        nodes = self._nodes(kept)
        actors = [self._actor(name, found) for name, found in sorted(mine.items()) if found]
        self._name_nodes(nodes, {each["node"] for each in actors if each}, kept)
        return {
            "record": record,
            "actors": [each for each in actors if each],
            "at": {key.partition(":")[2]: value for key, value in kept.items() if key.startswith("at:")},
            "end": {key.partition(":")[2]: value for key, value in kept.items() if key.startswith("end:")},
            "nodes": nodes,
            "strangers": [name for name in named if prefix is None or not name.startswith(prefix)][:20],
        }

    def _id_of(self, name: str) -> str:
        handle = self._handle(name)
        return handle._actor_id.hex() if handle is not None else ""

    def _handle(self, name: str) -> Any:
        if name not in self._handles:
            try:
                self._handles[name] = self._ray.get_actor(name, namespace=self._namespace)
            except ValueError:
                return None
        return self._handles[name]

    def _actor(self, name: str, actor_id: str) -> dict[str, Any] | None:
        raw = self._accessor.get_actor_info(self._ray.ActorID(bytes.fromhex(actor_id)))
        if raw is None:
            return None
        found = self._pb.ActorTableData.FromString(raw)
        if found.ray_namespace != self._namespace or found.name != name:
            return None
        state = self._pb.ActorTableData.ActorState.Name(found.state)
        if state == "DEAD":
            self._handles.pop(name, None)
        return {
            "name": name,
            "id": actor_id,
            "state": state,
            # Before it has started, its address is that of another node.
            "node": (found.node_id or found.address.node_id).hex() if found.start_time else "",
            "starts": bool(found.pid),
            "needs": dict(found.required_resources),
            "began": found.start_time / 1000.0,
            "ended": found.end_time / 1000.0,
            "cause": cause_of(found),
        }

    def _nodes(self, kept: dict[str, Any]) -> list[dict[str, Any]]:
        free = self._ray._private.state.available_resources_per_node()
        return [
            {
                "id": node["NodeID"],
                "host": node["NodeManagerHostname"],
                "address": node["NodeManagerAddress"],
                "name": kept.get(f"node:{node['NodeID']}", {}).get("name", ""),
                "alive": bool(node["Alive"]),
                "total": numbers(node.get("Resources") or {}),
                "free": numbers(free.get(node["NodeID"], {})),
            }
            for node in self._ray.nodes()
        ]

    def _name_nodes(self, nodes: list[dict[str, Any]], used: set[str], kept: dict[str, Any]) -> None:
        """Give each node with a worker the name of its machine, once for all monitors.

        Of several living nodes on one machine, all but the first get a part of their id.
        """
        taken = {node["name"] for node in nodes if node["alive"] and node["name"]}
        for node in sorted(nodes, key=lambda each: each["id"]):
            if node["id"] not in used or node["name"]:
                continue
            base = host_name(node["host"], node["address"])
            node["name"] = f"{base}-{node['id'][:4]}" if base in taken else base
            taken.add(node["name"])
            self._put(f"node:{node['id']}", {"name": node["name"]}, replaces=False)

    # Orders

    def record(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Keep the record of the pool; one of another token is never replaced."""
        record = ask["record"]
        if not self._put("pool", record, replaces=False):
            there = self._get(["pool"]).get("pool")
            if there is None or there["token"] != record["token"]:
                raise OrderRefused("the namespace has a pool of another token by now")
            self._put("pool", record)
        return {}

    def start(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Create one detached named actor for each worker; a name that exists is another monitor's start."""
        self._class = self._class or actor_class(self._ray)
        keeper = Path(__file__).with_name("keeper.py").read_text()
        for worker in ask["workers"]:
            spec = {**ask["spec"], **worker, "kv": self._kv, "namespace": self._namespace, "keeper": keeper}
            handle = self._class.options(
                name=worker["name"],
                namespace=self._namespace,
                lifetime="detached",
                num_cpus=ask["needs"]["cpus"],
                num_gpus=ask["needs"]["gpus"],
                memory=ask["needs"]["memory_bytes"],
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=MOST_CALLS,
                scheduling_strategy="SPREAD",
            ).remote(spec)
            self._handles[worker["name"]] = handle
            self._put(f"slot:{worker['slot']}", {"name": worker["name"], "id": handle._actor_id.hex()})
        return {}

    def ask_to_end(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Send SIGTERM to these workers; the answer of an actor is not waited for."""
        for name in ask["names"]:
            if (handle := self._handle(name)) is not None:
                handle.ask_to_end.remote()
        return {}

    def kill(self, ask: dict[str, Any]) -> dict[str, Any]:
        """End these actors, also those that wait for a place."""
        for name in ask["names"]:
            if (handle := self._handle(name)) is not None:
                self._ray.kill(handle, no_restart=True)
        return {}

    # The agents

    async def agent_open(self, ask: dict[str, Any]) -> dict[str, Any]:
        return {"problem": await self._agent_of(ask).agent_open.remote(ask["key"], ask["argv"])}

    async def agent_talk(self, ask: dict[str, Any]) -> dict[str, Any]:
        text = ask["text"].encode()
        lines, problem = await self._agent_of(ask).agent_talk.remote(ask["key"], text, ask["wait_s"])
        return {"lines": [line.decode(errors="replace") for line in lines], "problem": problem}

    async def agent_close(self, ask: dict[str, Any]) -> dict[str, Any]:
        await self._agent_of(ask).agent_close.remote(ask["key"])
        return {}

    def _agent_of(self, ask: dict[str, Any]) -> Any:
        handle = self._handle(ask["name"])
        if handle is None:
            raise OrderRefused("its actor has ended")
        return handle


class OrderRefused(Exception):
    """An order that is not carried out; the text says why."""


def host_name(host: str, address: str) -> str:
    """Return a name of at most 59 letters, digits and - for a machine; a part of the node's id may follow."""
    found = re.sub(r"[^A-Za-z0-9_-]+", "-", host.partition(".")[0] or address).strip("-_")
    return found[:MOST_NAME] or "node"


def numbers(resources: dict[str, Any]) -> dict[str, float]:
    """Return the amounts that are asked for: the cluster lists each node and GPU model as one as well."""
    return {key: float(resources[key]) for key in ("CPU", "GPU", "memory") if key in resources}


def cause_of(found: Any) -> dict[str, str] | None:
    """Return why an actor died, in the words of Ray; None while it lives."""
    kind = found.death_cause.WhichOneof("context")
    if kind is None:
        return None
    context = getattr(found.death_cause, kind)
    if kind == "actor_died_error_context":
        reason = type(context).Reason.Name(context.reason)
        node = context.node_death_info
        why = type(node).Reason.Name(node.reason) if context.HasField("node_death_info") else ""
        return {"kind": reason, "text": context.error_message, "node": "PREEMPTED" if found.preempted else why}
    text = getattr(context, "error_message", "") or getattr(context, "formatted_exception_string", "")
    return {"kind": kind.upper().removesuffix("_CONTEXT"), "text": text, "node": ""}


async def serve(lines: Iterable[bytes], write: Callable[[dict[str, Any]], None], cluster: Any) -> None:
    """Answer each line, several at a time, until the pipe ends."""
    loop = asyncio.get_running_loop()
    # Calls of ray may block until long after their deadline; the pipe has a thread of its own.
    loop.set_default_executor(ThreadPoolExecutor(MOST_THREADS))
    pipe = ThreadPoolExecutor(1)
    tasks: set[asyncio.Task[None]] = set()

    async def answer(ask: dict[str, Any]) -> None:
        try:
            call = getattr(cluster, ask["op"])
            if asyncio.iscoroutinefunction(call):
                found = await asyncio.wait_for(call(ask), ask["limit_s"])
            else:
                found = await asyncio.wait_for(loop.run_in_executor(None, call, ask), ask["limit_s"])
            write({"n": ask["n"], **found})
        except Exception as error:
            write({"n": ask["n"], "error": said(error)})

    source = iter(lines)
    while line := await loop.run_in_executor(pipe, next, source, b""):
        ask = json.loads(line)
        if ask["op"] not in OPERATIONS:
            write({"n": ask["n"], "error": "unknown question"})
            continue
        task = loop.create_task(answer(ask))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


OPERATIONS = ("look", "record", "start", "ask_to_end", "kill", "agent_open", "agent_talk", "agent_close")


def said(error: BaseException) -> str:
    """Return the first line of an error, for people."""
    if isinstance(error, asyncio.TimeoutError):
        return "Ray did not answer in time"
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}"[:500] if not isinstance(error, OrderRefused) else text


def main() -> None:
    """Serve the monitor at the other end of the pipes. Arguments: address, namespace."""
    address, namespace = sys.argv[1:3]
    # What ray and its libraries print must not come between the answers.
    out = os.dup(1)
    os.dup2(2, 1)
    lock = threading.Lock()

    def write(answer: dict[str, Any]) -> None:
        text = json.dumps(answer).encode() + b"\n"
        with lock:
            view = memoryview(text)
            while view:
                view = view[os.write(out, view) :]

    if ":" not in address or address.startswith(("auto", "local", "ray:")):
        write({"n": 0, "error": "no address of a cluster: the nearest one might be another person's"})
        os._exit(1)
    lines = iter(lambda: sys.stdin.buffer.readline(MOST_LINE_BYTES), b"")
    try:
        cluster = RayDriver(address, namespace)
    except BaseException as error:
        write({"n": 0, "error": said(error)})
        os._exit(1)
    write({"n": 0, "schema": SCHEMA, "version": cluster.version})
    try:
        asyncio.run(serve(lines, write, cluster))
    finally:
        # Without ray.shutdown: that may wait for a cluster that is gone. Detached actors stay.
        os._exit(0)


if __name__ == "__main__":
    main()
