"""Names the socket of a pool's controller and carries messages over it, with the peer's identity from the kernel.

An abstract Unix socket belongs to a network namespace, as a pool's ports do: it needs no folder, works across users,
and disappears with its process. Does not: decide who gets the role.
"""

from __future__ import annotations

import array
import hashlib
import json
import os
import re
import socket
import stat
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from metabonk_tui.adapters.host.local import is_this_machine
from metabonk_tui.adapters.process.proc import Proc, read_bytes
from metabonk_tui.adapters.state.holder_text import holder_text

HAS_ABSTRACT_SOCKETS = sys.platform == "linux"
MAX_BYTES = 4096
"""Limit of one message: another user's process may write anything."""
_UCRED = struct.Struct("3i")
_FD_BYTES = array.array("i").itemsize


class Peer(NamedTuple):
    """The process at the other end, as the kernel names it."""

    pid: int
    """0: the process is in another pid namespace."""
    uid: int

    @property
    def text(self) -> str:
        """The process for people: "pid 4711", "pid 4711 of root"."""
        pid = f"pid {self.pid}" if self.pid else "a process of another container"
        if self.uid == os.geteuid():
            return pid
        return f"{pid} of {'root' if self.uid == 0 else f'uid {self.uid}'}"


def role_name(host: str, port: int) -> str:
    """Return the name of a pool's role: one for every spelling of this machine, because a wildcard listens on all."""
    plain = host.strip("[] ").rstrip(".").lower()
    where = "local" if not plain or is_this_machine(plain) else re.sub(r"[^a-z0-9.:_-]", "_", plain)
    if len(where) > 60:
        # The kernel limits a socket's name to 107 bytes.
        where = hashlib.sha256(plain.encode()).hexdigest()[:32]
    return f"metabonk-tui-{port}-{where}"


def new_socket() -> socket.socket:
    """Return a Unix socket that keeps the boundaries of messages; children do not inherit it."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)


def connect(name: str, timeout_s: float) -> socket.socket | None:
    """Connect to the role's owner; None: there is none. Raises OSError, for example ConnectionRefusedError."""
    channel = new_socket()
    try:
        channel.settimeout(timeout_s)
        channel.connect("\0" + name)
    except ConnectionRefusedError:
        channel.close()
        if is_bound(name):
            raise
        return None
    except BaseException:
        channel.close()
        raise
    return channel


def is_bound(name: str) -> bool:
    """Return whether a process owns the name; it need not listen."""
    return _inode_of(name) is not None


def binder_of(name: str) -> Peer | None:
    """Return the process that owns a name on which no process listens; None: gone, or not visible to this user."""
    inode = _inode_of(name)
    if inode is None:
        return None
    for pid in Proc().pids():
        folder = f"/proc/{pid}/fd"
        try:
            if any(os.readlink(f"{folder}/{fd}") == f"socket:[{inode}]" for fd in os.listdir(folder)):
                return Peer(pid, os.stat(folder).st_uid)
        except OSError:
            # Another user's process, or one that has just ended.
            continue
    return None


def is_suspended(pid: int) -> bool:
    """Return whether the process is stopped, for example by Ctrl-Z: it cannot answer."""
    return (read_bytes(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])


def _inode_of(name: str) -> str | None:
    for line in (read_bytes("/proc/net/unix") or b"").splitlines():
        # Num: RefCount Protocol Flags Type St Inode Path
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7] == f"@{name}".encode():
            return fields[6].decode()
    return None


def peer_of(channel: socket.socket) -> Peer:
    """Return which process is at the other end. Raises OSError."""
    pid, uid, _ = _UCRED.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(pid, uid)


def send(channel: socket.socket, message: Mapping[str, Any], *, listening: socket.socket | None = None) -> bool:
    """Send a message, with the listening socket if given; False: the peer is gone or does not read."""
    body = json.dumps(message).encode()[:MAX_BYTES]
    fds = [] if listening is None else [listening.fileno()]
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        channel.sendmsg([body], ancillary, socket.MSG_NOSIGNAL)
    except OSError:
        return False
    return True


class Received(NamedTuple):
    """One message, and the listening socket that came with it."""

    message: Mapping[str, Any]
    listening: socket.socket | None


def receive(channel: socket.socket) -> Received | None:
    """Read one message; None: the peer has closed, or sent no JSON object. Raises TimeoutError, BlockingIOError."""
    try:
        body, ancillary, _, _ = channel.recvmsg(MAX_BYTES, socket.CMSG_SPACE(4 * _FD_BYTES), socket.MSG_CMSG_CLOEXEC)
    except (TimeoutError, BlockingIOError):
        raise
    except OSError:
        return None
    fds = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % _FD_BYTES])
    listening = _take_socket(fds)
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        if listening is not None:
            listening.close()
        return None
    return Received(message, listening)


def is_role_socket(channel: socket.socket, name: str) -> bool:
    """Return whether a received socket is the listening socket of this name."""
    try:
        return channel.getsockname() in (("\0" + name).encode(), "\0" + name)
    except OSError:
        return False


def describe(message: Mapping[str, Any], peer: Peer) -> str:
    """Describe the role's owner: "pid 4711 of root on pts/3 since 14:02"; only the kernel's part is proved."""
    return holder_text(peer.text, message.get("tty"), message.get("since"))


def _take_socket(fds: Iterable[int]) -> socket.socket | None:
    """Return the first received socket, and close everything else that came."""
    found: socket.socket | None = None
    for fd in fds:
        if found is None and stat.S_ISSOCK(os.fstat(fd).st_mode):
            found = socket.socket(fileno=fd)
        else:
            os.close(fd)
    return found
