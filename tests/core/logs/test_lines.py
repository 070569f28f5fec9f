"""Lines of bytes: where they are, what of them is shown, and that no secret is."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.core.logs.lines import LINE_CHARACTERS, Origin, continue_traceback, line_text, parse_lines
from metabonk_tui.core.text.mask import MASK, mask_each, mask_lines
from tests.support.examples import examples

ORIGIN = Origin("w0", 0, UTC, 2e9)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (b"ends\r", "ends"),
        (b" 10%|#   |\r 90%|### |", " 90%|### |"),
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"a\tb", "a    b"),
        (b"\0" * 5000 + b"after", "[5000 zero bytes]after"),
        (b"caf\xc3\xa9 \xff", "caf\u00e9 \ufffd"),
    ],
)
def test_a_line_is_shown_as_a_terminal_would(raw: bytes, shown: str) -> None:
    assert line_text(raw) == shown


def test_each_line_has_its_place_and_its_length() -> None:
    content = b"first\n\n  \nsecond \xff\nlast"
    lines, _ = parse_lines(content, 100, ORIGIN)
    assert [(line.id.offset, line.bytes, line.is_partial) for line in lines] == [
        (100, 5, False),
        (110, 8, False),
        (119, 4, True),
    ]


def test_controls_are_cleaned_and_a_long_line_says_how_long_it_is() -> None:
    lines, _ = parse_lines(b"bell \x07 \x1b]0;title\x07end\n" + b"x" * 100_000 + b"\n", 0, ORIGIN)
    assert lines[0].text == "bell \ufffd end"
    assert not lines[0].is_cut
    assert len(lines[1].text) == LINE_CHARACTERS
    assert lines[1].is_cut
    assert lines[1].bytes == 100_000


def test_the_message_begins_after_the_time_and_the_name() -> None:
    (line,), _ = parse_lines(b"2026-11-29 13:12:12 [worker:omega-3] WARN: x\n", 0, ORIGIN)
    assert line.message == "WARN: x"
    assert line.level == "warning"
    assert line.text.startswith("2026-11-29"), "whole on Enter, and where it is searched"


def test_no_secret_is_shown_and_the_lines_around_a_key_keep_their_places() -> None:
    body = b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
    content = b"token=abcdef123456\n-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\nafter\n" % body
    lines, _ = parse_lines(content, 0, ORIGIN)
    assert body.decode() not in "".join(line.text for line in lines)
    assert lines[0].text == f"token={MASK}"
    assert (lines[-1].text, lines[-1].id.offset) == ("after", content.index(b"after"))


def test_a_traceback_that_begins_in_an_older_block_is_marked_to_its_exception() -> None:
    lines, _ = parse_lines(b"  File x\nqueue.Empty\nafter\n", 50, ORIGIN)
    assert [line.level for line in lines] == ["", "", ""]
    continue_traceback(lines)
    assert [line.level for line in lines] == ["trace", "error", ""]


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=300), st.integers(0, 40))
def test_any_bytes_are_lines_that_print_and_name_their_bytes(content: bytes, begin: int) -> None:
    lines, _ = parse_lines(content, begin, ORIGIN)
    for line in lines:
        assert line.text.isprintable() or "\n" not in line.text
        raw = content[line.id.offset - begin :][: line.bytes]
        assert b"\n" not in raw
        assert len(raw) == line.bytes


KEY_PARTS = st.sampled_from(
    ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "MIIEvQIBADANBg==", "password: hunter22", "plain", ""]
)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(KEY_PARTS, max_size=8))
def test_each_line_is_masked_as_the_whole_output_is(lines: list[str]) -> None:
    masked = mask_each(lines)
    assert len(masked) == len(lines)
    assert [line for line in masked if line is not None] == mask_lines(lines)
