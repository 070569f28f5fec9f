"""Blocks of a large file: read backwards and forwards they are the lines of the whole, and a time is found in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.files.blocks import (
    LONGEST_BYTES,
    find_after,
    find_before,
    find_time,
    read_after,
    read_before,
)
from tests.support.examples import examples


@contextmanager
def opened(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("log")
    try:
        os.write(descriptor, content)
        yield descriptor
    finally:
        os.close(descriptor)


CONTENTS = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=30).map(
    lambda lines: b"".join(line + b"\n" for line in lines)
)


@settings(max_examples=examples(200), deadline=None)
@given(CONTENTS, st.integers(1, 40))
def test_backwards_in_blocks_is_the_same_as_whole(content: bytes, block_bytes: int) -> None:
    with opened(content) as descriptor:
        at, parts = len(content), []
        while at > 0:
            begin, part = read_before(descriptor, at, block_bytes)
            assert begin < at
            assert begin == 0 or content[begin - 1 : begin] == b"\n", "a block begins with a line"
            parts.insert(0, part)
            at = begin
        assert b"".join(parts) == content


@settings(max_examples=examples(200), deadline=None)
@given(CONTENTS, st.binary(max_size=5).filter(lambda rest: b"\n" not in rest), st.integers(1, 40))
def test_forwards_in_blocks_is_the_same_as_whole_without_the_line_that_is_not_ended(
    content: bytes, rest: bytes, block_bytes: int
) -> None:
    size = len(content) + len(rest)
    with opened(content + rest) as descriptor:
        at, read = 0, b""
        while True:
            end, part = read_after(descriptor, at, size, block_bytes)
            read += part
            if end == at:
                break
            at = end
    assert read == content
    assert at == len(content)


def test_a_line_without_an_end_is_read_in_pieces() -> None:
    with opened(b"x" * (3 * LONGEST_BYTES)) as descriptor:
        begin, part = read_before(descriptor, 3 * LONGEST_BYTES)
        assert (begin, len(part)) == (2 * LONGEST_BYTES, LONGEST_BYTES)
        end, part = read_after(descriptor, 0, 3 * LONGEST_BYTES)
        assert (end, len(part)) == (LONGEST_BYTES, LONGEST_BYTES)


def time_of(line: bytes) -> float | None:
    return float(line[1:]) if line.startswith(b"t") else None


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=80), st.integers(-1, 300), st.integers(8, 64))
def test_the_first_line_that_is_not_before_a_time_is_found(
    steps: list[tuple[bool, int]], wanted: int, block_bytes: int
) -> None:
    t, lines = 0, []
    for is_timed, step in steps:
        t += step
        lines.append(b"t%d" % t if is_timed else b"-")
    content = b"".join(line + b"\n" for line in lines)
    expected = next((i for i, line in enumerate(lines) if (at := time_of(line)) is not None and at >= wanted), None)
    with opened(content) as descriptor:
        found = find_time(descriptor, len(content), wanted, time_of, block_bytes)
    assert found == 0 or content[found - 1 : found] == b"\n"
    if expected is not None and all(is_timed for is_timed, _ in steps):
        assert found == sum(len(line) + 1 for line in lines[:expected])


def test_a_time_in_a_sparse_gigabyte_takes_few_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.write(b"t1\n")
        file.seek(1 << 30)
        file.write(b"\nt2\n")
    reads: list[int] = []
    whole = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        part = whole(descriptor, length, offset)
        reads.append(len(part))
        return part

    monkeypatch.setattr(os, "pread", counted)
    descriptor = os.open(log, os.O_RDONLY)
    try:
        find_time(descriptor, log.stat().st_size, 1.5, time_of)
    finally:
        os.close(descriptor)
    assert len(reads) < 60
    assert sum(reads) < 8 * LONGEST_BYTES


@settings(max_examples=examples(150), deadline=None)
@given(CONTENTS, st.sampled_from([b"a", b"\x00", b"ab"]), st.integers(0, 400))
def test_a_text_is_found_in_the_nearest_line_before_and_after(content: bytes, text: bytes, at: int) -> None:
    at = content.rfind(b"\n", 0, min(at, len(content))) + 1
    lines, offset = [], 0
    for line in content.splitlines(keepends=True) if b"\r" not in content else []:
        lines.append((offset, line))
        offset += len(line)
    if offset != len(content):
        return  # splitlines knows more ends of lines than a log
    holds = [begin for begin, line in lines if text in line.lower()]
    with opened(content) as descriptor:
        before, _ = find_before(descriptor, at, text, 1 << 20)
        after, _ = find_after(descriptor, at, len(content), text, 1 << 20)
    assert before == next((begin for begin in reversed(holds) if begin < at), None)
    assert after == next((begin for begin in holds if begin >= at), None)


def test_a_search_stops_after_so_many_bytes_and_says_where() -> None:
    size = 4 * LONGEST_BYTES
    with opened(b"hit\n" + b"x\n" * (size // 2 - 2)) as descriptor:
        found, to = find_before(descriptor, size, b"hit", 2 * LONGEST_BYTES)
        assert (found, to) == (None, 2 * LONGEST_BYTES)
        assert find_before(descriptor, to, b"hit", 2 * LONGEST_BYTES) == (0, 0)
        assert find_after(descriptor, 4, size, b"hit", LONGEST_BYTES) == (None, 4 + LONGEST_BYTES)
        assert find_after(descriptor, 4, size, b"hit", 2 * size) == (None, size)
