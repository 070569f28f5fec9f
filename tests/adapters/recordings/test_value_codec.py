"""Values of the core come back equal, and bytes that do not fit are refused."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.recordings.value_codec import ValueCodec
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.sample import BadValue, Event, Observation, Sample, WorkerStatus
from tests.support.examples import examples

SAMPLES: ValueCodec[tuple[Sample, ...]] = ValueCodec(tuple[Sample, ...])
NAN = BadValue("nan", "NaN")


class Colour(StrEnum):
    RED = "red"


class Place(NamedTuple):
    host: str
    slot: int


class Inner(msgspec.Struct, frozen=True):
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)
    kinds: frozenset[str] = frozenset()


class Outer(msgspec.Struct, frozen=True):
    colour: Colour
    by_place: Mapping[Place, Inner]
    pair: tuple[int, Inner] | None = None
    rows: tuple[tuple[float, Colour], ...] = ()
    bad: BadValue | None = None
    loose: Any = None
    parent: "Outer | None" = None


OUTERS: ValueCodec[Outer] = ValueCodec(Outer)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"a": 1, "b": [1.5, None, {"c": True}]},
        {"bad": NAN, "plain": 3},
        {"rows": (1, (2, NAN)), "list": [(1,), {"deep": NAN}]},
        {"why": "nan", "text": "a dict that looks like a bad value"},
        {"big": 2**64 - 1, "small": -(2**63), "nan": float("inf")},
    ],
)
def test_an_open_mapping_comes_back_equal_and_of_the_same_types(facts: dict[str, Any]) -> None:
    value = Outer(
        Colour.RED,
        {Place("", 3): Inner(facts, frozenset("a"))},
        (7, Inner(facts)),
        ((1.0, Colour.RED),),
        NAN,
        parent=Outer(Colour.RED, {}, (1, Inner(facts))),
    )
    assert repr(OUTERS.decode(OUTERS.encode(value))) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        Outer(Colour.RED, {}, loose=object()),
        Outer(Colour.RED, {}, loose=Inner()),
        Outer(Colour.RED, {Place("", 1): Inner({"a": object()})}),
        Outer(Colour.RED, {Place("", 1): Inner({"a": {1: 2}})}),
        Outer(Colour.RED, {Place("", 1): Inner({"a": 2**70})}),
    ],
)
def test_what_would_not_come_back_equal_is_not_encoded(value: Outer) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        OUTERS.encode(value)


def _nested(depth: int) -> bytes:
    return b"\x91" * depth + b"\x01"


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xc1",
        b"\x80",
        b"cos\nsystem\n(S'true'\ntR.",
        msgspec.msgpack.encode(([], [[0, {"a": 1}]])),
        msgspec.msgpack.encode(([{"t": "x"}], [])),
        msgspec.msgpack.encode(([{}], [])),
        msgspec.msgpack.encode(
            ([{"t": 1.0, "events": [{"t": 1.0, "kind": "a", "severity": "loud", "text": ""}]}], [])
        ),
        msgspec.msgpack.encode(([], [[-1, {}]])),
        b"\x92\x90\x91\x92\x00" + msgspec.msgpack.encode(msgspec.msgpack.Ext(77, b"")),
        b"\x92" + _nested(100_000),
        b"\x92\x91\x82\xa1t\x01\xa6events\x91\x81\xa5facts\x81\xa1a" + _nested(100_000),
    ],
)
def test_bytes_that_do_not_fit_are_a_value_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        SAMPLES.decode(damaged)


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_damage_is_read_or_a_value_error(data: st.DataObject) -> None:
    status = WorkerStatus({"step": 3, "loss": NAN, "rows": [{"n": 1}]}, frozenset({"step"}))
    sample = Sample(
        1.0, {WorkerRef(slot=2): Observation(status)}, events=(Event(1.0, "check", "ok", "", None, {"a": (1,)}),)
    )
    encoded = bytearray(SAMPLES.encode((sample,)))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = SAMPLES.decode(bytes(encoded))
    except ValueError:
        return
    assert all(isinstance(each, Sample) for each in decoded)


def test_the_fingerprint_follows_the_annotations() -> None:
    assert ValueCodec(Outer).fingerprint == OUTERS.fingerprint
    assert ValueCodec(Inner).fingerprint != OUTERS.fingerprint
