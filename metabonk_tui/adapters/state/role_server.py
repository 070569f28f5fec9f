"""Answers monitors that ask the controller of a pool for its role, on a thread of their own.

An idle controller yields: at once without a screen, else when the person agrees or has not answered for 10 s. A busy
one refuses. The listening socket itself is handed over, so that no third monitor can take it meanwhile. Another user
gets no socket, of which this process could keep a copy: the name is freed, if no process of the pool is this user's.
Does not: acquire the role for itself or ask for it; `ControllerRole` does.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from metabonk_tui.adapters.state import role_wire as wire
from metabonk_tui.adapters.state.holder_text import terminal
from metabonk_tui.adapters.state.role_wire import Peer
from metabonk_tui.core.model.level_names import Severity
from metabonk_tui.core.model.pool import RoleNews, RolePolicy, RoleRequest
from metabonk_tui.core.text.clean import clean_text

LOG = logging.getLogger(__name__)
ANSWER_S = 10.0
"""Seconds that a person at the screen has to answer; then an idle owner yields."""
MAX_CLIENTS = 16
SILENT_S = 3.0
"""A client that sends nothing is disconnected after this time."""


FULL_S = 0.2
FREED_S = 5.0
"""Seconds for which a controller that freed the name for another user leaves it alone."""


def _readable(sources: list[socket.socket], wait_s: float | None) -> list[socket.socket]:
    """Return the sockets with something to read; poll, because select fails from descriptor 1024 on."""
    poll = select.poll()
    by_fd: dict[int, socket.socket] = {}
    for source in sources:
        if (fd := source.fileno()) >= 0:
            # Another thread may have closed it; the next round takes the current ones.
            by_fd[fd] = source
            poll.register(fd, select.POLLIN)
    found = poll.poll(None if wait_s is None else max(0.0, wait_s) * 1000)
    return [by_fd[fd] for fd, _ in found]


class _Client(Struct):
    """One connection to the owner."""

    channel: socket.socket
    peer: Peer
    since_s: float = field(default_factory=time.monotonic)


class _Request(Struct):
    """The request that waits for an answer."""

    number: int
    client: _Client
    want: str
    ends_s: float
    answer: bool | None = None


def _is_foreign(peer: Peer) -> bool:
    """Return whether another user, who is not root, runs the process."""
    return peer.uid not in (0, os.geteuid())


class RoleServer:
    """The controller's side of one role. Thread-safe."""

    def __init__(self, name: str, policy: RolePolicy) -> None:
        """`name` names the socket; the thread starts when this monitor owns it."""
        self.name = name
        self.policy: RolePolicy = policy
        self.watch_armed = False
        """Whether this monitor's memory watch is armed: the role's borrower has to know."""
        self.watch_returns = ""
        """Which monitor has lent the role and arms its memory watch again afterwards; "": none."""
        self.has_pool = True
        """Whether processes of the pool are this user's. Without any, this controller can act on nothing."""
        self._freed_until_s = 0.0
        self.on_change: Callable[[], None] = lambda: None
        """Called from any thread after a request came, was answered or ended."""
        self._mutex = threading.RLock()
        self._busy = False
        self._listening: socket.socket | None = None
        self._since = 0.0
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._request: _Request | None = None
        self._requests = 0
        self._borrower: _Client | None = None
        """The monitor that has the role until it ends; then this one takes the role back."""
        self._lender: socket.socket | None = None
        """The connection to the monitor that gave this one the role."""
        self._news: list[RoleNews] = []

    def set_busy(self, busy: bool) -> None:
        """Mark that an operation begins or has ended: a busy controller does not yield."""
        with self._mutex:
            self._busy = busy

    @property
    def request(self) -> RoleRequest | None:
        """The request that waits for an answer; None: none."""
        with self._mutex:
            request = self._request
            if request is None:
                return None
            left_s = max(0.0, request.ends_s - time.monotonic())
            return RoleRequest(request.number, request.client.peer.text, request.want, left_s)

    def answer(self, number: int, yes: bool) -> None:
        """Answer a request; nothing if it has ended."""
        with self._mutex:
            if self._request is not None and self._request.number == number:
                self._request.answer = yes
        self._wake()

    def take_news(self) -> tuple[RoleNews, ...]:
        """Return what happened to the role since the last call."""
        with self._mutex:
            news, self._news = tuple(self._news), []
        return news

    # The owner's thread

    def _bind(self) -> bool:
        """Bind the socket; False while another process owns its name. Raises OSError."""
        listening = wire.new_socket()
        try:
            listening.bind("\0" + self.name)
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        self._own(listening)
        return True

    def _own(self, listening: socket.socket) -> None:
        """Become the controller with this socket, and answer on it."""
        listening.setblocking(False)
        # The kernel shows to clients which process called listen() last.
        listening.listen(MAX_CLIENTS)
        self._listening, self._since = listening, time.time()
        if self._thread is None:
            wakes, self._waker = socket.socketpair()
            self._thread = threading.Thread(
                target=self._serve, args=(wakes, self._waker), name="controller-role", daemon=True
            )
            self._thread.start()
        self._wake()

    def _serve(self, wakes: socket.socket, waker: socket.socket) -> None:
        with wakes, waker:
            wakes.setblocking(False)
            waker.setblocking(False)
            clients: list[_Client] = []
            try:
                while self._serve_once(wakes, clients):
                    pass
            except Exception:
                # Without this thread the lock still holds; only the answers to other monitors end.
                LOG.exception("the controller's role cannot be asked for any more")
                self._thread = None
            finally:
                if self._waker is waker:
                    self._waker = None
                for client in clients:
                    client.channel.close()

    def _serve_once(self, wakes: socket.socket, clients: list[_Client]) -> bool:
        """Answer what has come; return whether there is still something to serve."""
        with self._mutex:
            listening, borrower, lender, request = self._listening, self._borrower, self._lender, self._request
            if listening is None and borrower is None:
                # From here on the next owner starts its own thread.
                self._thread = None
                return False
        channels = [client.channel for client in clients] + ([borrower.channel] if borrower is not None else [])
        sources = [source for source in (wakes, listening, lender, *channels) if source is not None]
        wait_s = 1.0 if clients else None
        if request is not None:
            wait_s = min(1.0, max(0.0, request.ends_s - time.monotonic()))
        ready = _readable(sources, wait_s)
        if wakes in ready:
            wakes.recv(4096)
        accepted = True
        with self._mutex:
            if borrower is not None and borrower is self._borrower and borrower.channel in ready:
                self._take_back(borrower)
            if lender is not None and lender is self._lender and lender in ready:
                # A lender sends nothing: it has ended, and its watch does not come back.
                lender.close()
                self._lender, self.watch_returns = None, ""
            if listening is not None and listening is self._listening and listening in ready:
                accepted = self._accept(listening, clients)
            for client in tuple(clients):
                if client.channel in ready:
                    self._read(client, clients)
                elif (
                    self._request is None or client is not self._request.client
                ) and time.monotonic() - client.since_s > SILENT_S:
                    self._drop(client, clients)
            self._decide(clients)
        if not accepted:
            # Without free descriptors the socket stays readable: do not spin.
            time.sleep(FULL_S)
        return True

    def _accept(self, listening: socket.socket, clients: list[_Client]) -> bool:
        """Accept one client; return False when the kernel has no descriptor for it."""
        try:
            channel, _ = listening.accept()
        except OSError:
            return False
        channel.setblocking(False)
        if len(clients) >= MAX_CLIENTS:
            # The oldest goes: clients that send nothing must not keep out the one that asks.
            oldest = next(client for client in clients if self._request is None or client is not self._request.client)
            self._drop(oldest, clients)
        try:
            clients.append(_Client(channel, wire.peer_of(channel)))
        except OSError:
            channel.close()
        return True

    def _read(self, client: _Client, clients: list[_Client]) -> None:
        try:
            received = wire.receive(client.channel)
        except BlockingIOError:
            return
        if received is not None and received.listening is not None:
            received.listening.close()
        if received is None or "ask" not in received.message or self._request is not None:
            if self._request is not None and client is self._request.client:
                self._note("info", f"{client.peer.text} no longer asks for control")
                self._end_request()
            elif received is not None:
                state = "busy" if "ask" in received.message else "owner"
                wire.send(client.channel, {"state": state, "why": "another monitor asks already", **self._words()})
            self._drop(client, clients)
            return
        want = clean_text(str(received.message["ask"]), 80)
        if _is_foreign(client.peer) and self.has_pool:
            self._refuse(client, want, "the pool is of this user; only the same user or root may ask for control")
            self._drop(client, clients)
            return
        self._requests += 1
        wait_s = ANSWER_S if self.policy == "ask" else 0.0
        self._request = _Request(self._requests, client, want, time.monotonic() + wait_s)
        if wait_s and not self._busy:
            wire.send(client.channel, {"state": "waiting", **self._words()})
            self._note("warn", f"{client.peer.text} asks for control: {want}")

    def _decide(self, clients: list[_Client]) -> None:
        """Answer the request that waits, if it can be answered now."""
        request = self._request
        if request is None:
            return
        if self._busy:
            self._refuse(request.client, request.want, "an action on the pool is under way")
        elif self.policy == "keep":
            self._refuse(request.client, request.want, "it is about to act on the pool")
        elif request.answer is False:
            self._refuse(request.client, request.want, "the person at its screen refused")
        elif request.answer or time.monotonic() >= request.ends_s:
            how = "" if request.answer or self.policy != "ask" else f" after {ANSWER_S:.0f} s without an answer"
            self._yield_to(request, how, clients)
            return
        else:
            return
        self._drop(request.client, clients)
        self._end_request()

    def _yield_to(self, request: _Request, how: str, clients: list[_Client]) -> None:
        client, listening = request.client, self._listening
        message = {"state": "yielded", "watch": self.watch_armed, **self._words()}
        if listening is not None and _is_foreign(client.peer):
            self._freed_until_s = time.monotonic() + FREED_S
            self._listening = None
            listening.close()
            wire.send(client.channel, {"state": "freed", **self._words()})
            self._note("warn", f"control given up for {client.peer.text}{how}: {request.want}")
            self._drop(client, clients)
        elif listening is None or not wire.send(client.channel, message, listening=listening):
            self._note("info", f"{client.peer.text} no longer asks for control")
            self._drop(client, clients)
        else:
            listening.close()
            clients.remove(client)
            self._listening, self._borrower = None, client
            watch = "; the memory watch is off until then" if self.watch_armed else ""
            self._note(
                "warn", f"control yielded to {client.peer.text}{how}: {request.want}; it comes back afterwards{watch}"
            )
        self._end_request()

    def _take_back(self, borrower: _Client) -> None:
        """Take the role back from a borrower that returns it or has ended."""
        try:
            received = wire.receive(borrower.channel)
        except BlockingIOError:
            return
        borrower.channel.close()
        self._borrower = None
        listening = received.listening if received is not None else None
        if listening is not None and wire.is_role_socket(listening, self.name):
            self._own(listening)
        elif not self._try_bind():
            self._note("warn", f"{borrower.peer.text} has ended, and another monitor took control")
            self.on_change()
            return
        self._note("info", f"control is back from {borrower.peer.text}")
        self.on_change()

    def _try_bind(self) -> bool:
        try:
            return self._bind()
        except OSError as error:
            LOG.warning("socket @%s: %s", self.name, error)
            return False

    def _refuse(self, client: _Client, want: str, why: str) -> None:
        wire.send(client.channel, {"state": "refused", "why": why, **self._words()})
        self._note("info", f"control refused to {client.peer.text} ({want}): {why}")

    def _drop(self, client: _Client, clients: list[_Client]) -> None:
        client.channel.close()
        if client in clients:
            clients.remove(client)

    def _end_request(self) -> None:
        if self._request is not None:
            self._request = None
            self.on_change()

    def _note(self, severity: Severity, text: str) -> None:
        LOG.info("%s", text)
        self._news.append(RoleNews(severity, text))
        self.on_change()

    def _wake(self) -> None:
        waker = self._waker
        if waker is not None:
            try:
                waker.send(b"w")
            except OSError:
                # The buffer is full, or the thread has ended: it needs no other wake.
                return

    def _words(self) -> dict[str, Any]:
        return {"tty": terminal(), "since": self._since or None}
