"""Selects workers by conditions: `rss>1g state=menu meta=absent up<5m !down`, each of which must hold.

A number that is not known meets no condition but `rss=?`. Pure, and never raises: an error is a text for people.
Does not: sort or draw.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from metabonk_tui.core.model.condition import condition, needs_attention
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView
from metabonk_tui.core.text.similar import most_similar
from metabonk_tui.core.worker.metrics import BYTES, BYTES_PER_MIN, SECONDS, WORKER_METRICS

ComponentName = tuple[str, str]
"""Id and label of a component."""
TermTest = Callable[[WorkerView, float], bool | None]
"""Whether a worker meets a condition at a time of the run's clock; None: not known."""
NumberKind = Literal["size", "time", "number"]
NumberReader = Callable[[WorkerView, float], float | None]

ILL = "ill"
"""The word for a worker that needs attention; a longer word is looked for as text."""
UNKNOWN = "?"
"""The value that stands for "not known": `rss=?`."""
SIZES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
TIMES_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
EXAMPLES: Mapping[NumberKind, str] = {"size": ">1g", "time": "<5m", "number": ">1"}
KIND_WORDS: Mapping[NumberKind, str] = {"size": "a size", "time": "a time", "number": "a number"}
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
ALIASES = {
    "gen": "generation",
    "rate": "step_rate",
    "step/s": "step_rate",
    "eps": "epsilon",
    "frames": "frames_rate",
    "fps": "frames_rate",
    "ep": "episode",
}
_TERM = re.compile(r"([^<>=!]+)(>=|<=|!=|>|<|=)(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?")
_SIZE = re.compile(r"([+-]?\d{1,18}(?:\.\d{1,18})?)([kmgt])b?")
_TIME = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)(ms|s|m|h|d)")
_PARTS = re.compile(r"[a-z]+|\d+")


class FilterTerm(Struct, frozen=True):
    """One term of a filter."""

    text: str
    holds: TermTest
    negated: bool = False

    def matches(self, worker: WorkerView, t: float) -> bool | None:
        """Return whether a worker meets it; None: not known, negated or not."""
        found = self.holds(worker, t)
        return found if found is None else found != self.negated


class Filter(Struct, frozen=True):
    """The conditions that a text names."""

    conditions: tuple[FilterTerm, ...] = ()
    error: str = ""
    """What is wrong with the first term that is no condition; "" for nothing."""

    def matches(self, worker: WorkerView, t: float) -> bool | None:
        """Return whether a worker meets every condition; None: it fails none, and a number is not known."""
        is_unknown = False
        for term in self.conditions:
            met = term.matches(worker, t)
            if met is False:
                return False
            is_unknown = is_unknown or met is None
        return None if is_unknown else True


def components_of(snapshot: Snapshot) -> tuple[ComponentName, ...]:
    """Return id and label of the components, in the order of the configuration."""
    return tuple((part.id, part.label) for worker in snapshot.workers[:1] for part in worker.components)


@lru_cache(maxsize=64)
def parse_filter(text: str, components: tuple[ComponentName, ...]) -> Filter:
    """Parse what was typed. A term with an error is left out, and the first error is named."""
    conditions: list[FilterTerm] = []
    error = ""
    for term in text.split():
        negated = term.startswith("!")
        wanted = term[1:] if negated else term
        if not wanted:
            continue
        made = _condition(wanted, components)
        if isinstance(made, str):
            error = error or made
        else:
            conditions.append(FilterTerm(term, made, negated))
    # A plain word is looked for in a text that must be made first: 2 us a worker, a number 0.4 us.
    conditions.sort(key=lambda condition: _TERM.fullmatch(condition.text.removeprefix("!")) is None)
    return Filter(tuple(conditions), error)


def _condition(term: str, components: tuple[ComponentName, ...]) -> TermTest | str:
    """Return what a term without its `!` asks of a worker, or what is wrong with it."""
    parts = _TERM.fullmatch(term)
    if parts is None:
        if term[0] in "<>=":
            return f"{term}: a field is missing; try rss{term if len(term) > 1 else '>1g'}"
        wanted = term.lower()
        if wanted == ILL:
            return lambda worker, t: needs_attention(condition(worker))
        return lambda worker, t: wanted in searched_text(worker)
    name, sign, value = parts[1].lower(), parts[2], parts[3].lower()
    if (number := NUMBERS.get(ALIASES.get(name, name))) is not None:
        return _number_condition(name, sign, value, *number)
    if name in TEXTS:
        return _text_condition(name, sign, value, TEXTS[name])
    if (component := _find_component(name, components)) is not None:
        return _component_condition(name, sign, value, component)
    return _unknown_field(name, components)


def _number_condition(name: str, sign: str, value: str, kind: NumberKind, read: NumberReader) -> TermTest | str:
    example = f"{name}{EXAMPLES[kind]}"
    if value == UNKNOWN:
        return _is_unknown(sign, read) or f"{name}: only = and != ask what is not known; try {name}=?"
    if not value:
        return f"{name}{sign} needs {KIND_WORDS[kind]}; try {example}"
    wanted = _number(value, kind)
    if isinstance(wanted, str):
        return f"{name}: `{value}` {wanted}; try {example}"
    compare, limit = OPERATORS[sign], wanted

    def holds(worker: WorkerView, t: float) -> bool | None:
        found = read(worker, t)
        return None if found is None else compare(found, limit)

    return holds


def _number(value: str, kind: NumberKind) -> float | str:
    """Return the number that a text stands for, or what is wrong with it."""
    if kind == "size":
        if (size := _SIZE.fullmatch(value)) is not None:
            return float(size[1]) * SIZES[size[2]]
        if _NUMBER.fullmatch(value) is not None:
            return 0.0 if float(value) == 0 else "has no unit"
        return "is not a size"
    if kind == "time" and _TIME.match(value) is not None:
        if re.fullmatch(f"(?:{_TIME.pattern})+", value) is not None:
            return sum(float(number) * TIMES_S[unit] for number, unit in _TIME.findall(value))
        return "is not a time"
    if _NUMBER.fullmatch(value) is not None:
        return float(value)
    return f"is not {KIND_WORDS[kind]}"


def _is_unknown(sign: str, read: Callable[[WorkerView, float], object]) -> TermTest | None:
    if sign not in ("=", "!="):
        return None
    return lambda worker, t: (read(worker, t) is None) == (sign == "=")


def _text_condition(name: str, sign: str, value: str, read: Callable[[WorkerView], str | None]) -> TermTest | str:
    example = f"{name}=menu" if name == "state" else f"{name}=..."
    if value == UNKNOWN and (asked := _is_unknown(sign, lambda worker, t: read(worker))) is not None:
        return asked
    if sign not in ("=", "!="):
        return f"{name}: only = and != compare a text; try {example}"
    if not value:
        return f"{name}{sign} needs a text; try {example}"

    def holds(worker: WorkerView, t: float) -> bool | None:
        found = read(worker)
        return None if found is None else (value in found.lower()) == (sign == "=")

    return holds


def _component_condition(name: str, sign: str, value: str, component_id: str) -> TermTest | str:
    def part_of(worker: WorkerView) -> ComponentView | None:
        return next((part for part in worker.components if part.id == component_id), None)

    def shown(worker: WorkerView, t: float) -> float | None:
        part = part_of(worker)
        return None if part is None else part.shown_value

    if value and (value == UNKNOWN or _NUMBER.fullmatch(value) is not None):
        return _number_condition(name, sign, value, "number", shown)
    states = [state.value.lower() for state in ComponentState if value and state.value.lower().startswith(value)]
    if not states and not (value and "stands".startswith(value)):
        what = f"`{value}` is no state and no number" if value else f"{name}{sign} needs a state or a number"
        return f"{name}: {what}; try {name}=absent"
    if sign not in ("=", "!="):
        return f"{name}: only = and != compare a state; try {name}=absent"

    def holds(worker: WorkerView, t: float) -> bool | None:
        part = part_of(worker)
        if part is None:
            return None
        return (part.state.value.lower() in states or part.word.lower().startswith(value)) == (sign == "=")

    return holds


def _find_component(name: str, components: Iterable[ComponentName]) -> str | None:
    """Return the id of the first component that has a name like this: "ui", "sys2", "meta-seq", "game"."""
    wanted = _PARTS.findall(name)
    known = list(components)
    for text_at in (0, 1):
        for component in known:
            if name == component[text_at].lower():
                return component[0]
    for component in known:
        for text in component:
            words = _PARTS.findall(text.lower())
            for at in range(len(words) - len(wanted) + 1):
                if wanted and all(word.startswith(part) for part, word in zip(wanted, words[at:], strict=False)):
                    return component[0]
    return None


def _unknown_field(name: str, components: tuple[ComponentName, ...]) -> str:
    known = [*NUMBERS, *ALIASES, *TEXTS, *(component_id for component_id, _ in components)]
    near = most_similar(name, known)
    hint = f"did you mean {near}?" if near else "try rss, step, rate, up, gen, pid, state, meta"
    return f"{name}: no such field; {hint}"


def searched_text(worker: WorkerView) -> str:
    """Return the text in which a plain term must occur: id, port, UI state, reach, marks, component states."""
    marks = " ".join(attention.mark for attention in worker.attention)
    states = " ".join(part.state.value for part in worker.components)
    return f"{worker.ref.label} :{worker.port} {worker.ui_state or ''} {worker.reach} {marks} {states}".lower()


def _up_s(worker: WorkerView, t: float) -> float | None:
    return None if worker.pid_started_at is None else max(0.0, t - worker.pid_started_at)


def _metric(read: Callable[[WorkerView], float | None]) -> NumberReader:
    return lambda worker, t: read(worker)


KINDS: Mapping[object, NumberKind] = {BYTES: "size", BYTES_PER_MIN: "size", SECONDS: "time"}
NUMBERS: Mapping[str, tuple[NumberKind, NumberReader]] = {
    **{metric.id: (KINDS.get(metric.unit, "number"), _metric(metric.read)) for metric in WORKER_METRICS},
    "slot": ("number", lambda worker, t: worker.slot),
    "port": ("number", lambda worker, t: worker.port),
    "pid": ("number", lambda worker, t: worker.pid),
    "up": ("time", _up_s),
}
"""By name: what kind of number it is, and its reader."""
TEXTS: Mapping[str, Callable[[WorkerView], str | None]] = {
    "state": lambda worker: worker.ui_state,
    "host": lambda worker: str(worker.ref.host),
}
