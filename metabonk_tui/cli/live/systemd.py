"""Sends readiness and watchdog datagrams to systemd. Does nothing without $NOTIFY_SOCKET."""

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
        """Send READY=1, at most once."""
        if not self._ready:
            self._ready = True
            self._send(b"READY=1")

    def alive(self) -> None:
        """Send WATCHDOG=1. systemd expects two per watchdog interval; one per tick is harmless."""
        self._send(b"WATCHDOG=1")

    def stopping(self) -> None:
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
            # Without a listener there is nothing to do. A watchdog that receives nothing acts by itself.
            return

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
