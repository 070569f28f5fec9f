"""JSON as RFC 8259 has it: what a decoder must accept, what it must refuse, and where the standard leaves the choice.

The workers are not bound to it: Python writes NaN. Where the monitor takes more than it must, the value is marked bad.
"""

from __future__ import annotations

from typing import Any

import pytest

from metabonk_tui.core.model.sample import BadStatus, BadValue
from metabonk_tui.core.status.decode import decode_json, decode_lenient
from metabonk_tui.core.status.limits import MAX_DEPTH

ACCEPT: list[tuple[bytes, Any]] = [
    (b"{}", {}),
    (b" [ ] ", []),
    (b"\r\n\t 7\n", 7),
    (b"[null,true,false]", [None, True, False]),
    (b"[0,-0,-1,10]", [0, 0, -1, 10]),
    (b"[0.5,-0.5,5e3,5E+3,5e-3,1.25E2]", [0.5, -0.5, 5000.0, 5000.0, 0.005, 125.0]),
    (b"9223372036854775807", 2**63 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b'{"":1}', {"": 1}),
    (b'{"a":{"b":[{"c":0}]}}', {"a": {"b": [{"c": 0}]}}),
    (b'"\\"\\\\\\/"', '"\\/'),
    (b'"\\u0041\\u00e9"', "Aé"),
    (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
    ('"\N{GRINNING FACE} é"'.encode(), "\N{GRINNING FACE} é"),
    (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
]
"""Documents that every decoder takes, with the value. None: only that it is taken."""

REFUSE = [
    *(b"", b" ", b"\x00", b"\xef\xbb\xbf"),
    *(b"01", b"-01", b"1.", b".5", b"-", b"- 1", b"+1", b"1e", b"1e+", b"1.e2", b"0x1f", b"1_000", b"1,5"),
    *(b"nan", b"inf", b"-nan", b"Nan", b"undefined", b"None", b"True", b"tru", b"nulll", b"truefalse"),
    *("\N{FULLWIDTH DIGIT ONE}".encode(), "\N{ARABIC-INDIC DIGIT ONE}".encode(), "1\N{SUPERSCRIPT TWO}".encode()),
    *(b"'a'", b'"a', b'a"', b'"\\"', b'"\\x41"', b'"\\u12"', b'"\\u12g4"', b'"\\U00000041"', b'"\\'),
    *(b'"\t"', b'"\n"', b'"\x00"', b'"\x1f"'),
    *(b"[", b"]", b"[1", b"[1,", b"[1,]", b"[,1]", b"[1,,2]", b"[1 2]", b"[1;2]", b"[1}", b"[[]", b"[]]"),
    *(b"{", b"}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{,"a":1}', b'{"a" 1}', b'{"a"::1}', b'{"a":1 "b":2}'),
    *(b"{a:1}", b"{'a':1}", b"{1:2}", b"{null:1}", b"{[]:1}", b'{"a":1', b'{"a":1]'),
    *(b"// 1\n1", b"/* */ 1", b"# 1\n1", b"1 // one"),
    *(b"1 2", b"[] []", b"{} x", b"[1]\x00", b"[1]\x0b", b"1\x0c", b"\xa01", "\N{LINE SEPARATOR}1".encode()),
    *(b"\xff\xfe1\x00", b"\xfe\xff\x001", b"\xff", b"[\xff]"),
]
"""Documents that no decoder may take."""

EITHER: list[tuple[bytes, Any]] = [
    (b"NaN", BadValue("nan", "NaN")),
    (b"[Infinity,-Infinity]", [BadValue("infinite", "Infinity"), BadValue("infinite", "-Infinity")]),
    (b"1e999", BadValue("infinite", "1e999")),
    (b"-1e999", BadValue("infinite", "-1e999")),
    (b"1e-999", 0.0),
    (b"100000000000000000000", BadValue("too large", "100000000000000000000")),
    (b'{"a":1,"a":2}', {"a": BadValue("duplicate", "1 and 2")}),
    (b'{"a":1,"\\u0061":1}', {"a": BadValue("duplicate", "1 and 1")}),
    (b"\xef\xbb\xbf7", 7),
    (b'"\\ud800"', "\ufffd"),
    (b'"\\udc00\\ud800"', "\ufffd\ufffd"),
    (b'"\\u0000"', "\ufffd"),
    (b'"\x7f"', "\ufffd"),
    (b'"\xff"', "\ufffd"),
    (b'"\xc0\xaf"', "\ufffd\ufffd"),
    (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), BadStatus("too deep")),
    (b"[" * 100_000, BadStatus("too deep")),
    (b'{"a":' * 100_000, BadStatus("too deep")),
]
"""Documents on which decoders differ, and what becomes of them here."""


def named(cases: list[Any]) -> list[Any]:
    """Give the cases short names."""
    bodies = [case[0] if isinstance(case, tuple) else case for case in cases]
    return [pytest.param(case, id=ascii(body[:24])) for case, body in zip(cases, bodies, strict=True)]


def decoded(body: bytes) -> Any:
    """Return what both decoders return; they agree about every document."""
    found = decode_json(body)
    assert repr(found) == repr(decode_lenient(body))
    return found


@pytest.mark.parametrize("case", named(ACCEPT))
def test_what_is_json_is_taken(case: tuple[bytes, Any]) -> None:
    body, value = case
    found = decoded(body)
    assert not isinstance(found, BadStatus)
    assert value is None or (repr(found) == repr(value))


@pytest.mark.parametrize("body", named(REFUSE))
def test_what_is_no_json_is_refused_by_name(body: bytes) -> None:
    found = decoded(body)
    assert isinstance(found, BadStatus)
    assert found.error == "not json"


@pytest.mark.parametrize("case", named(EITHER))
def test_where_the_standard_leaves_the_choice(case: tuple[bytes, Any]) -> None:
    body, value = case
    assert repr(decoded(body)) == repr(value)
