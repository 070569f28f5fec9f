"""Runs the sidecar, the only program that imports ray, and asks it questions over its pipes, from any thread.

A sidecar that has ended is started again with growing pauses. Every question has a deadline. Does not: import ray.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any

import msgspec

from metabonk_tui.adapters.process.spawn import start_session
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.clean import clean_text, without_colours

SCRIPT = Path(__file__).with_name("sidecar.py")
SCHEMA = 1
CONNECT_LIMIT_S = 90.0
"""Joining a cluster takes 2 s, and 12 s on a busy machine; a cluster that is gone is noticed later."""
LIMIT_S = 15.0
LATE_S = 3.0
"""How much later than its own deadline a sidecar may answer before it counts as hung."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two attempts; the last one repeats."""
MAX_LINE_BYTES = 40_000_000
KEPT_STDERR_BYTES = 4_000
_DROPPED = ("RAY_", "PYTHON")


class SidecarError(Exception):
    """Ray cannot be asked now, or refuses; the text says why."""


def sidecar_command(config: Config) -> tuple[str, ...]:
    ray = config.pool.ray
    return (str(Path(ray.python).expanduser()), "-I", str(SCRIPT), ray.address, ray.namespace)


def sidecar_environment(config: Config, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment: no variable of this shell chooses another cluster or token."""
    kept = {key: value for key, value in environ.items() if not key.startswith(_DROPPED)}
    token = config.pool.ray.token_file
    auth = {"RAY_AUTH_MODE": "disabled"}
    if token:
        auth = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(Path(token).expanduser())}
    return {**kept, **auth, "RAY_USAGE_STATS_ENABLED": "0"}


class Sidecar:
    """The sidecar of one pool. Nothing is started before the first question."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self._argv, self._environment = tuple(argv), dict(environment)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._open: dict[int, Future[dict[str, Any]]] = {}
        """The questions without an answer; 0 is the greeting."""
        self._reader: threading.Thread | None = None
        self._number = 0
        self._failures = 0
        self._retry_s = 0.0
        self._error = ""
        self._began_s = 0.0
        self._words = b""
        self._is_closed = False
        self.version = ""
        """The version of ray; "": not connected yet."""

    def ask(self, op: str, limit_s: float = LIMIT_S, **fields: object) -> dict[str, Any]:
        """Ask and wait for the answer; blocks. Raises SidecarError."""
        greeting = self._connect()
        ends_s = time.monotonic() + limit_s
        self._wait(greeting, limit_s, is_greeting=True)
        left_s = max(1.0, ends_s - time.monotonic())
        answer = self._send(op, left_s, fields)
        return self._wait(answer, left_s + LATE_S)

    async def ask_soon(self, op: str, limit_s: float = LIMIT_S, **fields: object) -> dict[str, Any]:
        """Ask without blocking the event loop. Raises SidecarError; cancelling forgets the question."""
        greeting = self._connect()
        if not greeting.done():
            raise SidecarError("not connected to Ray yet")
        self._wait(greeting, 0.0, is_greeting=True)
        try:
            async with asyncio.timeout(limit_s + LATE_S):
                return _checked(await asyncio.wrap_future(self._send(op, limit_s, fields)))
        except TimeoutError:
            raise SidecarError("Ray did not answer in time") from None

    def close(self) -> None:
        """End the sidecar by the end of its pipe, and kill it after 2 s. The actors go on."""
        with self._lock:
            self._is_closed = True
            process = self._process
        if process is not None:
            self._end(process, 2.0)
        if self._reader is not None:
            self._reader.join(2.0)

    def _connect(self) -> Future[dict[str, Any]]:
        """Return the greeting of the sidecar that runs, which may be to come. Raises SidecarError."""
        with self._lock:
            if self._process is not None:
                return self._greeting
            if self._is_closed:
                raise SidecarError("the monitor ends")
            if time.monotonic() < self._retry_s:
                raise SidecarError(self._error)
            self._began_s, self._words, self._open = time.monotonic(), b"", {}
            try:
                process = start_session(
                    self._argv, None, self._environment, subprocess.PIPE, subprocess.PIPE, subprocess.PIPE
                )
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                self._note_failure(f"{self._argv[0]} cannot be started: {why}")
                raise SidecarError(self._error) from None
            self._process = process
            self._greeting: Future[dict[str, Any]] = Future()
            self._open[0] = self._greeting
            listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
            self._reader = threading.Thread(target=self._read, args=(process, listener), daemon=True)
            listener.start()
            self._reader.start()
            return self._greeting

    def _send(self, op: str, limit_s: float, fields: Mapping[str, object]) -> Future[dict[str, Any]]:
        with self._lock:
            process = self._process
            if process is None or process.stdin is None:
                raise SidecarError(self._error or "the sidecar has ended")
            self._number += 1
            answer: Future[dict[str, Any]] = Future()
            self._open[self._number] = answer
            line = msgspec.json.encode({"n": self._number, "op": op, "limit_s": limit_s, **fields})
            try:
                process.stdin.write(line + b"\n")
                process.stdin.flush()
            except (OSError, ValueError):
                pass  # its reader ends every open question, with its last words
            return answer

    def _wait(self, answer: Future[dict[str, Any]], limit_s: float, *, is_greeting: bool = False) -> dict[str, Any]:
        try:
            return _checked(answer.result(limit_s))
        except FutureTimeoutError:
            if is_greeting and time.monotonic() - self._began_s < CONNECT_LIMIT_S:
                raise SidecarError("Ray has not let the sidecar join the cluster yet") from None
            with self._lock:
                process = self._process
            if process is not None:
                self._end(process, 0.0)
            raise SidecarError("Ray did not answer in time") from None

    def _read(self, process: subprocess.Popen[bytes], listener: threading.Thread) -> None:
        """Pass each answer to its question, until the sidecar ends."""
        assert process.stdout is not None
        while True:
            line = process.stdout.readline(MAX_LINE_BYTES)
            if not line.endswith(b"\n"):
                break
            try:
                found = msgspec.json.decode(line, type=dict[str, Any])
                number = int(found["n"])
            except (ValueError, KeyError, TypeError):
                break
            with self._lock:
                answer = self._open.get(number) if number == 0 else self._open.pop(number, None)
            if number == 0:
                found = self._greeted(found)
            if answer is not None:
                with contextlib.suppress(InvalidStateError):  # cancelled meanwhile
                    answer.set_result(found)
        self._end(process, 0.5)
        listener.join()  # the sidecar has ended, and with it its end of the pipe
        process.stdout.close()
        with self._lock:
            self._process = None
            self._note_failure(self._last_words(process.returncode))
            left, self._open = list(self._open.values()), {}
        for each in left:
            with contextlib.suppress(InvalidStateError):
                each.set_result({"error": self._error})

    def _greeted(self, found: dict[str, Any]) -> dict[str, Any]:
        if "error" not in found and found.get("schema") != SCHEMA:
            found = {"error": "the sidecar is of another version"}
        with self._lock:
            if "error" in found:
                self._error = clean_text(str(found["error"]), 300)
            else:
                self.version, self._failures, self._error = clean_text(str(found.get("version", "")), 40), 0, ""
        return found

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        while more := process.stderr.read1(KEPT_STDERR_BYTES):  # type: ignore[attr-defined]
            self._words = (self._words + more)[-KEPT_STDERR_BYTES:]
        process.stderr.close()

    def _last_words(self, code: int | None) -> str:
        if self._error:
            return self._error
        lines = [line.strip() for line in self._words.decode(errors="replace").splitlines() if line.strip()]
        return clean_text(without_colours(lines[-1])) if lines else f"the sidecar ended with {code}"

    def _note_failure(self, why: str) -> None:
        self._error = why
        self._retry_s = time.monotonic() + PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1

    def _end(self, process: subprocess.Popen[bytes], limit_s: float) -> None:
        with contextlib.suppress(OSError, ValueError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise SidecarError(clean_text(str(answer["error"]), 300))
    return answer
