"""Writes the metric contract of a run as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from metabonk_tui.core.model.contract import ContractView, NameView
from metabonk_tui.core.model.refs import worker_ranges

SCHEMA = 1
WIDTH = 100


def contract_json(view: ContractView) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "workers": [ref.written for ref in view.answered],
        "expected": [_name_json(name) for name in view.names],
        "never_seen": [name.name for name in view.never_seen],
        "unexpected": list(view.unexpected),
        "unexpected_more": view.unexpected_more,
    }


def _name_json(name: NameView) -> dict[str, Any]:
    return {
        "name": name.name,
        "needed": name.needed,
        "needed_by": list(name.needed_by),
        "standing": name.status,
        "workers": [ref.written for ref in name.workers],
        "nearest": name.nearest,
        "by_alias": name.by_alias,
    }


def contract_text(view: ContractView) -> str:
    """Write the contract in aligned lines: a headline that counts the missing names, then one line per name."""
    return "\n".join(_lines(view))


def _lines(view: ContractView) -> Iterator[str]:
    needed = [name for name in view.names if name.needed]
    optional = [name for name in view.names if not name.needed]
    yield _headline(view, needed)
    yield ""
    yield f"expected: {len(needed)} names"
    yield from _table(view, needed)
    yield ""
    yield f"optional: {len(optional)} names, read where a worker serves them"
    yield from _table(view, optional)
    yield ""
    more = " and more" if view.unexpected_more else ""
    yield f"unexpected: {len(view.unexpected)} names{more}, seen and not read"
    if view.unexpected:
        yield from textwrap.wrap(
            ", ".join(view.unexpected),
            WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _headline(view: ContractView, needed: list[NameView]) -> str:
    if not view.answered:
        return "no worker answered, so no name was observed"
    blind = sum(name.status == "not observed" for name in needed)
    unseen = f", {blind} could not be observed" if blind else ""
    where = worker_ranges(view.answered)
    if view.never_seen:
        return f"{len(view.never_seen)} of {len(needed)} expected names never seen on {where}{unseen}"
    seen = "every expected name that could be was seen" if blind else "every expected name was seen"
    return f"{seen} on {where}{unseen}"


def _table(view: ContractView, names: list[NameView]) -> Iterator[str]:
    rows = [(_standing(view, name), name.name, _note(name)) for name in names]
    first, second = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    for status, name, note in rows:
        yield f"  {status.ljust(first)}  {name.ljust(second)}  {note}".rstrip()


def _standing(view: ContractView, name: NameView) -> str:
    if not view.answered:
        return "not observed"
    if name.status == "never seen":
        return "NEVER SEEN" if name.missed else "not seen"
    if name.status == "seen" and len(name.workers) < len(view.answered):
        return f"seen {len(name.workers)}/{len(view.answered)}"
    return name.status


def _note(name: NameView) -> str:
    note = ", ".join(name.needed_by)
    if name.by_alias is not None:
        return f"{note}; seen as {name.by_alias}"
    return f"{note}; nearest seen: {name.nearest}" if name.nearest else note
