"""Runs one demo worker: serves `/status`, holds memory, sends heartbeats, and simulates faults.

The flags in its real environment decide which components it builds. Does not: know other workers.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.demo.document import document, policy
from metabonk_tui.demo.flags import Flags
from metabonk_tui.demo.life import Life
from metabonk_tui.demo.memory import Ballast, meminfo_mb, rss_mb
from metabonk_tui.demo.numbers import between
from metabonk_tui.demo.orphan import live
from metabonk_tui.demo.scenarios import Fault, Scenario, extra_mb, fault_of, lifetime_min
from metabonk_tui.demo.serve import Server, get, post
from metabonk_tui.demo.system2 import System2

TICK_S = 0.5
ASK_OLLAMA_S = 3.0
PORT_TAKEN = 3
NO_SHAPER = "No module named 'src.worker.reward_shaper'"
FIELDS_READY_S = 3.0
"""Run seconds after which every field is present."""
RACE = 40.0
FRAME_FIELDS = (
    *("scene_hash", "scene_fingerprint", "new_scene", "scenes_discovered", "visual_novelty"),
    *("dynamic_ui_text_density", "dynamic_ui_motion", "dynamic_ui_ui_shape_count", "dynamic_ui_has_centered_panel"),
    *("stream_frame_var", "stream_frame_diff", "stream_diff"),
)
"""Fields computed from frames; `obs_fps` is not among them and continues after a fault."""


def log_line(text: str) -> None:
    """Write a line to the worker's log at once."""
    print(text, flush=True)


class DemoWorker(Struct):
    """The identity and state of one worker process."""

    slot: int
    port: int
    orchestrator_port: int
    scenario: Scenario
    speed: float
    attempt: int
    base_mb: float
    own_fault: Fault
    """The fault of this worker; without one its kind is ""."""
    flags: Flags
    life: Life
    system2: System2
    heartbeat_s: float
    ballast: Ballast = field(default_factory=Ballast)
    started: float = field(default_factory=time.monotonic)
    answers: int = 0
    ollama_answers: bool = False
    asked_ollama: float = float("-inf")
    sent_heartbeat: float = float("-inf")

    def age_s(self) -> float:
        """Return the run seconds since the process started."""
        return (time.monotonic() - self.started) * self.speed

    def fault(self) -> str:
        """Return the active fault; "": none yet."""
        return self.own_fault.kind if self.age_s() >= self.own_fault.after_min * 60 else ""

    def seen_s(self) -> float:
        """Return the run second that the numbers show; with fault "freeze" or "idle" it is constant."""
        is_frozen = self.fault() in ("freeze", "idle")
        return max(self.own_fault.after_min * 60, FIELDS_READY_S) if is_frozen else self.age_s()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object] | None:
        """Return (HTTP status, document) for `GET /status`; None: never answer."""
        fault = self.fault()
        if fault == "hang":
            return None
        self.answers += 1
        low, high = self.scenario.delay_s
        if high > 0:
            time.sleep(between(low, high, self.slot, self.answers))
        if method != "GET" or path != "/status":
            return 404, {"detail": "Not Found"}
        if fault == "break":
            return 500, {"detail": "Internal Server Error"}
        t = self.seen_s()
        status = document(self.life, self.system2.fields(t), t, time.time(), os.environ.get("MEGABONK_LOG_DIR", ""))
        if fault == "nan" and "intrinsic_reward_total" in status:
            status["intrinsic_reward_total"] = float("nan")
        if fault in ("race", "blind"):
            self.change(status, fault, t)
        return 200, status

    def change(self, status: dict[str, object], fault: str, t: float) -> None:
        """Apply the fault "race" or "blind" to a status at run second `t`."""
        struck = self.own_fault.after_min * 60
        if fault == "race":
            status["step"] = status["steps"] = self.life.steps(struck) + self.life.steps(RACE * (t - struck))
            return
        at_fault = document(self.life, {}, struck, 0.0, "")
        status.update({name: at_fault[name] for name in FRAME_FIELDS if name in at_fault})
        status |= {"stream_frozen": True, "stream_frozen_since_s": round(t - struck, 1)}

    def tick(self) -> None:
        """Advance memory, System2 and heartbeat to the present; kill this process if its life is over."""
        now = time.monotonic()
        minute = self.age_s() / 60
        self.ballast.grow_to(self.base_mb + extra_mb(self.scenario.memory, minute))
        if minute >= lifetime_min(self.scenario, self.slot, self.attempt) or self.fault() == "loop":
            # Like the kernel's OOM killer: no shutdown, no exit code of its own.
            os.kill(os.getpid(), signal.SIGKILL)
        if self.flags.ollama and now - self.asked_ollama >= ASK_OLLAMA_S:
            self.asked_ollama = now
            self.ollama_answers = _answers(self.flags.ollama)
        self.system2.update(self.seen_s(), time.time(), answers=self.ollama_answers)
        if now - self.sent_heartbeat >= self.heartbeat_s and self.fault() != "hang":
            self.sent_heartbeat = now
            # A worker continues without its orchestrator, as in MetaBonk.
            with suppress(OSError):
                post(self.orchestrator_port, "/heartbeat", self.heartbeat())

    def blind_s(self) -> float:
        """Return the real seconds since the last frame; 0.0 without the fault "blind"."""
        struck_s = self.own_fault.after_min * 60
        return (self.age_s() - struck_s) / self.speed if self.fault() == "blind" else 0.0

    def heartbeat(self) -> dict[str, object]:
        """Return the document that the orchestrator receives."""
        t = self.seen_s()
        play = self.life.play(t)
        episode, episode_t = self.life.episodes(t)
        resident, virtual = rss_mb()
        machine = meminfo_mb()
        system2 = self.system2.fields(t)
        name = f"omega-{self.slot}"
        return {
            "schema_version": 2,
            "run_id": os.environ.get("METABONK_RUN_ID", ""),
            "instance_id": name,
            "policy_name": policy(self.slot),
            "policy_version": 0,
            "step": int(self.life.steps(t)),
            "reward": play["reward"],
            "status": "running",
            "stream_url": None,
            "stream_ok": True,
            "stream_last_frame_ts": time.time() - self.blind_s(),
            "stream_error": None,
            "game_restart_count": 0,
            "game_restart_failed": False,
            "control_url": f"http://127.0.0.1:{self.port}",
            "rss_mb": resident,
            "vms_mb": virtual,
            "launcher_rss_mb": None,
            "mem_available_mb": machine["MemAvailable"],
            "mem_total_mb": machine["MemTotal"],
            "swap_free_mb": machine.get("SwapFree", 0.0),
            "obs_fps": play["obs_fps"],
            "act_hz": play["act_hz"],
            "stuck_score": 0.0,
            "errors_recent": None,
            "display_name": f"{policy(self.slot)} · Demo {name}",
            "worker_device": "cpu",
            "worker_pid": os.getpid(),
            "ts": time.time(),
            "episode_idx": episode,
            "episode_t": episode_t,
            "port": self.port,
            "gameplay_started": play["gameplay_started"],
            "actions_total": play["actions_total"],
            "vlm_hints_used": system2["vlm_hints_used"],
            "vlm_hints_applied": system2["vlm_hints_applied"],
        }


def run_worker(
    *,
    slot: int,
    port: int,
    orchestrator_port: int,
    scenario: Scenario,
    speed: float,
    attempt: int,
    memory_mb: float,
    workers: int,
) -> int:
    """Run a worker until it ends; return 3 if the port is taken, as MetaBonk does."""
    flags, name, own_fault = Flags.read(os.environ), f"omega-{slot}", fault_of(scenario, slot, workers)
    if own_fault.kind == "import" and flags.intrinsic:
        log_line(f"[worker:{name}] WARN: intrinsic reward shaper unavailable ({NO_SHAPER}); disabling")
        flags = replace(flags, intrinsic=False)
    worker = DemoWorker(
        slot=slot,
        port=port,
        orchestrator_port=orchestrator_port,
        scenario=scenario,
        speed=speed,
        attempt=attempt,
        base_mb=memory_mb,
        own_fault=own_fault,
        flags=flags,
        life=Life(slot, flags, starved=own_fault.kind == "starve"),
        system2=System2(slot, flags, log_line),
        heartbeat_s=float(os.environ.get("METABONK_HEARTBEAT_S", "2")),
    )
    if flags.system2:
        log_line(f"[worker:{name}] System2 enabled (backend=ollama, model=llava:7b, freq=2.00s)")
    log_line(f"INFO:     Started server process [{os.getpid()}]")
    try:
        server = Server(port, worker.answer, access_log=True)
    except OSError as error:
        print(
            f"ERROR:    [Errno {error.errno}] error while attempting to bind on address ('127.0.0.1', {port})",
            flush=True,
        )
        return PORT_TAKEN
    log_line(f"INFO:     Uvicorn running on http://127.0.0.1:{port} (Press CTRL+C to quit)")
    live(server, worker.tick, TICK_S)
    print(f"[worker:{name}] no launcher runs and no request comes: ending", file=sys.stderr, flush=True)
    return 0


def _answers(host: str) -> bool:
    """Return whether Ollama answers `/api/tags`; always False for a host other than 127.0.0.1."""
    port = host.rstrip("/").rpartition(":")[2]
    if "127.0.0.1" not in host or not port.isdecimal():
        return False
    try:
        return b"200 OK" in get(int(port), "/api/tags")[:64]
    except OSError:
        return False
