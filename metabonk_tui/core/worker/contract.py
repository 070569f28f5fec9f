"""Tracks which expected names the workers send in `/status`, and which vanish or change in mid-run. Pure.

A worker with the same names as in its last answer costs only the comparison of two tuples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.contract import ContractView, Expected, FieldStatus, NameView
from metabonk_tui.core.model.event import EventDraft, EventKind
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import WorkerStatus
from metabonk_tui.core.model.timing import Timing
from metabonk_tui.core.status.known_fields import expectations, format_names, nearest
from metabonk_tui.core.worker.tracker import WorkerTrack

STEADY_S = 60.0
"""Seconds; a name that was present for less may be one that comes and goes."""
MISSING_S = 30.0
"""Seconds; a name that is absent for less may come back."""
STEADY_INTERVALS, MISSING_INTERVALS = 5, 3
"""The same limits in sampling intervals, for sparse samples."""
NEVER_S = 60.0
"""Seconds; a worker that answers for this long after start-up has sent every name that it has."""
RENAME_NEAR = 0.6
"""Similarity that a rename needs. It is lower than `NEAR`, because one name goes as the other comes."""
KEPT_OTHERS = 500
"""Unexpected names kept in a run; MetaBonk sends about 130 names in all."""
KEPT_NEW = 20
KEPT_ORDERS = 4


class WorkerNames(Struct, frozen=True):
    """The names of one worker in one generation."""

    generation: int
    keys: frozenset[str]
    first_t: float
    last_t: float
    present: Mapping[str, float]
    """Expected names that are present, and since when without a known break."""
    missing: Mapping[str, float] = field(default_factory=dict)
    """Expected names that were steady and are absent, and since when."""
    new: Mapping[str, float] = field(default_factory=dict)
    """Unexpected names that appeared after the first answer, and when."""


class ContractTrack(Struct, frozen=True):
    """State of the names in one run."""

    expected: Mapping[str, Expected]
    workers: Mapping[WorkerRef, WorkerNames] = field(default_factory=dict)
    seen: Mapping[str, tuple[WorkerRef, ...]] = field(default_factory=dict)
    """Expected names, and who said them."""
    others: frozenset[str] = frozenset()
    others_more: bool = False
    observable: frozenset[str] | None = frozenset()
    """What could have been seen so far; None: everything."""
    vanished: Mapping[str, frozenset[WorkerRef]] = field(default_factory=dict)
    """Expected names that were emitted as vanished, and the workers that still lack them."""
    emitted_never_seen: bool = False
    view: ContractView | None = None
    drafts: tuple[EventDraft, ...] = ()
    """Events of this tick; every `observe` clears them."""


def new_contract(config: Config) -> ContractTrack:
    """Return the state of a run before its first answer."""
    return ContractTrack({expected_name.name: expected_name for expected_name in expectations(config)})


def observe(
    contract: ContractTrack,
    tracks: Mapping[WorkerRef, WorkerTrack],
    timing: Timing,
    gate_began_t: float | None,
) -> ContractTrack:
    """Update the names with the workers that answered in this tick. A gap in the answers interrupts steady names."""
    before, t, nominal_s, gap_s = contract, timing.t, timing.nominal_s, timing.gap_s
    steady_s, missing_s = max(STEADY_S, STEADY_INTERVALS * nominal_s), max(MISSING_S, MISSING_INTERVALS * nominal_s)
    known = dict(contract.workers)
    missing: dict[tuple[str, str | None], list[WorkerRef]] = {}
    for ref, track in tracks.items():
        status = track.status
        if status is None or track.last_good_t != t:
            continue
        old = known.get(ref)
        now = _observe_worker(old, track.generation, status, t, contract.expected, steady_s, gap_s)
        if old is None or (now.keys is not old.keys and now.keys != old.keys) or now.generation != old.generation:
            contract = _note_keys(contract, ref, status, now)
        if now.missing:
            due = [name for name, since_t in now.missing.items() if t - since_t >= missing_s]
            for name in due:
                missing.setdefault((name, _renamed(now, name)), []).append(ref)
            now = replace(now, missing={name: since for name, since in now.missing.items() if name not in due})
        known[ref] = now
    contract = _emit_missing(replace(contract, workers=known, drafts=()), missing)
    if contract.view is None or _differs(before, contract):
        contract = replace(contract, view=_view(contract))
    return _emit_never_seen(contract, t, gate_began_t)


def _observe_worker(
    old: WorkerNames | None,
    generation: int,
    status: WorkerStatus,
    t: float,
    expected: Mapping[str, Expected],
    steady_s: float,
    gap_s: float,
) -> WorkerNames:
    keys = _keys_of(status)
    if old is None or old.generation != generation:
        return WorkerNames(generation, keys, t, t, {name: t for name in keys if name in expected})
    if t - old.last_t > gap_s:
        # The hole hides what the worker sent: restart the time of every present and every missing name.
        old = replace(old, present=dict.fromkeys(old.present, t), missing=dict.fromkeys(old.missing, t))
    if keys is old.keys or keys == old.keys:
        return replace(old, keys=keys, last_t=t)
    present, missing, new = dict(old.present), dict(old.missing), dict(old.new)
    for name in old.keys - keys:
        new.pop(name, None)
        since_t = present.pop(name, None)
        if since_t is not None and old.last_t - since_t >= steady_s and _could_see(status, name):
            missing[name] = t
    for name in keys - old.keys:
        if name in expected:
            present[name] = t
            missing.pop(name, None)
        else:
            new[name] = t
    while len(new) > KEPT_NEW:
        new.pop(min(new, key=lambda name: new[name]))
    return replace(old, keys=keys, last_t=t, present=present, missing=missing, new=new)


def _keys_of(status: WorkerStatus) -> frozenset[str]:
    """Return the names of a status: the same object for workers that send the same names in the same order."""
    order = tuple(status.fields)
    for known, keys in _orders:
        if known == order:
            return keys
    keys = frozenset(order)
    _orders[:] = [(order, keys), *_orders[: KEPT_ORDERS - 1]]
    return keys


_orders: list[tuple[tuple[str, ...], frozenset[str]]] = []
"""The newest orders of names: comparing two takes half the time of comparing two sets."""


def _could_see(status: WorkerStatus, name: str) -> bool:
    return status.observable is None or name in status.observable


def _renamed(now: WorkerNames, name: str) -> str | None:
    """Return the similar name that appeared when this one vanished; None without one."""
    missing_t = now.missing[name]
    return nearest(
        name, (other for other, present_t in now.new.items() if abs(present_t - missing_t) < MISSING_S), RENAME_NEAR
    )


def _note_keys(contract: ContractTrack, ref: WorkerRef, status: WorkerStatus, now: WorkerNames) -> ContractTrack:
    expected = contract.expected
    seen, others, more = contract.seen, contract.others, contract.others_more
    fresh = [name for name in now.keys if name in expected and ref not in seen.get(name, ())]
    if fresh:
        seen = {**seen, **{name: tuple(sorted((*seen.get(name, ()), ref))) for name in fresh}}
    unexpected = [name for name in now.keys if name not in expected and name not in others]
    if unexpected:
        room = KEPT_OTHERS - len(others)
        others, more = others.union(sorted(unexpected)[:room]), more or len(unexpected) > room
    observable = contract.observable
    if observable is not None:
        wider = None if status.observable is None else observable | status.observable
        observable = observable if wider == observable else wider
    vanished = contract.vanished
    back = [name for name, refs in vanished.items() if ref in refs and name in now.keys]
    if back:
        left = {name: refs - {ref} if name in back else refs for name, refs in vanished.items()}
        vanished = {name: refs for name, refs in left.items() if refs}
    return replace(contract, seen=seen, others=others, others_more=more, observable=observable, vanished=vanished)


def _emit_missing(contract: ContractTrack, missing: Mapping[tuple[str, str | None], list[WorkerRef]]) -> ContractTrack:
    if not missing:
        return contract
    vanished = dict(contract.vanished)
    emitted: list[EventDraft] = []
    for (name, other), refs in missing.items():
        vanished[name] = vanished.get(name, frozenset()).union(refs)
        if other is None:
            text = f"{name} vanished from /status"
            emitted.append(EventDraft(EventKind.CONTRACT_VANISHED, "warn", text, tuple(refs)))
        else:
            text = f"{name} is now {other} in /status"
            emitted.append(EventDraft(EventKind.CONTRACT_RENAMED, "warn", text, tuple(refs)))
    return replace(contract, vanished=vanished, drafts=tuple(emitted))


def _emit_never_seen(contract: ContractTrack, t: float, gate_began_t: float | None) -> ContractTrack:
    view = contract.view
    if contract.emitted_never_seen or gate_began_t is None or t - gate_began_t < NEVER_S or view is None:
        return contract
    if not any(known.last_t - known.first_t >= NEVER_S for known in contract.workers.values()):
        return contract
    never = view.never_seen
    if not never:
        return replace(contract, emitted_never_seen=True)
    text = f"never seen in /status of any worker: {format_names(never)}"
    emitted = EventDraft(EventKind.CONTRACT_NEVER_SEEN, "warn", text, view.answered)
    return replace(contract, emitted_never_seen=True, drafts=(*contract.drafts, emitted))


def _differs(before: ContractTrack, after: ContractTrack) -> bool:
    """Return whether the view may have changed: these attributes are replaced only when they change."""
    return (
        after.seen is not before.seen
        or after.others is not before.others
        or after.observable is not before.observable
        or after.vanished is not before.vanished
        or after.workers.keys() != before.workers.keys()
    )


def _view(contract: ContractTrack) -> ContractView:
    return ContractView(
        answered=tuple(sorted(contract.workers)),
        names=tuple(_names(contract)),
        unexpected=tuple(sorted(contract.others)),
        unexpected_more=contract.others_more,
    )


def _names(contract: ContractTrack) -> Iterator[NameView]:
    for expected_name in contract.expected.values():
        workers = contract.seen.get(expected_name.name, ())
        status: FieldStatus = "seen" if workers else "never seen"
        if workers and contract.vanished.get(expected_name.name):
            status = "vanished"
        if not workers and contract.observable is not None and expected_name.name not in contract.observable:
            status = "not observed"
        yield NameView(
            name=expected_name.name,
            needed_by=expected_name.needed_by,
            needed=expected_name.needed,
            status=status,
            workers=workers,
            nearest=nearest(expected_name.name, sorted(contract.others))
            if status == "never seen" and expected_name.needed
            else None,
            by_alias=None
            if workers
            else next((name for name in expected_name.alternatives if name in contract.seen), None),
        )
