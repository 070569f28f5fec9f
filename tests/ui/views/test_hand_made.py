"""Hand-made Snapshots cannot drift from what the core makes: the same types, and no field that it never fills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from metabonk_tui.core.model.deferred import Deferred
from metabonk_tui.core.model.event import EventKind
from metabonk_tui.core.model.snapshot import Snapshot
from tests.support import snapshots as scenes
from tests.ui.views.test_real import stories


def filled(value: Any, seen: dict[str, set[str]], skip: frozenset[str] = frozenset({"state"})) -> None:
    """Note for each field, "Type.field", of which types its values are."""
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            if name in skip:
                continue
            held = getattr(value, name)
            if held is not None:
                seen.setdefault(f"{type(value).__name__}.{name}", set()).add(kind_of(held))
                filled(held, seen)
    elif isinstance(value, Mapping):
        for held in value.values():
            filled(held, seen)
    elif isinstance(value, tuple | list | Deferred):
        for held in value:
            filled(held, seen)


def kind_of(value: Any) -> str:
    """Name a value's type; whole numbers stand for numbers, and containers for each other."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    if isinstance(value, EventKind):
        return "str"  # a recording may hold other kinds
    return "container" if isinstance(value, tuple | list | Mapping | frozenset | Deferred) else type(value).__name__


def real() -> Iterator[Snapshot]:
    for snapshots in stories().values():
        yield from snapshots[::7]
        yield snapshots[-1]


def test_hand_made_snapshots_have_the_types_that_the_core_makes() -> None:
    made: dict[str, set[str]] = {}
    for snapshot in real():
        filled(snapshot, made)
    drawn: dict[str, set[str]] = {}
    for make in scenes.SCENES.values():
        filled(make(), drawn)
    wrong = {name: (kinds, made[name]) for name, kinds in drawn.items() if name in made and not kinds <= made[name]}
    assert wrong == {}
    types = {name.split(".")[0] for name in drawn} & {name.split(".")[0] for name in made}
    assert {"Snapshot", "WorkerView", "ComponentView", "MemoryView", "Verdict", "Gate", "RunView"} <= types


def test_every_verdict_of_a_hand_made_snapshot_is_one_that_the_core_reaches() -> None:
    reached = {snapshot.verdict.kind for snapshot in real()}
    drawn = {make().verdict.kind for make in scenes.SCENES.values()}
    assert drawn - reached <= {"ADD MEMORY WATCH", "TUNE EPSILON", "UNDECIDED", "WAITING", "LAUNCH 24H"}
