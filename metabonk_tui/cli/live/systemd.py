"""Tells systemd how we are, by plain datagrams; silent where nobody asked to be told."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class SystemdNotifier:
    """The socket that $NOTIFY_SOCKET names."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        # An abstract name is written with "@" for its leading zero byte.
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._socket: socket.socket | None = None
        self._ready = False

    def ready(self) -> None:
        """Say, once, that we have begun."""
        if not self._ready:
            self._ready = True
            self._send(b"READY=1")

    def alive(self) -> None:
        """Say that we are alive; twice in the time that the watchdog allows is enough, every tick does no harm."""
        self._send(b"WATCHDOG=1")

    def stopping(self) -> None:
        """Say that we are about to end."""
        self._send(b"STOPPING=1")

    def _send(self, message: bytes) -> None:
        if not self._address:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto(message, self._address)
        except OSError:
            # Who does not listen is not told; a watchdog that is not reached says so itself.
            return

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
