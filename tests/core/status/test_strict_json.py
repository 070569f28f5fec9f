"""The fast decoder returns what the lenient one returns, for every document, or leaves the document to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metabonk_tui.core.status import strict_json
from metabonk_tui.core.status.decode import decode_json, decode_lenient
from metabonk_tui.core.status.limits import MAX_DEPTH, MAX_ITEMS
from metabonk_tui.core.status.strict_json import UNDECIDED, decode_strict

PATIENT = settings(deadline=None)
NAMES = st.sampled_from(
    ["step", "reward", "api_key", "password", "url", "a\x01", "a\x02", 'quo"te', "back\\", "é", ""]
)
TEXTS = st.text(st.characters(codec=None)) | st.sampled_from(
    ["token=abcdef123456", "hunter2", 'a"b', "\\", "\\u0022", "sk-1234567890abcdef", "x" * 300, "\u202e", "\x7f", ""]
)
LITERALS = st.sampled_from(
    [
        *("NaN", "-Infinity", "1e999", "-0", "-0.0", "1e-400", "01", "1.", "+1", "true", "null", "[1,]", "'a'"),
        *("9" * 19, "1" + "0" * 19, "1" * 400, str(-(2**63)), str(-(2**63) - 1)),
        *('"a" "b"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\x"'),
    ]
)
SPACES = st.sampled_from(["", " ", "\n", "\t ", "\x0b"])


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """A document that may repeat a key, contain a bad number, or break the grammar."""
    kinds = ["object", "list", "text", "number", "literal"] if depth else ["text", "number", "literal"]
    kind = draw(st.sampled_from(kinds))
    space = draw(SPACES)
    if kind == "text":
        return json.dumps(draw(TEXTS), ensure_ascii=draw(st.booleans()))
    if kind == "number":
        return json.dumps(draw(st.integers() | st.floats()))
    if kind == "literal":
        return draw(LITERALS)
    count = draw(st.integers(0, 4))
    if kind == "list":
        return "[" + f"{space},".join(draw(documents(depth - 1)) for _ in range(count)) + "]"
    entries = (f"{json.dumps(draw(NAMES))}{space}:{space}{draw(documents(depth - 1))}" for _ in range(count))
    return "{" + ",".join(entries) + space + "}"


def same(body: bytes | str) -> Any:
    """Return what both decoders return; a repr also tells -0.0 from 0 and 1.0 from 1 or True."""
    found = decode_json(body)
    assert repr(found) == repr(decode_lenient(body))
    return found


@PATIENT
@given(documents())
@example('{"a\\u0001": 1, "a\\u0002": 2}')
@example('{"a": {"b": 1, "b": 1}}')
@example('{"a" :1,"a":"\\":"}')
@example('{"quo\\"te": 1, "a": 1, "a": "x"}')
def test_it_agrees_with_the_lenient_decoder(document: str) -> None:
    same(document)
    same(document.encode("utf-8", "surrogatepass"))


@PATIENT
@given(documents(), st.integers(0, 2000), st.binary(max_size=3))
def test_it_agrees_about_damaged_bytes(document: str, place: int, damage: bytes) -> None:
    body = document.encode("utf-8", "surrogatepass")
    at = place % (len(body) + 1)
    same(body[:at] + damage + body[at + 1 :])


@pytest.mark.parametrize(
    ("body", "decided"),
    [
        (b'{"step": 7, "x": [1, {"y": null}], "t": "menu_ui"}', True),
        (b'{"text": "a \\"quoted\\" word and a \\\\"}', True),
        (b'"text"', True),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, True),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), False),
        (b'{"a": 1, "a": 2}', False),
        (b'{"a": 1, "\\u0061": 2}', False),
        (b'{"x": {"a": "b", "a": "b"}}', False),
        (b'{"a": NaN}', False),
        (b'{"a": 1e999}', False),
        (b'{"a": 10000000000000000000}', False),
        (b'{"a": "\xff"}', False),
        (b'{"a\\u0001": 1}', False),
        (b'\xef\xbb\xbf{"a": 1}', False),
        (json.dumps({f"k{n}": n for n in range(MAX_ITEMS)}).encode(), True),
        (json.dumps({f"k{n}": n for n in range(MAX_ITEMS + 1)}).encode(), False),
        (json.dumps([0] * (MAX_ITEMS + 1)).encode(), False),
    ],
)
def test_it_decides_only_about_documents_without_a_fault(body: bytes, decided: bool) -> None:
    assert (decode_strict(body, MAX_DEPTH) is not UNDECIDED) == decided
    same(body)


def test_it_remembers_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "_clean_texts", {})
    document = {
        "password": "hunter2",
        "log": "token=hunter2hunter2",
        "list": ["Bearer hunter2hunter2"],
        "plain": "menu",
    }
    decode_json(json.dumps(document))
    assert ("plain", "menu") in strict_json._clean_texts
    assert "hunter2" not in repr(strict_json._clean_texts)


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "_MOST_KNOWN", 10)
    monkeypatch.setattr(strict_json, "_clean_texts", {})
    monkeypatch.setattr(strict_json, "_clean_names", set())
    for number in range(50):
        same(json.dumps({f"name{number}": f"text{number}", "long": "x" * 2000}))
        assert len(strict_json._clean_texts) <= 10
        assert len(strict_json._clean_names) <= 10
    assert max(len(text) for _, text in strict_json._clean_texts) <= strict_json._LONGEST_KNOWN
