"""Holds the exclusive right to act on one pool, and asks another monitor for it.

The owner of the pool's role socket is the controller. Where there are no abstract sockets, a file lock replaces it,
and nothing can be asked. Does not: know what the controller does.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from metabonk_tui.adapters.state import role_wire as wire
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.adapters.state.role_server import ANSWER_S, RoleServer
from metabonk_tui.core.model.pool import RolePolicy
from metabonk_tui.core.text.clean import clean_text

ASK_S = 12.0
"""Seconds that the asking monitor waits: longer than `ANSWER_S`."""
RETRY_S = 0.5
DESCRIBED_S = 2.0
"""Seconds for which the owner's description is kept: a follower asks for it in every tick."""
GREETING_S = 0.3


class ControllerRole(RoleServer):
    """The role of one pool. Thread-safe."""

    def __init__(self, name: str, fallback: Path, policy: RolePolicy = "yield") -> None:
        """`name` names the socket, `fallback` is the lock file where there are no abstract sockets."""
        super().__init__(name, policy)
        self._file = None if wire.HAS_ABSTRACT_SOCKETS else PoolLock(fallback)
        self._described: tuple[float, str] = (-DESCRIBED_S, "")
        self._suspended_s: float | None = None
        """Since when this process is about to stop, or has stopped, and must not take the role; None: it runs."""
        self._was_held = False

    @property
    def path(self) -> str:
        """Where the role is, for messages."""
        return str(self._file.path) if self._file is not None else f"socket @{self.name}"

    @property
    def held(self) -> bool:
        """Whether this monitor is the controller."""
        return self._file.held if self._file is not None else self._listening is not None

    def try_acquire(self) -> bool:
        """Acquire or keep the role; False while another monitor has it. Raises OSError."""
        if self._suspended_s is not None:
            return False
        if self._file is not None:
            return self._file.try_acquire()
        with self._mutex:
            if self._listening is not None:
                return True
            if self._borrower is not None or time.monotonic() < self._freed_until_s:
                return False
            return self._bind()

    def holder(self) -> str:
        """Describe the controller: "pid 4711 on pts/3 since 14:02"; "" if there is none."""
        if self._file is not None:
            return self._file.holder()
        now_s = time.monotonic()
        if now_s - self._described[0] >= DESCRIBED_S or not self._described[1]:
            self._described = (now_s, self._describe_owner())
        return self._described[1]

    def release(self) -> None:
        """Give the role up: back to its lender, else free for everyone."""
        if self._file is not None:
            self._file.release()
            return
        with self._mutex:
            listening, lender, borrower = self._listening, self._lender, self._borrower
            self._listening = self._lender = self._borrower = None
            self.watch_returns = ""
            if lender is not None:
                if listening is not None:
                    wire.send(lender, {"state": "returned"}, listening=listening)
                lender.close()
            if borrower is not None:
                borrower.channel.close()
            if listening is not None:
                listening.close()
            self._end_request()
            thread = self._thread
        self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(1.0)

    def suspend(self) -> None:
        """Give the role up before this process stops itself, unless an action is under way: that keeps others out."""
        with self._mutex:
            if self._busy:
                return
            self._was_held, self._suspended_s = self.held, time.monotonic()
        if self._was_held or self._borrower is not None:
            self.release()

    def resume(self) -> None:
        """Allow this monitor to take the role again after its process has continued."""
        if self._suspended_s is None:
            return
        stopped_s, self._suspended_s = time.monotonic() - self._suspended_s, None
        if self._was_held:
            self._note("warn", f"suspended for {stopped_s:.0f} s: control of the pool was given up meanwhile")

    def ask(self, want: str, on_wait: Callable[[str], None], limit_s: float = ASK_S) -> str:
        """Ask the controller for the role; return "" when this monitor has it, else why not. May block `limit_s`.

        `on_wait` gets each text on what is waited for.
        """
        if self._file is not None:
            return f"{self._file.holder() or 'another monitor'} controls this pool; it cannot be asked on this system"
        ends_s = time.monotonic() + limit_s
        why = ""
        while True:
            try:
                if self.try_acquire():
                    return ""
                why, final = self._ask_once(want, on_wait, ends_s)
            except OSError as error:
                why, final = f"{self.holder() or self.path}: {error.strerror or error}", False
            if not why:
                return ""
            if final or time.monotonic() >= ends_s:
                return why
            time.sleep(RETRY_S)

    def _ask_once(self, want: str, on_wait: Callable[[str], None], ends_s: float) -> tuple[str, bool]:
        """Return why the role was not given ("": it was), and whether another attempt is useless."""
        channel = wire.connect(self.name, max(0.1, ends_s - time.monotonic()))
        if channel is None:
            return "the controller has just ended", False
        keep = False
        try:
            peer = wire.peer_of(channel)
            on_wait(f"{self.holder() or peer.text} controls this pool; asking it for control")
            if not wire.send(channel, {"ask": want, **self._words()}):
                return f"{peer.text} has just ended", False
            owner = peer.text
            while (left_s := ends_s - time.monotonic()) > 0:
                channel.settimeout(left_s)
                received = wire.receive(channel)
                if received is None:
                    return f"{owner} has ended without an answer", False
                message = received.message
                owner, state = wire.describe(message, peer), message.get("state")
                if state == "waiting":
                    on_wait(f"waiting: a person at {owner} may refuse; an idle monitor yields after {ANSWER_S:.0f} s")
                elif state == "yielded" and received.listening is not None:
                    keep = self._take_over(channel, received.listening, owner, bool(message.get("watch")))
                    return ("", True) if keep else (f"{owner} gave a socket of another pool", True)
                elif state == "freed":
                    return f"{owner} gave control up, and another monitor took it", False
                else:
                    why = clean_text(str(message.get("why", "it gave no reason")), 200)
                    return f"{owner} controls this pool and refuses: {why}", state != "busy"
            return _no_answer(owner, peer.pid), True
        except TimeoutError:
            return _no_answer(peer.text, peer.pid), True
        finally:
            if not keep:
                channel.close()

    def _take_over(self, channel: socket.socket, listening: socket.socket, owner: str, watch: bool) -> bool:
        if not wire.is_role_socket(listening, self.name):
            listening.close()
            return False
        with self._mutex:
            channel.setblocking(False)
            self._lender = channel
            self.watch_returns = owner if watch else ""
            self._own(listening)
        return True

    def _describe_owner(self) -> str:
        """Ask the owner for its terminal; its pid and user come from the kernel."""
        try:
            channel = wire.connect(self.name, GREETING_S)
        except OSError:
            binder = wire.binder_of(self.name)
            return f"{binder.text if binder else 'a process'}, which does not answer on {self.path}"
        if channel is None:
            return ""
        with channel:
            try:
                peer = wire.peer_of(channel)
                wire.send(channel, {"hello": 1})
                received = wire.receive(channel)
            except OSError:
                return f"{peer.text}, which does not answer"
            return wire.describe(received.message if received is not None else {}, peer)


def _no_answer(owner: str, pid: int) -> str:
    if wire.is_suspended(pid):
        return f"{owner} controls this pool and is suspended: resume it with fg or kill -CONT {pid}, or end it"
    return f"{owner} controls this pool and does not answer: end it, then try again"
