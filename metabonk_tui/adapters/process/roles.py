"""Finds the role of a process in a pool by its command line alone.

Does not: read processes, their memory or their parents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metabonk_tui.core.config.schema import ProcessesConfig
from metabonk_tui.core.model.host import Role

MAX_SLOTS = 64
"""A pool's workers use at most 64 ports, from the base port on; higher ports belong to another pool."""

# These name a program in their arguments without being it.
_SHELLS = ("sh", "bash", "dash", "zsh", "fish", "ksh", "tmux", "screen", "zellij", "script", "ssh", "mosh-client")
_WRAPPERS = ("sudo", "su", "doas", "env", "timeout", "nohup", "setsid", "nice", "ionice", "stdbuf", "systemd-run")
_EDITORS = ("vi", "vim", "nvim", "view", "nano", "micro", "emacs", "hx", "kak", "code")
_READERS = ("less", "more", "tail", "head", "cat", "bat", "find", "grep", "egrep", "rg", "ag", "diff", "git", "xargs")
_WATCHERS = ("watch", "entr", "ps", "pgrep", "pkill", "top", "htop", "strace", "ltrace", "gdb", "perf", "make")
_MENTIONERS = frozenset(_SHELLS + _WRAPPERS + _EDITORS + _READERS + _WATCHERS)
_SCRIPT_OPTION = re.compile(r"-[A-Za-z]*c")
_SLOT = re.compile(r"omega-(\d+)")


@dataclass(frozen=True, slots=True)
class Match:
    """The role of a process, the index of the pattern that matched, and a worker's slot.

    `foreign`: the process belongs to another pool. `slot` None: no worker, or a command line without a slot.
    """

    role: Role
    pattern: int
    slot: int | None = None
    foreign: bool = False


def recognise(name: str, arguments: Sequence[str], patterns: ProcessesConfig, base_port: int) -> Match | None:
    """Return the match of a process; None: no role.

    A process matches if its command line contains every text of one pattern. Shells, editors and other programs
    that only mention a command line never match.
    """
    if not arguments or name.partition(":")[0] in _MENTIONERS:
        return None
    line = " ".join(_without_script(arguments))
    roles: tuple[tuple[Role, list[list[str]]], ...] = (
        ("worker", patterns.worker),
        ("orchestrator", patterns.orchestrator),
        ("ollama", patterns.ollama),
        ("launcher", patterns.launcher),
    )
    for role, alternatives in roles:
        for index, texts in enumerate(alternatives):
            if texts and all(text in line for text in texts):
                if role != "worker":
                    return Match(role, index)
                return Match(role, index, *_slot(arguments, base_port))
    return None


def option(arguments: Sequence[str], name: str) -> str | None:
    """Find the value of `NAME VALUE` or `NAME=VALUE`; `name` includes its dashes. None: not given."""
    for index, argument in enumerate(arguments):
        if argument == name and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(f"{name}="):
            return argument[len(name) + 1 :]
    return None


def slot_of_port(port: int, base_port: int) -> int | None:
    """Return the slot of a port; None: no port of this pool."""
    slot = port - base_port
    return slot if 0 <= slot < MAX_SLOTS else None


def _slot(arguments: Sequence[str], base_port: int) -> tuple[int | None, bool]:
    port = option(arguments, "--port")
    if port is not None and port.isdecimal():
        slot = slot_of_port(int(port), base_port)
        return slot, slot is None
    instance = _SLOT.fullmatch(option(arguments, "--instance-id") or "")
    if instance and int(instance[1]) < MAX_SLOTS:
        return int(instance[1]), False
    return None, False


def _without_script(arguments: Sequence[str]) -> list[str]:
    """Drop the program text of `python -c TEXT`: it may quote any command line."""
    if "python" in arguments[0].rpartition("/")[2]:
        for index, argument in enumerate(arguments[1:6], start=1):
            if _SCRIPT_OPTION.fullmatch(argument):
                return [*arguments[: index + 1], *arguments[index + 2 :]]
            if not argument.startswith("-") and arguments[index - 1] not in ("-X", "-W"):
                break
    return list(arguments)
