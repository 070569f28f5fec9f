"""Finds the role of a process in a pool by its command line alone: a first sign, never a proof.

Does not: read processes, their memory or their parents. `ownership` decides which process may be signalled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from metabonk_tui.adapters.process.command_line import option, parse_command
from metabonk_tui.core.config.schema import ProcessesConfig
from metabonk_tui.core.model.host import SERVICES, Role
from metabonk_tui.core.model.refs import MAX_WORKERS

MAX_SLOTS = MAX_WORKERS
"""A pool's workers use at most this many ports, from the base port on; higher ports belong to another pool."""

_INSTANCE = re.compile(r"omega-(\d{1,4})")


class Match(Struct, frozen=True):
    """The role of a process, the index of the pattern that matched, and a worker's slot.

    `foreign`: the process belongs to another pool. `slot` None: no worker, or a command line without a slot.
    """

    role: Role
    pattern: int
    slot: int | None = None
    foreign: bool = False
    numbered: bool = False
    """Whether the port and the instance number agree on the slot."""


def recognise(arguments: Sequence[str], patterns: ProcessesConfig, base_port: int) -> Match | None:
    """Return the match of a process; None: no role.

    A process matches a pattern if it runs one of its texts, and every other text is one of its arguments. Programs
    that only mention a command line (docker, tmux, editors, wrappers) run something else.
    """
    program = parse_command(arguments)
    if not program.entry:
        return _ollama_by_marker(program.marker, patterns)
    roles: tuple[tuple[Role, list[list[str]]], ...] = (
        ("worker", patterns.worker),
        ("orchestrator", patterns.orchestrator),
        ("vision", patterns.vision),
        ("learner", patterns.learner),
        ("ollama", patterns.ollama),
        ("launcher", patterns.launcher),
    )
    for role, alternatives in roles:
        if role in ("worker", *SERVICES) and not program.is_python:
            continue
        for index, texts in enumerate(alternatives):
            if program.matches(texts):
                return _worker(program.arguments, index, base_port) if role == "worker" else Match(role, index)
    return None


def _ollama_by_marker(marker: str, patterns: ProcessesConfig) -> Match | None:
    """Return the match of inline code that its first argument names; only Ollama, which is never signalled."""
    found = [index for index, texts in enumerate(patterns.ollama) if marker and texts == [marker]]
    return Match("ollama", found[0]) if found else None


def slot_of_port(port: int, base_port: int) -> int | None:
    """Return the slot of a port; None: no port of this pool."""
    slot = port - base_port
    return slot if 0 <= slot < MAX_SLOTS else None


def instance_of(arguments: Sequence[str]) -> int | None:
    """Read N of `--instance-id omega-N`; None: not given."""
    found = _INSTANCE.fullmatch(option(arguments, "--instance-id") or "")
    return int(found[1]) if found else None


def port_of(arguments: Sequence[str]) -> int | None:
    """Read N of `--port N`; None: not given."""
    text = option(arguments, "--port") or ""
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def _worker(arguments: Sequence[str], pattern: int, base_port: int) -> Match:
    """Return the match of a worker: a port and an instance number that disagree are another pool's."""
    port, instance = port_of(arguments), instance_of(arguments)
    if port is not None:
        slot = slot_of_port(port, base_port)
        if slot is None or instance not in (None, slot):
            return Match("worker", pattern, foreign=True)
        return Match("worker", pattern, slot, numbered=instance is not None)
    if instance is not None and instance < MAX_SLOTS:
        return Match("worker", pattern, instance)
    return Match("worker", pattern)
