"""The lines between monitor and agent: strict where they are read, one minor version apart at most."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.agent.protocol import (
    SCHEMA,
    Failed,
    Hello,
    Open,
    ReadSample,
    answer,
    encoded,
    request,
    version_problem,
)


@pytest.mark.parametrize("line", [Open(SCHEMA, "0.1.0", 5000, 3, env_file="a.env"), ReadSample(7, fresh=True)])
def test_a_request_is_read_as_it_was_sent(line: Open | ReadSample) -> None:
    assert request(encoded(line)) == line


@pytest.mark.parametrize("line", [Hello(SCHEMA, "0.1.0"), Failed("no")])
def test_an_answer_is_read_as_it_was_sent(line: Hello | Failed) -> None:
    assert answer(encoded(line)) == line


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"\xff\n", b"[]", b"{}", b'{"kind":"launch"}', b'{"kind":"read","n":"one"}', b"[" * 5000]
)
def test_other_lines_are_an_error_with_a_text(line: bytes) -> None:
    for read in (request, answer):
        with pytest.raises(ValueError, match=r"\w"):
            read(line)


@pytest.mark.parametrize(
    ("theirs", "works", "words"),
    [
        ("1.4.0", True, ""),
        ("1.4.9", True, "its version is 1.4.9, this monitor's 1.4.0"),
        ("1.5.0", True, "its version is 1.5.0"),
        ("1.3.2", True, "its version is 1.3.2"),
        ("1.6.0", False, "more than one minor version apart"),
        ("1.2.0", False, "more than one minor version apart"),
        ("2.4.0", False, "more than one minor version apart"),
        ("", False, "names no version"),
        ("1.4\x1b[31m", False, "names no version"),
    ],
)
def test_one_minor_version_apart_works_and_is_named(theirs: str, works: bool, words: str) -> None:
    found, problem = version_problem("1.4.0", theirs, SCHEMA)
    assert (found, bool(problem)) == (works, bool(words))
    assert words in problem


def test_another_schema_never_works() -> None:
    works, problem = version_problem("1.4.0", "1.4.0", SCHEMA + 1)
    assert not works
    assert "install version 1.4.0 on the host" in problem
