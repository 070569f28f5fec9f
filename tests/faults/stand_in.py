"""Stands in for MetaBonk: as `worker` it answers /status, as `launch` it starts workers, as `stop` it ends them.

As `ollama` it only runs. A file `mode` beside it is read at each answer: JSON with `set` (fields), `drop` (names) or
`raw` (a file with the whole answer). A file `hold-NAME` makes `w0`, `ollama` ... hold so many MB from then on.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BEGAN = time.monotonic()


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


def mode() -> dict[str, object]:
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads((HERE / "mode").read_text()))
    return {}


def answer(slot: int) -> bytes:
    wanted, passed_s = mode(), time.monotonic() - BEGAN
    if "raw" in wanted:
        return (HERE / str(wanted["raw"])).read_bytes()
    document: dict[str, object] = {
        "instance_id": f"omega-{slot}",
        "step": round(passed_s * 5, 1),
        "gameplay_started": True,
        "dynamic_ui_exploration_actions": int(passed_s) + 1,
        "dynamic_ui_text_density": 0.2,
        "dynamic_ui_state_type": "gameplay",
        "intrinsic_reward_total": passed_s,
        "system2_trigger_engaged_count": int(passed_s) + 1,
        "meta_success_sequences": int(passed_s),
    }
    document.update(dict(wanted.get("set", {})))  # type: ignore[call-overload]
    for name in list(wanted.get("drop", [])):  # type: ignore[call-overload]
        document.pop(name, None)
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def hold(name: str) -> None:
    """Follow the file of this process, and hold the memory that it says."""
    held = bytearray()
    while True:
        with contextlib.suppress(OSError, ValueError):
            held.extend(b"x" * max(0, int((HERE / f"hold-{name}").read_text()) * 1_000_000 - len(held)))
        time.sleep(0.2)


def until_closed() -> None:
    """End with the test that started it."""
    if "--until-closed" in sys.argv:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()


def ollama() -> None:
    until_closed()
    print("listens", flush=True)
    hold("ollama")


def serve(client: socket.socket, slot: int) -> None:
    with client, contextlib.suppress(OSError):
        while client.recv(65536):
            client.sendall(answer(slot))


def worker() -> None:
    port, slot = int(option("--port")), int(option("--slot"))
    until_closed()
    threading.Thread(target=hold, args=(f"w{slot}",), daemon=True).start()
    with socket.create_server(("127.0.0.1", port)) as server:
        print("listens", flush=True)
        while True:
            threading.Thread(target=serve, args=(server.accept()[0], slot), daemon=True).start()


def launch() -> None:
    """Start workers, keep them, and end them at SIGTERM. Says how often it was started, in a file."""
    with (HERE / "launches").open("a") as launches:
        launches.write(f"{os.getpid()}\n")
    time.sleep(float(os.environ.get("STAND_IN_DELAY_S", "0")))
    base = int(option("--base-port"))
    words = [sys.executable, str(HERE / "stand_in.py"), "worker"]
    children = [
        subprocess.Popen([*words, "--slot", str(slot), "--port", str(base + slot)], stdin=subprocess.DEVNULL)
        for slot in range(int(option("--workers")))
    ]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(0.1):
        pass
    for child in children:
        child.terminate()
    for child in children:
        child.wait()


def stop() -> None:
    time.sleep(float(os.environ.get("STAND_IN_DELAY_S", "0")))
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((HERE / "launches").read_text().split()[-1]), signal.SIGTERM)


if __name__ == "__main__":
    {"worker": worker, "ollama": ollama, "launch": launch, "stop": stop}[sys.argv[1]]()
