"""Bytes from outside → a status or a named failure: never an exception, never a zero that was not sent."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metabonk_tui.core.model.sample import ERRORS, BadStatus, BadValue, Presence, WorkerStatus
from metabonk_tui.core.status import decode
from metabonk_tui.core.status.decode import (
    compared,
    decode_json,
    decode_status,
    flag,
    number,
    text,
    values,
)
from metabonk_tui.core.status.limits import MAX_ITEMS
from metabonk_tui.core.text.clean import MAX_TEXT, clean_text

PATIENT = settings(deadline=None)
"""How fast the machine is must not decide."""
UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, "-0", "0.0", "1e-400", "12.5", "9" * 19)


def status_of(document: str | bytes) -> WorkerStatus:
    found = decode_status(document.encode() if isinstance(document, str) else document)
    assert isinstance(found, WorkerStatus), found
    return found


def texts_in(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, BadValue):
        yield tree.text
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from texts_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from texts_in(value)


def floats_in(tree: Any) -> Iterator[float]:
    if isinstance(tree, float):
        yield tree
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from floats_in(value)


class TestCleanText:
    @pytest.mark.parametrize(
        ("raw", "cleaned"),
        [
            ("plain × – ●", "plain × – ●"),
            ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
            ("a\x9b2Jb", "a\ufffd2Jb"),
            ("a\nb\tc\rd", "a b c d"),
            ("\u202eevil", "\ufffdevil"),
            ("a\u2028b\u2029c", "a\ufffdb\ufffdc"),
            ("\ud800", "\ufffd"),
            ("\ue000", "\ufffd"),
            ("", ""),
        ],
    )
    def test_what_a_terminal_could_act_on_is_replaced(self, raw: str, cleaned: str) -> None:
        assert clean_text(raw) == cleaned

    def test_a_long_text_is_cut_and_says_so(self) -> None:
        assert clean_text("x" * 1000, 10) == "x" * 9 + "…"
        assert clean_text("x" * 10, 10) == "x" * 10

    @PATIENT
    @given(st.text(st.characters(codec=None)), st.integers(1, 300))
    def test_nothing_unsafe_is_left_and_nothing_is_too_long(self, raw: str, limit: int) -> None:
        cleaned = clean_text(raw, limit)
        assert len(cleaned) <= limit
        assert not {unicodedata.category(character) for character in cleaned} & UNSAFE

    @PATIENT
    @given(st.text(st.characters(codec=None)), st.integers(1, 300))
    def test_cleaning_twice_changes_nothing(self, raw: str, limit: int) -> None:
        assert clean_text(clean_text(raw, limit), limit) == clean_text(raw, limit)


class TestDecodeJson:
    @PATIENT
    @given(st.binary(max_size=400))
    @example(b"")
    @example(b"\xff\xfe{\x00}\x00")
    @example(b"[" * 100_000)
    @example(b'{"a":' * 100_000)
    @example(b'"\\ud800"')
    @example(b"1" * 100_000)
    def test_no_bytes_ever_raise(self, body: bytes) -> None:
        found = decode_json(body)
        assert not isinstance(found, BadStatus) or found.error in ERRORS
        status = decode_status(body)
        assert isinstance(status, WorkerStatus) or status.error in ERRORS

    @PATIENT
    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(codec=None)),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=30,
        )
    )
    def test_every_text_is_clean_and_every_number_finite(self, tree: Any) -> None:
        found = decode_json(json.dumps({"tree": tree}))
        if isinstance(found, BadStatus):
            assert found.error == "too deep"
            return
        assert all(clean_text(each) == each for each in texts_in(found))
        assert all(math.isfinite(each) for each in floats_in(found))

    @PATIENT
    @given(
        st.dictionaries(st.text("abc", min_size=1), st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
    )
    def test_a_harmless_document_comes_through_unchanged(self, document: dict[str, Any]) -> None:
        assert decode_json(json.dumps(document)) == document

    @PATIENT
    @given(st.sampled_from(NUMBERS), st.floats(allow_nan=False, allow_infinity=False))
    def test_one_bad_number_never_costs_the_others(self, bad: str, good: float) -> None:
        found = status_of(f'{{"bad": {bad}, "good": {good!r}}}')
        assert number(found, "good").value == good

    @pytest.mark.parametrize(
        ("literal", "why"),
        [
            ("NaN", "nan"),
            ("Infinity", "infinite"),
            ("-Infinity", "infinite"),
            ("1e999", "infinite"),
            ("-1e999", "infinite"),
            ("1" * 20, "too large"),
            ("-" + "1" * 5000, "too large"),
        ],
    )
    def test_a_number_that_is_none_is_marked_in_its_place(self, literal: str, why: str) -> None:
        bad = decode_json(f'[{{"reward": {literal}}}]')[0]["reward"]
        assert isinstance(bad, BadValue)
        assert bad.why == why
        assert literal.startswith(bad.text)

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            (b"", "not json"),
            (b"<html>busy</html>", "not json"),
            (b'{"step": 1', "not json"),
            (b'{"step": 1} trailing', "not json"),
            (b"{step: 1}", "not json"),
            (b"\xff\xfe\x00", "not json"),
            (b"[" * 100_000, "too deep"),
            (b"[" * 33 + b"]" * 33, "too deep"),
            (b'{"a":' * 33 + b"1" + b"}" * 33, "too deep"),
            (b"[1, 2]", "not an object"),
            (b'"text"', "not an object"),
            (b"12", "not an object"),
            (b"null", "not an object"),
            (b"NaN", "not an object"),
        ],
    )
    def test_what_is_no_status_has_a_name(self, body: bytes, error: str) -> None:
        found = decode_status(body)
        assert isinstance(found, BadStatus)
        assert found.error == error

    def test_as_deep_as_allowed_is_not_too_deep(self) -> None:
        assert not isinstance(decode_json(b"[" * 32 + b"]" * 32), BadStatus)

    def test_a_byte_order_mark_is_no_part_of_the_document(self) -> None:
        assert number(status_of(b'\xef\xbb\xbf{"step": 7}'), "step").value == 7
        assert decode_json('\ufeff{"step": 7}') == {"step": 7}

    def test_bytes_that_are_no_utf8_are_replaced(self) -> None:
        assert text(status_of(b'{"state": "menu\xff"}'), "state") == "menu\ufffd"

    def test_names_and_texts_are_cleaned_and_cut(self) -> None:
        found = status_of(json.dumps({"\x1b[2J": "\x07" * 3, "k" * 5000: "v" * 5000}))
        assert set(found.fields) == {"\ufffd[2J", "k" * (MAX_TEXT - 1) + "…"}
        assert found.fields["\ufffd[2J"] == "\ufffd" * 3

    def test_ten_thousand_names_are_cut_not_refused(self) -> None:
        found = status_of(json.dumps({"step": 3} | {f"k{n}": n for n in range(10_000)}))
        assert len(found.fields) == MAX_ITEMS
        assert number(found, "step").value == 3


class TestFields:
    @pytest.mark.parametrize(
        ("document", "presence", "value", "why"),
        [
            ('{"n": 3}', Presence.VALUE, 3.0, None),
            ('{"n": 0}', Presence.VALUE, 0.0, None),
            ('{"n": -2.5}', Presence.VALUE, -2.5, None),
            ("{}", Presence.ABSENT, None, None),
            ('{"n": null}', Presence.NULL, None, None),
            ('{"n": NaN}', Presence.BAD, None, "nan"),
            ('{"n": 1e999}', Presence.BAD, None, "infinite"),
            ('{"n": "3"}', Presence.BAD, None, "wrong type"),
            ('{"n": true}', Presence.BAD, None, "wrong type"),
            ('{"n": [1]}', Presence.BAD, None, "wrong type"),
            ('{"n": {"m": 1}}', Presence.BAD, None, "wrong type"),
        ],
    )
    def test_a_number_is_what_it_is_and_never_a_default(
        self, document: str, presence: Presence, value: float | None, why: str | None
    ) -> None:
        found = number(status_of(document), "n")
        assert (found.presence, found.value) == (presence, value)
        assert (found.bad.why if found.bad else None) == why

    def test_below_its_minimum_a_number_is_bad(self) -> None:
        assert number(status_of('{"n": -1}'), "n", minimum=0).bad == BadValue("negative", "-1")
        assert number(status_of('{"n": 0}'), "n", minimum=0).value == 0

    def test_what_could_not_have_been_seen_is_unobserved_not_absent(self) -> None:
        recorded = WorkerStatus({"step": 1.0}, frozenset({"step", "reward"}))
        assert number(recorded, "reward").presence is Presence.ABSENT
        assert number(recorded, "meta_success_sequences").presence is Presence.UNOBSERVED
        assert number(None, "step").presence is Presence.UNOBSERVED

    def test_a_recording_can_hold_what_json_cannot(self) -> None:
        recorded = WorkerStatus({"reward": math.nan, "bad": BadValue("nan", "NaN")})
        assert number(recorded, "reward").bad == BadValue("nan", "nan")
        assert number(recorded, "bad").bad == BadValue("nan", "NaN")

    @pytest.mark.parametrize(
        ("literal", "value"),
        [("true", True), ("false", False), ("1", True), ("0", False), ("1.0", True), ("2", None), ("null", None)],
    )
    def test_a_flag_is_true_false_or_not_known(self, literal: str, value: bool | None) -> None:
        assert flag(status_of(f'{{"f": {literal}}}'), "f") is value

    @pytest.mark.parametrize("literal", ["NaN", '"true"', "[]", "{}"])
    def test_what_is_no_flag_is_not_known(self, literal: str) -> None:
        assert flag(status_of(f'{{"f": {literal}}}'), "f") is None
        assert flag(status_of("{}"), "f") is None
        assert flag(None, "f") is None

    def test_a_text_is_a_text_with_something_in_it(self) -> None:
        found = status_of('{"a": "menu_ui", "b": "", "c": 3, "d": null}')
        assert [text(found, name) for name in "abcde"] == ["menu_ui", None, None, None, None]
        assert text(None, "a") is None


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ('{"step": 1, "step": 2}', {"step": BadValue("duplicate", "1 and 2")}),
        ('{"step": 1, "step": 1}', {"step": BadValue("duplicate", "1 and 1")}),
        ('{"a": 1, "step": NaN, "step": null}', {"a": 1, "step": BadValue("duplicate", "NaN and None")}),
        ('{"a": {"b": 1, "b": 2}}', {"a": {"b": BadValue("duplicate", "1 and 2")}}),
        ('{"a\\u0001": 1, "a\\u0002": 2}', {"a\ufffd": BadValue("duplicate", "1 and 2")}),
        ('{"a": 1, "A": 2}', {"a": 1, "A": 2}),
    ],
)
def test_a_repeated_key_is_a_bad_value(document: str, fields: dict[str, Any]) -> None:
    status = status_of(document)
    assert status.fields == fields
    assert number(status, "step").presence in (Presence.BAD, Presence.ABSENT)


@pytest.mark.parametrize(("literal", "good"), [(str(-(2**63)), True), (str(-(2**63) - 1), False), ("9" * 19, True)])
def test_a_whole_number_of_more_than_64_bits_is_too_large(literal: str, good: bool) -> None:
    assert (number(status_of(f'{{"step": {literal}}}'), "step").presence is Presence.VALUE) == good


def test_a_repeated_secret_stays_a_secret() -> None:
    assert "hunter2" not in repr(status_of('{"password": "hunter2", "password": "hunter2"}'))


# Several fields at once


SOME_VALUES = (
    0, 1, -1, 0.5, -0.5, 2**70, True, False, None, "", "1", "text",
    math.nan, math.inf, [1], [True], {"a": 1}, BadValue("nan", "NaN"),
)  # fmt: skip


@pytest.mark.parametrize("value", SOME_VALUES)
def test_values_finds_what_number_finds(value: Any) -> None:
    status = WorkerStatus({"a": value})
    assert values(status, ("a", "b")) == [number(status, "a").value, None]
    assert [decode.value(status, "a"), decode.value(status, "b")] == [number(status, "a").value, None]


@pytest.mark.parametrize("other", SOME_VALUES)
@pytest.mark.parametrize("value", SOME_VALUES)
def test_what_is_compared_equals_what_values_finds(value: Any, other: Any) -> None:
    status = WorkerStatus({"a": value, "b": other})
    assert compared(status, ("a", "b", "c")) == values(status, ("a", "b", "c"))
